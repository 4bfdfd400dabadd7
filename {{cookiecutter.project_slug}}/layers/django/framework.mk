# What the Makefile needs to know of Django.
BUILD = python manage.py collectstatic --noinput --verbosity 0
RUN = python manage.py runserver $$port
