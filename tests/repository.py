"""The template as a repository of its own, so that tests can clone it, change it and go back in it."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.projects import ROOT


def git(folder: Path, *arguments: str) -> str:
    """Run Git as nobody in particular, with no settings of this machine, and return what it prints."""
    identity = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def copy(folder: Path) -> Path:
    """The files of this repository as they are now, in a folder without a history."""
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def commit(folder: Path, *options: str) -> str:
    """Commit everything in the folder, as the first thing if need be, and return the commit's name."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", *options)
    git(folder, "commit", "--quiet", "--message", "A version")
    return git(folder, "rev-parse", "HEAD").strip()


def snapshot(project: Path) -> dict[str, tuple[bytes, bool]]:
    """What each file but Git's and cruft's own holds, and whether it can be run."""
    return {
        path.relative_to(project).as_posix(): (path.read_bytes(), os.access(path, os.X_OK))
        for path in sorted(project.rglob("*"))
        if path.is_file() and not {".git", ".cruft.json"} & {*path.relative_to(project).parts}
    }
