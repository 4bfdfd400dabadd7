# What the Makefile needs to know of Django.
# Whoever reads this knows that it is for development only.
RUN = DJANGO_RUNSERVER_HIDE_WARNING=true $(BIN)/python manage.py runserver $$port
JOBS = $(BIN)/python manage.py jobs
