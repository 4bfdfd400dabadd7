"""``make serve``: the Procfile's own processes on this machine, as in production, but without TLS and with SQLite."""

import os
import shlex
import subprocess
from pathlib import Path

from config import env, server


def main() -> None:
    """Run the release step, and then the web process in place of this one."""
    port = server.local_port()
    os.environ["DATABASE_URL"] = env.text("DATABASE_URL", "sqlite:///db.sqlite3")
    os.environ["DEBUG"] = "off"
    os.environ["GUNICORN_CMD_ARGS"] = env.text("GUNICORN_CMD_ARGS", f"--bind 127.0.0.1:{port}")
    os.environ["HTTPS"] = env.text("HTTPS", "off")
    lines = Path("Procfile").read_text().splitlines()
    commands = {name: shlex.split(command) for name, command in (line.split(": ", 1) for line in lines)}
    if status := subprocess.run(commands["release"], check=False).returncode:  # noqa: S603
        raise SystemExit(status)
    print(f"Starting on http://127.0.0.1:{port} (Ctrl+C stops)", flush=True)
    os.execvp(commands["web"][0], commands["web"])  # noqa: S606


if __name__ == "__main__":
    main()
