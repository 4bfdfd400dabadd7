# What the Makefile needs to know of Flask.
RUN = $(BIN)/python -m flask run --debug --port $$port
JOBS = $(BIN)/python -m flask jobs
