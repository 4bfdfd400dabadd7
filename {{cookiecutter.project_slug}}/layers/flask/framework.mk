# What the Makefile needs to know of Flask.
# Without the migrations, which .flaskenv has for other commands.
RUN = $(BIN)/python -m flask --app config.wsgi run --debug --port $$port
JOBS = $(BIN)/python -m flask jobs
