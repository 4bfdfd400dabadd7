"""A generated project's static files, from the build to the browser; and without a build."""

import copy
import os
import re
import shutil
from pathlib import Path

import pytest

from tests import repository
from tests.conftest import thorough
from tests.dyno import Dyno, running
from tests.projects import Project

pytestmark = thorough

BUILD = "python -m config.build"


@pytest.fixture
def site(project: Project, tmp_path: Path) -> Project:
    """A copy of the project that nobody has built, with a stylesheet that refers to an image."""
    site = copy.copy(project)
    site.path = shutil.copytree(project.path, tmp_path / "site", ignore=shutil.ignore_patterns("staticfiles"))
    with (site.path / "pages" / "static" / "style.css").open("a") as stylesheet:
        stylesheet.write('\nheader { background: url("icon.svg") }\n')
    return site


def build(site: Project) -> None:
    result = site.run(BUILD, tools=True)
    assert result.returncode == 0, result.stderr


def stylesheet(dyno: Dyno) -> str:
    return re.findall(r'href="(/static/style[^"]*)"', dyno.get("/").text)[0]


def test_are_served_before_they_are_published(site: Project) -> None:
    with running(site) as dyno:
        dyno.wait_for(f"level=warning logger=config .*Static files were not published.*: {BUILD}")
        assert stylesheet(dyno) == "/static/style.css"
        response = dyno.get("/static/style.css")
        assert response.status_code == 200
        assert "Content-Encoding" not in response.headers
        assert "immutable" not in response.headers["Cache-Control"]
    # By the very command that the log gives.
    build(site)
    with running(site) as dyno:
        assert stylesheet(dyno) != "/static/style.css"
        assert "Content-Encoding" in dyno.get(stylesheet(dyno)).headers
        assert not [line for line in dyno.log if "Static files" in line]


def test_refer_to_each_other_by_hashed_names(site: Project) -> None:
    build(site)
    with running(site) as dyno:
        icon = re.findall(r'url\("?(icon\.[0-9a-f]{12}\.svg)"?\)', dyno.get(stylesheet(dyno)).text)
        response = dyno.get(f"/static/{icon[0]}")
        assert response.status_code == 200
        assert "immutable" in response.headers["Cache-Control"]


def test_keep_their_tags_over_a_build(site: Project) -> None:
    tags = []
    for time in 1_600_000_000, 1_700_000_000:
        shutil.rmtree(site.path / "staticfiles", ignore_errors=True)
        for path in (site.path / "pages" / "static").iterdir():
            os.utime(path, (time, time))
        build(site)
        with running(site) as dyno:
            addresses = ["/static/style.css", stylesheet(dyno)]
            tags.append([dyno.get(address).headers["ETag"] for address in addresses])
            for address, tag in zip(addresses, tags[-1], strict=True):
                assert dyno.get(address, headers={"If-None-Match": tag}).status_code == 304
    assert tags[0] == tags[1]


def test_are_published_outside_the_repository(site: Project) -> None:
    repository.commit(site.path)
    build(site)
    assert (site.path / "staticfiles").is_dir()
    assert repository.git(site.path, "status", "--porcelain") == ""
