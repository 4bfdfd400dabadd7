"""What a developer is told of what serves on their machine."""

import pytest

from runtime.checklist import checklist

VARIABLES = {
    "Database": ("DATABASE_URL", "postgres://user:secret@localhost/name"),
    "Mail": ("EMAIL_URL", "submission://user:secret@localhost"),
    "Jobs": ("DATABASE_URL", "postgres://user:secret@localhost/name"),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_tells_what_is_attached_from_what_stands_in_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, value = VARIABLES[name]
    monkeypatch.delenv(variable, raising=False)
    (missing,) = [item for item in checklist() if item.name == name]
    monkeypatch.setenv(variable, value)
    (attached,) = [item for item in checklist() if item.name == name]
    assert attached.here != missing.here
    assert "secret" not in " ".join(attached)
    assert attached.command == missing.command
    assert attached.command.startswith("heroku ")
