# What the Makefile needs to know of Flask.
RUN = python -m flask run --debug --port $(port)
