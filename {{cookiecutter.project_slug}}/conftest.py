"""What every test has, wherever it lies."""

pytest_plugins = [
    "tests.framework",
    "tests.fixtures",
    "tests.accounts_fixtures",
    "tests.jobs_fixtures",
]
