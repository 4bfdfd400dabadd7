"""What every test has, wherever it lies."""

pytest_plugins = [
    "tests.framework",
    "tests.fixtures",
    "tests.accounts_fixtures",
    # {% if cookiecutter.files|string|lower in cookiecutter._yes %}
    "tests.files_fixtures",
    # {% endif %}
    "tests.jobs_fixtures",
]
