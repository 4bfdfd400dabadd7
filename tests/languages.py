"""A parser for each language that a generated project is written in."""

import ast
import io
import json
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path

import tinycss2
import yaml
from dotenv.parser import parse_stream
from packaging.requirements import Requirement
from tinyhtml5.parser import HTMLParser


def parse_css(text: str) -> None:
    """Raise if a browser would skip a part of it."""
    rules = tinycss2.parse_stylesheet(text)
    assert not [rule for rule in rules if rule.type == "error"]


def parse_environment(text: str) -> None:
    """Raise if a line is no assignment."""
    assert not [binding for binding in parse_stream(io.StringIO(text)) if binding.error]


def parse_html(text: str) -> None:
    """Raise if an HTML page, or a block of one, has an error that a browser would have to mend."""
    parser = HTMLParser()
    parse = parser.parse if "<!doctype" in text else parser.parse_fragment
    parse(re.sub(r"{%.*?%}|{{.*?}}", "", text).strip())
    assert parser.errors == []


def parse_make(text: str) -> None:
    """Raise if Make cannot read it."""
    if sys.platform == "win32":
        return  # It has no Make; the same file is parsed elsewhere.
    # What a file includes is read by itself.
    rules = re.sub(r"^include .*$", "", text, flags=re.MULTILINE) + "\nno-such-target:\n"
    subprocess.run(
        ["make", "--dry-run", "--file", "-", "no-such-target"],
        input=rules,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def parse_requirements(text: str) -> None:
    """Raise if a line is no requirement, as PEP 508 defines it, followed by hashes."""
    for line in text.replace("\\\n", "").splitlines():
        if not line.lstrip().startswith("#"):
            requirement, *hashes = line.split("--hash=sha256:")
            Requirement(requirement.strip())
            assert hashes


def parse_shell(text: str) -> None:
    """Raise if the shell cannot read it."""
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


PARSERS: dict[str, Callable[[str], object]] = {
    ".css": parse_css,
    ".env.example": parse_environment,
    ".flaskenv": parse_environment,
    ".html": parse_html,
    ".json": json.loads,
    ".mk": parse_make,
    ".py": ast.parse,
    ".svg": xml.etree.ElementTree.fromstring,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    "Makefile": parse_make,
    "Procfile": yaml.safe_load,
    "find-python": parse_shell,
    "install": parse_shell,
    "lock": parse_shell,
    "post_compile": parse_shell,
    "requirements-test.txt": parse_requirements,
    "requirements.txt": parse_requirements,
}
"""By a file's name or else its suffix."""

PLAIN = {".dockerignore", ".gitattributes", ".gitignore", ".mako", ".md", ".python-version", ".txt", "Dockerfile"}
"""Lists and prose, and two that tests/test_docker.py and the project's own tests read by their own tools."""


def parse(path: Path) -> None:
    """Raise if the file is not valid in its language, or if nobody has said which that is."""
    parser = PARSERS.get(path.name) or PARSERS.get(path.suffix)
    text = path.read_text("utf-8")
    if parser:
        parser(text)
    else:
        assert {path.name, path.suffix} & PLAIN, f"{path} is in no known language"
