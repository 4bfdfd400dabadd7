# What the Makefile needs to know of Django.
RUN = python manage.py runserver $(port)
