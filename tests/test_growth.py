"""What the owner of a generated project does first: add a page with a model, a migration, a form and tests."""

import shutil
from pathlib import Path

from tests import repository
from tests.conftest import thorough
from tests.projects import Project

OWNERS = Path(__file__).parent / "owners"
# Where each framework wants a page to be known: a line, and what its owner writes above it.
ADDED = {
    "django": [
        ("config/settings.py", '    "pages",\n', '    "notes",\n'),
        ("config/urls.py", "from pages import views\n", "from notes.views import index\n"),
        ("config/urls.py", '    path("admin/"', '    path("notes/", index),\n'),
    ],
    "flask": [
        ("config/app.py", "from pages import errors, views\n", "from notes.views import notes\n"),
        ("config/app.py", "    app.register_blueprint(views.pages)\n", "    app.register_blueprint(notes)\n"),
    ],
}


@thorough
def test_takes_a_page_with_a_model_and_a_form(project: Project, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    for layer in "shared", project.variant.framework:
        shutil.copytree(OWNERS / layer, copy, dirs_exist_ok=True)
    for name, line, added in ADDED[project.variant.framework]:
        text = (copy / name).read_text()
        assert text.count(line) == 1
        (copy / name).write_text(text.replace(line, added + line))
    repository.commit(copy)

    def run(command: str) -> str:
        result = project.run(command, tools=True, folder=copy, DATABASE_URL="sqlite:///db.sqlite3")
        assert result.returncode == 0 or "doctor" in command, result.stdout + result.stderr
        return result.stdout

    run(project.processes["release"])
    complaints = [line for line in run("python -m runtime.doctor").splitlines() if line.startswith("FAIL")]
    assert len(complaints) == 1
    assert complaints[0].startswith("FAIL  migrations follow models: ")
    run(complaints[0].rpartition(". ")[2])
    run("ruff check")
    run("ruff format --check")
    run("mypy --cache-dir /dev/null .")
    run("python -m pytest tests/test_notes.py")
    repository.commit(copy)
    assert "FAIL" not in run("python -m runtime.doctor")
