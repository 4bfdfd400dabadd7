# With its migrations, for `flask db`.
FLASK_APP=config.migrations:application
