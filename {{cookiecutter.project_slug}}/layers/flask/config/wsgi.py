"""The application as Gunicorn calls it."""

from config.app import create_app

application = create_app()
