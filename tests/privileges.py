"""With what rights a project's processes run: as on a dyno with none, also where the tests are root."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
# Nobody's: neither a user nor a service is given it, and a container without privileges has it.
USER = 61000
SETPRIV = shutil.which("setpriv")
# Large, and of no use to a project.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "config-*", "site-packages", "test", "*.a")


def unprivileged(command: list[str]) -> dict[str, Any]:
    """The arguments of ``Popen`` with which a command has no privileges, and is not root's where the tests are."""
    arguments = [SETPRIV, "--no-new-privs", *command] if SETPRIV else command
    return {"args": arguments} | ({"user": USER, "group": USER, "extra_groups": []} if IS_ROOT else {})


def hand_over(folder: Path) -> None:
    """Let whoever has no privileges write to a folder, and to all it holds."""
    if IS_ROOT:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, USER, USER, follow_symlinks=False)


def publish(folder: Path) -> None:
    """Let everybody read a folder and all it holds, and nobody but its owner write to it, whatever it was made from."""
    if IS_ROOT:
        subprocess.run(["chmod", "-R", "go-w,a+rX", folder], check=True)


def can_run(*command: str | Path) -> bool:
    """Whether somebody without privileges gets as far as running a command with success."""
    try:
        return subprocess.run(**unprivileged([*map(str, command)]), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def reachable_python(python: str, version: str, copy: Path) -> str:
    """That Python, or a copy of it where it lies in a home that only root can enter."""
    try_out = ["-c", "import encodings, ssl, sqlite3, venv"]
    if not IS_ROOT or can_run(python, *try_out):
        return python
    show = [python, "-c", "import sys; print(sys.base_prefix)"]
    prefix = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copytree(prefix, copy, symlinks=True, ignore=LEFT_OUT)
    publish(copy)
    program = copy / "bin" / f"python{version}"
    # Where Python itself is a library, the program looks for it in the folder that it was built for.
    old, new = f"{prefix}/lib\0".encode(), b"$ORIGIN/../lib\0"
    if len(old) >= len(new):
        program.write_bytes(program.read_bytes().replace(old, new.ljust(len(old), b"\0")))
    if not can_run(program, *try_out):
        raise RuntimeError(f"Only root can run {python}, and no copy of it: install a Python {version} for everybody.")
    return str(program)
