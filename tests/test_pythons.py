"""The versions of Python to choose from: cookiecutter.json decides, and whatever else names one follows it.

There the default stands first, and what replaces it on a machine that lacks it stands next. To offer another one, or
one less, change that list and run this module, which names each line to change; then try it as a variant:
`TEST_VARIANT=flask-3.15 make test`.
"""

import re

import pytest

from tests import repository
from tests.projects import FRAMEWORKS, PYTHONS, ROOT, TEMPLATE, by_age

DEFAULT, (OLDEST, *_, NEWEST) = PYTHONS[0], by_age(PYTHONS)
RANGE = f"{OLDEST} to {NEWEST}"
QUOTED = ", ".join(f'"{version}"' for version in PYTHONS)
# The last one that a job sets up is the one that its commands find.
SET_UP = [*reversed(PYTHONS)]
REQUIRED = r'^requires-python = ">=(.*)"$'

# A file, a pattern whose only group holds versions, and what the group has to be.
PLACES = [
    (".python-version", r"^(.+)$", DEFAULT),
    (".github/workflows/ci.yml", r"^        python: \[(.*)\]$", QUOTED),
    (".github/workflows/ci.yml", r"\$\{\{ matrix\.python \}\}\n +(\S+)\n", DEFAULT),
    (".github/workflows/ci.yml", r"python-version: \|((?:\n +\d\S+)+)\n", SET_UP),
    (".github/workflows/weekly.yml", r"python-version: \|((?:\n +\d\S+)+)\n", SET_UP),
    ("Makefile", r"^# .* Python (.*) and make", RANGE),
    ("README.md", r"nothing but Python (.*) and make", RANGE),
    ("README.md", r"Which Python .*\n((?: +\d - .*\n)+)", [f"{n} - {version}" for n, version in enumerate(PYTHONS, 1)]),
    ("docs/dependencies.md", r"lock files install from wheels alone on Python\s(\S+\sto\s\d\.\d+)", RANGE),
    ("hooks/pre_gen_project.py", r'"python_version": .*"([\d.]+)"\),$', DEFAULT),
    ("pyproject.toml", REQUIRED, OLDEST),
    (f"{TEMPLATE.name}/README.md", r"Python (.*) and make", RANGE),
    (f"{TEMPLATE.name}/bin/find-python", r'^supported="(.*)"$', " ".join(PYTHONS)),
    (f"{TEMPLATE.name}/bin/lock", r"--python-version (\S+)", OLDEST),
    (f"{TEMPLATE.name}/runtime/doctor.py", r"^SUPPORTED_PYTHONS = \((.*)\)$", QUOTED),
    *((f"{TEMPLATE.name}/layers/{framework}/pyproject.toml", REQUIRED, OLDEST) for framework in FRAMEWORKS),
]


@pytest.mark.parametrize(("name", "pattern", "expected"), PLACES)
def test_follow_the_questions(name: str, pattern: str, expected: str | list[str]) -> None:
    found = re.findall(pattern, (ROOT / name).read_text("utf-8"), re.MULTILINE)
    assert found, f"{name} has nothing like {pattern!r} any more: mend the pattern here"
    for words in found:
        lines = [line.strip() for line in words.strip().splitlines()]
        read = lines if isinstance(expected, list) else " ".join(lines)
        assert read == expected, f"{name} says {read}: change it to {expected}"


def test_are_named_nowhere_else() -> None:
    """But as an example, which is one of them."""
    examples = re.compile(r"(?<![\d.=])3\.1\d(?![\d.])")
    for name in repository.git(ROOT, "ls-files").splitlines():
        if re.search(r"^(CHANGELOG|docs/|tests/)|requirements.*\.txt$|\.png$", name):
            continue
        text = (ROOT / name).read_text("utf-8")
        for place, pattern, _ in PLACES:
            if place == name:
                text = re.sub(pattern, "", text, flags=re.MULTILINE)
        wrong = {*examples.findall(text)} - {*PYTHONS}
        assert not wrong, f"{name} names Python {', '.join(wrong)}"
