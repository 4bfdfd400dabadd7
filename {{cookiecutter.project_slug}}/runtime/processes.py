"""``make serve``: every process of the Procfile on this machine, as in production, but without TLS and with SQLite.

The release step first, then all the others at once, each through a shell as on the platform. Every line of output
begins with the name of its process. Ctrl+C stops them all, and so does the end of any one.
"""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from runtime import env, server, timeouts


def read() -> dict[str, str]:
    """The commands of the Procfile by the name of their process; the platform, too, passes over any other line."""
    lines = Path("Procfile").read_text("utf-8").splitlines()
    found = (re.fullmatch(r"([A-Za-z0-9_-]+):\s*(\S.*?)\s*", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


class Process:
    """A command in a shell and a session of its own, whose output goes line by line to standard output."""

    writing = Lock()

    def __init__(self, name: str, command: str, width: int, ended: SimpleQueue[tuple[str, int]]) -> None:
        self.name, self.prefix, self.ended = name, f"{name:{width}} | ".encode(), ended
        # Out of reach of the terminal's Ctrl+C, which would hurry those that a SIGTERM asks to finish their work.
        self.shell = subprocess.Popen(  # noqa: S602
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Two, since what the shell has started may outlive it, and hold the output open.
        self.threads = [Thread(target=target, daemon=True) for target in (self.copy, self.wait)]
        for thread in self.threads:
            thread.start()

    def copy(self) -> None:
        for line in self.shell.stdout or ():
            with self.writing:
                try:
                    sys.stdout.buffer.write(self.prefix + line.rstrip(b"\n") + b"\n")
                    sys.stdout.buffer.flush()
                except BrokenPipeError:  # whoever read it has gone, as in `make serve | head`
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                    self.ended.put(("", 0))

    def wait(self) -> None:
        status = self.shell.wait()
        self.ended.put((self.name, status if status >= 0 else 128 - status))

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def send(self, number: int) -> None:
        """Send a signal to the shell and all that it has started, as the platform does."""
        # macOS refuses where only the dead are left.
        with suppress(ProcessLookupError, PermissionError):
            if self.alive():
                os.killpg(self.shell.pid, number)

    def join(self, seconds: float) -> None:
        """Wait until it and all that holds its output have ended, but no longer than ``seconds``."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))


class Processes:
    """Runs commands side by side. ``grace`` is how many seconds they have between SIGTERM and SIGKILL."""

    def __init__(self, grace: float = timeouts.ROUTER) -> None:
        self.grace = grace
        self.running: list[Process] = []
        self.ended: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self.stopped = 0
        # Through a pipe: a handler would wait for as long as the main thread does, if it comes just before.
        source, target = os.pipe()
        os.set_blocking(target, False)
        signal.set_wakeup_fd(target)
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
            signal.signal(number, lambda number, frame: None)
        Thread(target=self.listen, args=[source], daemon=True).start()

    def listen(self, source: int) -> None:
        """Stop them all when a signal asks for it; at once, when Ctrl+C does so a second time."""
        while number := ord(os.read(source, 1)):
            if number == signal.SIGINT == self.stopped:
                self.send(signal.SIGKILL)
            self.stopped = self.stopped or number
            self.ended.put(("", 0))

    def send(self, number: int) -> None:
        for process in self.running:
            process.send(number)

    def run(self, commands: dict[str, str], width: int = 0) -> int:
        """Run all until one has ended or somebody asks to stop, then stop the others; its status, or 0 if asked."""
        if self.stopped:
            return 0
        for name, command in commands.items():
            self.running.append(Process(name, command, width, self.ended))
        name, status = self.ended.get()
        if name and len(commands) > 1:
            print(f"The {name} process has ended with status {status}: stopping the others.", flush=True)
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        for process in self.running:
            process.join(deadline - time.monotonic())
        for process in filter(Process.alive, self.running):
            print(f"The {process.name} process has not ended in {self.grace} seconds: killing it.", flush=True)
            process.send(signal.SIGKILL)
            process.join(1)
        self.running.clear()
        return status


def main() -> None:
    """Run the release step, and then all other processes, until they end."""
    env.load(Path(".env"))
    port = server.local_port()
    os.environ["DATABASE_URL"] = env.text("DATABASE_URL", "sqlite:///db.sqlite3")
    os.environ["DEBUG"] = "off"
    os.environ["GUNICORN_CMD_ARGS"] = env.text("GUNICORN_CMD_ARGS", f"--bind 127.0.0.1:{port}")
    os.environ["HTTPS"] = env.text("HTTPS", "off")
    # The programs beside this Python; and their lines when they write them, not when a buffer is full.
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    os.environ["PYTHONUNBUFFERED"] = "1"
    commands = read()
    if not os.environ["DATABASE_URL"].startswith("postgres"):
        # Which would refuse to start, and so end the others.
        for name in [name for name, command in commands.items() if "runtime.work" in command]:
            del commands[name]
            print(f"Without the {name} process: on SQLite each job runs at once, where it is asked for.", flush=True)
    width = max(map(len, commands), default=0)
    processes = Processes()
    if (release := commands.pop("release", "")) and (status := processes.run({"release": release}, width)):
        raise SystemExit(status)
    if not commands:
        env.refuse("The Procfile names no process.", "Write one: echo 'web: gunicorn config.wsgi' > Procfile")
    if not processes.stopped:
        print(f"Starting on http://127.0.0.1:{port} (Ctrl+C stops)", flush=True)
    raise SystemExit(processes.run(commands, width))


if __name__ == "__main__":
    main()
