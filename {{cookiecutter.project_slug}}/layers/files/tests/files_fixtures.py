"""What a test needs of files: they are kept in a folder of its own, and a bucket is not asked for."""

from pathlib import Path

import pytest

from runtime import storage, store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> store.Folder:
    """Where the files of a test are kept."""
    folder = store.Folder(tmp_path / "media")
    monkeypatch.setattr(storage, "current", lambda: folder)
    return folder
