"""What only Flask has."""

from flask import Flask

from runtime import framework, migrations


def test_models_and_migrations_agree(application: Flask) -> None:
    alembic = migrations.of(application)
    with application.app_context():
        assert alembic.compare_metadata() == []


def test_the_tables_of_jobs_are_as_the_engine_wants_them(application: Flask) -> None:
    framework.check_jobs_schema(application)
