"""Generating a project: again, elsewhere, over something that is there, with another Cookiecutter, and half-way."""

import datetime
import fnmatch
import ntpath
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import repository
from tests.projects import CHOICES, FRAMEWORKS, INTERPRETERS, PYTHON, ROOT, TEMPLATE, render, uv
from tests.repository import snapshot

LOWEST = "2.3.0"


def generate(
    cookiecutter: Path, output: Path, *options: str, template: Path = ROOT, home: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a Cookiecutter with nothing of this machine in its environment."""
    own = {"HOME": str(home or output), "PATH": os.environ["PATH"], "TMPDIR": str(output.parent)}
    command = [cookiecutter, str(template), "--no-input", "--output-dir", str(output), *options]
    return subprocess.run(command, env=own | variables, check=False, capture_output=True, text=True, cwd=output)


def install(folder: Path, python: str, *requirements: str) -> Path:
    """A Cookiecutter in an environment of its own."""
    uv("venv", "--python", INTERPRETERS[python], folder)
    uv("pip", "install", "--python", folder, *requirements)
    return folder / "bin" / "cookiecutter"


OURS = Path(sys.executable).with_name("cookiecutter")


@pytest.mark.parametrize("python", INTERPRETERS)
def test_makes_the_same_project_on_every_python_under_all_circumstances(python: str, tmp_path: Path) -> None:
    cookiecutter = install(
        tmp_path / "venv", python, "--require-hashes", "--requirement", str(ROOT / "requirements.txt")
    )
    original = repository.copy(tmp_path / "original")
    repository.commit(original)
    # As on Windows, where Git turns line ends round.
    repository.git(tmp_path, "clone", "--quiet", "--config", "core.autocrlf=true", str(original), "clone")
    home = tmp_path / "zaphod"
    output = home / "output"
    output.mkdir(parents=True)
    strange = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati"}
    name = "Tea House"
    umask = os.umask(0o077)
    try:
        for framework in FRAMEWORKS:
            options = [
                "docker=yes",
                "files=yes",
                f"framework={framework}",
                f"project_slug={framework}-app",
                f"project_name={name}",
            ]
            result = generate(
                cookiecutter, output, *options, template=tmp_path / "clone", home=home, USER="zaphod", **strange
            )
            assert result.returncode == 0, result.stderr
    finally:
        os.umask(umask)
    for framework in FRAMEWORKS:
        made = snapshot(output / f"{framework}-app")
        plain = render(
            tmp_path, docker="yes", files="yes", framework=framework, project_slug=f"{framework}-app", project_name=name
        )
        assert made == snapshot(plain)
        for file, (content, executable) in made.items():
            for trace in ("zaphod", str(tmp_path), datetime.datetime.now(tz=datetime.UTC).date().isoformat()):
                assert trace.encode() not in content, file
            assert executable == content.startswith(b"#!"), file


def test_can_be_checked_out_on_windows(tmp_path: Path) -> None:
    devices = {"aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
    projects = [render(tmp_path / name, framework=name, docker="yes", files="yes") for name in FRAMEWORKS]
    listed = [repository.git(ROOT, "ls-files").splitlines(), *(list(snapshot(project)) for project in projects)]
    for names in listed:
        assert len({name.lower() for name in names}) == len(names)
        for name in names:
            # Of the 260 characters of a path, as many as this are left for the folder it is in.
            assert len(name) < 160
            for part in name.split("/"):
                assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part), name
                assert part.partition(".")[0].lower() not in devices, name


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_keeps_its_line_ends_in_a_checkout_on_windows(framework: str, tmp_path: Path) -> None:
    project = render(tmp_path, framework=framework, docker="yes", files="yes")
    repository.commit(project)
    repository.git(tmp_path, "clone", "--quiet", "--config", "core.autocrlf=true", str(project), "checkout")
    assert snapshot(tmp_path / "checkout") == snapshot(project)


def test_renders_the_same_files_on_windows() -> None:
    """Cookiecutter compares a path with the patterns by fnmatch, which follows the system's rules for paths."""
    for path in TEMPLATE.rglob("*"):
        name = str(path.relative_to(TEMPLATE))
        here = [fnmatch.fnmatch(name, pattern) for pattern in CHOICES["_copy_without_render"]]
        windows = [
            fnmatch.fnmatchcase(ntpath.normcase(name), ntpath.normcase(pattern))
            for pattern in CHOICES["_copy_without_render"]
        ]
        assert here == windows, name


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_existing_project_keeps_its_own_files(framework: str, tmp_path: Path) -> None:
    project = render(tmp_path, framework=framework)
    fresh = snapshot(project)
    own = [
        project / name
        for name in (
            "notes.txt",
            ".git/HEAD",
            "pages/mine.py",
            ".github/workflows/mine.yml",
            "layers/mine.py",
            "layers/docker.py",
        )
    ]
    for path in own:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    refused = generate(OURS, tmp_path, f"framework={framework}")
    assert refused.returncode == 1
    assert "already exists" in refused.stdout
    for _ in range(2):
        result = generate(OURS, tmp_path, "--overwrite-if-exists", f"framework={framework}")
        assert result.returncode == 0, result.stderr
        assert {path.read_text() for path in own} == {"mine"}
        assert {name: content for name, content in snapshot(project).items() if name in fresh} == fresh
        assert {project / name for name in snapshot(project).keys() - fresh.keys()} | {project / ".git/HEAD"} == {*own}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("wanted", [f"cookiecutter=={LOWEST}", "cookiecutter"], ids=["lowest", "newest"])
def test_works_with_the_lowest_and_the_newest_cookiecutter(wanted: str, framework: str, tmp_path: Path) -> None:
    cookiecutter = install(tmp_path / "venv", PYTHON, wanted)
    output = tmp_path / "output"
    output.mkdir()
    result = generate(cookiecutter, output, f"framework={framework}", "docker=yes", "files=yes")
    assert result.returncode == 0, result.stderr
    assert snapshot(output / "my-project") == snapshot(render(tmp_path, framework=framework, docker="yes", files="yes"))


def test_an_older_cookiecutter_is_told_so(tmp_path: Path) -> None:
    cookiecutter = install(tmp_path / "venv", PYTHON, "cookiecutter==2.1.1", "setuptools<81")
    output = tmp_path / "output"
    output.mkdir()
    result = generate(cookiecutter, output)
    assert result.returncode == 1
    assert "This Cookiecutter is too old: it takes 2.3 or newer. Try: pip install -U cookiecutter" in result.stderr
    assert not (output / "my-project").exists()


INTERRUPTION = """
import os, signal, sys

def interrupt(event, arguments, left=[int(os.environ["AFTER"])]):
    if event == "open" and str(arguments[1]).startswith("w") and "my-project" in os.path.abspath(str(arguments[0])):
        left[0] -= 1
        if not left[0]:
            {action}

if sys.orig_argv[-1].endswith(".py") == (os.environ["WHERE"] == "hook"):
    sys.addaudithook(interrupt)
"""


@pytest.mark.parametrize(("where", "after"), [("cookiecutter", 1), ("cookiecutter", 60), ("hook", 1), ("hook", 20)])
@pytest.mark.parametrize(
    "action",
    ["raise OSError(28, 'No space left on device')", "os.kill(os.getpid(), 9)", "os.killpg(0, 9)"],
    ids=["disk full", "killed", "power cut"],
)
def test_an_interruption_leaves_nothing_that_looks_finished(
    action: str, where: str, after: int, tmp_path: Path
) -> None:
    """Cookiecutter removes the folder if a hook fails. If it fails itself, the layers are still there."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTION.format(action=action))
    output = tmp_path / "output"
    output.mkdir()
    command = [OURS, str(ROOT), "--no-input", "--output-dir", str(output)]
    own = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment = own | {"AFTER": str(after), "WHERE": where}
    result = subprocess.run(command, env=environment, check=False, capture_output=True, start_new_session=True)
    assert result.returncode != 0
    project = output / "my-project"
    if where == "hook" and "killpg" not in action:
        assert not project.exists()
    else:
        assert (project / "layers").exists()
    assert generate(OURS, output, "--overwrite-if-exists").returncode == 0
    assert snapshot(project) == snapshot(render(tmp_path))


def test_a_read_only_target_is_left_alone(tmp_path: Path) -> None:
    """The file system of the processes takes no folder from anybody."""
    result = generate(OURS, Path("/proc"), home=tmp_path)
    assert result.returncode != 0
    assert not Path("/proc/my-project").exists()
