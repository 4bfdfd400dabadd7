"""What the environment may say, and how it is refused when it cannot be used."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("DATABASE_URL", "mysql://user:hidden@host/name", "DATABASE_URL is 'mysql://user:***@host/name'"),
        ("DEBUG", "maybe", "DEBUG is 'maybe', neither on nor off"),
        ("SECRET_KEY", "short", "SECRET_KEY is too weak: 5 characters"),
    ],
)
def test_a_value_of_no_use_is_refused_in_one_line(name: str, value: str, refusal: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {name: value},
    )
    assert result.returncode == 1
    assert result.stderr.startswith(refusal)
    assert result.stderr.count("\n") == 1
