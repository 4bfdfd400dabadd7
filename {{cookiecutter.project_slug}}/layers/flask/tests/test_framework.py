"""What only Flask has."""

from flask import Flask

from runtime import framework


def test_models_and_migrations_agree(application: Flask) -> None:
    alembic = framework.migrations(application)
    with application.app_context():
        assert alembic.compare_metadata() == []
