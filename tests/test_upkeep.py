"""The workflows and the settings of Dependabot that keep the template, and the projects made from it, up to date."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests import repository
from tests.projects import CHOSEN, FRAMEWORKS, PYTHONS, ROOT, TEMPLATE, render

WORKFLOWS = [*ROOT.glob(".github/workflows/*.yml"), *TEMPLATE.glob(".github/workflows/*.yml")]


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.relative_to(ROOT).as_posix())
class TestWorkflow:
    def test_pins_every_action_to_a_commit(self, workflow: Path) -> None:
        uses = re.findall(r"uses: (\S+)(.*)", workflow.read_text())
        assert len(uses) == len([step for step in steps(workflow) if "uses" in step]) > 0
        for action, remark in uses:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", remark)

    def test_may_only_read_unless_a_job_says_otherwise(self, workflow: Path) -> None:
        assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}

    def test_needs_no_secret(self, workflow: Path) -> None:
        assert "secrets." not in workflow.read_text()

    def test_holds_no_token_where_dependencies_run(self, workflow: Path) -> None:
        for job in yaml.safe_load(workflow.read_text())["jobs"].values():
            if "permissions" in job:
                assert not [step for step in job["steps"] if re.search(r"^(make|python) ", step.get("run", ""), re.M)]

    def test_runs_what_runs_anywhere(self, workflow: Path) -> None:
        """Make's targets, what they consist of, and the commands that only GitHub has a use for."""
        for step in steps(workflow):
            for command in step.get("run", "").splitlines():
                assert re.match(r"make |python -m pytest |python -m pip |git |gh |  *(commit|gh|--body) ", command)
            subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)


def test_proposes_nothing_but_locks(tmp_path: Path) -> None:
    """Whatever the patch changes that comes from where dependencies ran."""
    folder = repository.copy(tmp_path / "root")
    repository.commit(folder)
    bare = tmp_path / "origin.git"
    repository.git(tmp_path, "clone", "--quiet", "--bare", str(folder), str(bare))
    repository.git(folder, "remote", "add", "origin", str(bare))
    locks = ["requirements.txt", f"{TEMPLATE.name}/layers/flask/requirements-test.txt"]
    for name in [*locks, ".github/workflows/ci.yml", "Makefile"]:
        (folder / name).write_text((folder / name).read_text() + "# new\n")
    # Renamed to a lock's name.
    (folder / "LICENSE").rename(folder / "requirements-more.txt")
    repository.git(folder, "add", "--all")
    (tmp_path / "locks.patch").write_text(repository.git(folder, "diff", "--cached", "--find-renames"))
    repository.git(folder, "reset", "--quiet", "--hard")
    (tmp_path / "locks.patch").rename(folder / "locks.patch")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text("#!/bin/sh\necho OPEN\n")
    (tools / "gh").chmod(0o755)
    run = steps(ROOT / ".github" / "workflows" / "weekly.yml")[-1]["run"]
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["bash", "-e", "-c", run], cwd=folder, env=environment, check=True)
    assert repository.git(bare, "diff", "--name-only", "main", "weekly-locks").split() == sorted(locks)


def test_tests_every_variant() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["framework"] == FRAMEWORKS
    assert sorted(matrix["python"]) == sorted(PYTHONS)
    assert {*matrix["option"]} == {f"-{options}" if options else "" for options in CHOSEN}


def updates(folder: Path) -> dict[str, set[str]]:
    """The folders in which Dependabot looks, by the kind of dependency."""
    listed: dict[str, set[str]] = {"github-actions": set(), "pip": set()}
    for update in yaml.safe_load((folder / ".github" / "dependabot.yml").read_text())["updates"]:
        assert update["cooldown"]["default-days"] == 7
        listed[update["package-ecosystem"]].add(update["directory"].strip("/"))
    return listed


def places(folder: Path, pattern: str) -> set[str]:
    names = [Path(name) for name in repository.git(folder, "ls-files", "--cached", "--others").splitlines()]
    return {str(name.parent) if name.parent != Path() else "" for name in names if name.match(pattern)}


@pytest.mark.parametrize("framework", ["", *FRAMEWORKS])
def test_dependabot_finds_every_file_and_can_read_it(framework: str, tmp_path: Path) -> None:
    """It reads requirements line by line, and the workflows of a folder, which for the root is theirs by custom."""
    folder = repository.copy(tmp_path / "root") if not framework else render(tmp_path, framework=framework)
    repository.commit(folder)
    found = updates(folder)
    assert found["pip"] == places(folder, "requirements*.txt")
    assert {place or ".github/workflows" for place in found["github-actions"]} == places(folder, ".github/workflows/*")
    for place in found["pip"]:
        for lock in (folder / place).glob("requirements*.txt"):
            lines = [line for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
            assert lines
            for line in lines:
                assert [specifier.operator for specifier in Requirement(line.rstrip(" \\")).specifier] == ["=="]


@pytest.mark.parametrize("page", ["*.md", "docs/**/*.md"])
def test_leads_nowhere_that_does_not_exist(page: str) -> None:
    """Each link of the template's own pages to a file of it."""
    pages = [*ROOT.glob(page)]
    links = [(path, link) for path in pages for link in re.findall(r"\]\(([^():#]+)[)#]", path.read_text())]
    assert links
    assert [(path.name, link) for path, link in links if not (path.parent / link).exists()] == []
