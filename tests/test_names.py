"""What a generated project's server takes from Gunicorn: a stated list, and every release it allows has all of it."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.projects import FRAMEWORKS, INTERPRETERS, PYTHON, TEMPLATE, uv

MODULES = "worker", "connection"

# By what each name is of. What the expression is called in the modules says which object it is.
OBJECTS = {
    "base": "gunicorn.workers.base",
    "base.Worker": "worker",
    "errors": "gunicorn.http.errors",
    "http": "gunicorn.http",
    "wsgi": "gunicorn.http.wsgi",
    "cfg": "configuration",
    "self.cfg": "configuration",
    "self.log": "logger",
    "request": "request",
    "self.request": "request",
    "connection.request": "request",
    "response": "response",
}
NAMES = {
    "configuration": {
        "graceful_timeout",
        "is_ssl",
        "keepalive",
        "post_request",
        "pre_request",
        "protocol",
        "proxy_protocol",
        "threads",
        "worker_connections",
        "workers",
    },
    "gunicorn.http": {"get_parser"},
    "gunicorn.http.errors": {"InvalidChunkSize", "InvalidHeader", "LimitRequestHeaders", "NoMoreData"},
    "gunicorn.http.wsgi": {"create"},
    "gunicorn.workers.base": {"Worker"},
    "logger": {"access", "debug", "exception", "info", "warning"},
    "request": {"body", "headers", "method", "path", "should_close", "version"},
    "response": {
        "force_close",
        "headers_sent",
        "response_length",
        "sent",
        "should_close",
        "start_response",
        "status_code",
        "close",
        "write",
        "write_file",
    },
    # What the class inherits.
    "worker": {
        "PIPE",
        "age",
        "alive",
        "cfg",
        "handle_error",
        "handle_exit",
        "log",
        "max_requests",
        "notify",
        "ppid",
        "sockets",
        "wsgi",
    },
}

# Makes one of each, and says which names each lacks.
HAS_ALL = """
import json, os, sys
from importlib import import_module

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import get_parser
from gunicorn.http.wsgi import create
from gunicorn.workers.base import Worker

class Socket:
    send = sendall = lambda self, data: None

configuration = Config()
logger = Logger(configuration)
request = next(get_parser(configuration, [b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"], ("127.0.0.1", 1)))
response, environ = create(request, Socket(), ("127.0.0.1", 1), ("127.0.0.1", 2), configuration)
response.start_response("200 OK", [])
worker = Worker(1, os.getpid(), [], None, 30, configuration, logger)
# Set when it loads the application.
worker.wsgi = None if hasattr(Worker, "load_wsgi") else worker.wsgi
made = locals()
names = json.loads(sys.argv[1])
things = {name: made.get(name) or import_module(name) for name in names}
print(json.dumps([f"{name}.{one}" for name in names for one in names[name] if not hasattr(things[name], one)]))
"""


def source(module: str) -> ast.Module:
    return ast.parse((TEMPLATE / "runtime" / f"{module}.py").read_text())


def touched() -> dict[str, set[str]]:
    """The names that the two modules take from Gunicorn's objects, by object."""
    found: dict[str, set[str]] = {}
    for module in MODULES:
        tree = source(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (owner := OBJECTS.get(ast.unparse(node.value))):
                found.setdefault(owner, set()).add(node.attr)
            if isinstance(node, ast.ClassDef) and [*map(ast.unparse, node.bases)] == ["base.Worker"]:
                found.setdefault("worker", set()).update(inherited(node))
    # A module of its own package that is named as one of its objects.
    found["gunicorn.workers.base"] = {name for name in found["gunicorn.workers.base"] if name != "worker"}
    return found


def inherited(worker: ast.ClassDef) -> set[str]:
    """The attributes that a class uses and nowhere sets."""
    used, own = set(), {node.name for node in worker.body if isinstance(node, ast.FunctionDef)}
    for node in worker.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            own |= {ast.unparse(target) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])}
    for node in ast.walk(worker):
        if not isinstance(node, ast.Attribute):
            continue
        if ast.unparse(node.value) == "super()":
            used.add(node.attr)
        elif ast.unparse(node.value) == "self":
            (used if isinstance(node.ctx, ast.Load) else own).add(node.attr)
    parents = {"alive"}  # which it sets as well
    overridden = {
        node.attr for node in ast.walk(worker) if isinstance(node, ast.Attribute) and "super()" in ast.unparse(node)
    }
    return (used - own) | parents | (overridden & used)


def test_takes_from_gunicorn_what_is_listed() -> None:
    assert touched() == NAMES


def test_imports_from_gunicorn_what_is_listed() -> None:
    imports = {
        f"{node.module}.{name.name}"
        for module in MODULES
        for node in ast.walk(source(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gunicorn")
        for name in node.names
    }
    # The last is for whoever reads the types.
    listed = {"gunicorn.http", "gunicorn.http.errors", "gunicorn.http.wsgi", "gunicorn.workers.base"}
    assert imports <= listed | {"gunicorn.arbiter.Arbiter"}
    assert listed <= imports
    for module in MODULES:
        assert not [
            node
            for node in ast.walk(source(module))
            if isinstance(node, ast.Import) and "gunicorn" in ast.unparse(node)
        ]


@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_finds_what_is_listed_in_every_gunicorn_it_allows(framework: str, resolution: str, tmp_path: Path) -> None:
    text = (TEMPLATE / "layers" / framework / "pyproject.toml").read_text()
    requirement = Requirement(re.findall(r'"(gunicorn[^"]*)"', text)[0])
    uv(
        "pip",
        "install",
        "--target",
        tmp_path,
        "--python",
        INTERPRETERS[PYTHON],
        f"--resolution={resolution}",
        requirement,
    )
    names = {name: sorted(ones) for name, ones in NAMES.items()}
    command = [INTERPRETERS[PYTHON], "-c", HAS_ALL, json.dumps(names)]
    missing = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert json.loads(missing.stdout) == []
