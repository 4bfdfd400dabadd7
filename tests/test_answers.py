"""What can be answered, and what is refused."""

import ast
import contextlib
import json
import shutil
import string
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.languages import parse
from tests.projects import CHOICES, FRAMEWORKS, OPTIONS, PYTHONS, ROOT, render

DEFAULTS = {"project_name": "My Project", "project_slug": "my-project", "framework": FRAMEWORKS[0]}
DEFAULTS |= {"python_version": PYTHONS[0]} | dict.fromkeys(OPTIONS, "no")
GOOD_NAMES = [
    "Anna’s & Tom's <Shop>",
    "50 % #1: it's {fine} (50%)",
    "$HOME `id` $(id) ; id | id > id",
    "<script>alert(1)</script> &amp;",
    "*bold* _it_ [a](b) ~no~ #",
    "'''); import os; os.abort() #'",
    "--no-input -x @file !tag ?",
    "Größe 世界 🙂 👩\u200d💻 é e\u0301",
    "שלום עולם مرحبا می\u200cخواهم",
    "世" * 50,
    "null",
    "0",
]
BAD_NAMES = [
    "",
    " ",
    " Tea",
    "Tea ",
    'The "Best"',
    "back\\slash",
    "two\nlines",
    "two\r\nlines",
    "two\u2028lines",
    "\x1b[2J",
    "\u202enoitcerid",
    "\u2067detalosi",
    "next\x85line",
    "a" * 51,
    "a" * 200,
    "{{ 7*7 }}",
    "{{ cookiecutter }}",
    "{{ cycler.__init__.__globals__.os.getcwd() }}",
    "# {% raw %}",
    "{# remark #}",
]
GOOD_SLUGS = ["abc", "a-b", "a12", "a--b", "my-project-2", "a" * 30, "django", "flask", "null", "console"]
BAD_SLUGS = [
    "ab",
    "a" * 31,
    "a" * 200,
    "1abc",
    "-abc",
    "abc-",
    "Abc",
    "a_c",
    "a.c",
    "a c",
    "äbc",
    "../abc",
    "abc/def",
    "abc/def/ghi",
    "a\\bc",
    "a'b",
    'a"b',
    "$(id)",
    "abc\n\n",
    "con",
    "lpt1",
]
REFUSED = (
    [("project_name", name) for name in BAD_NAMES]
    + [("project_slug", slug) for slug in BAD_SLUGS]
    + [("framework", "rails"), ("framework", '"; import os; os.abort() #')]
    + [("python_version", "2")]
    + [(option, "maybe") for option in OPTIONS]
)


def generate(output: Path, *options: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``cookiecutter`` as a person does who answers with the lines ``typed``."""
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--output-dir", str(output), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=typed)


def type_in(output: Path, **answers: str) -> Path:
    """Generate a project from answers that Cookiecutter, as with those of a prompt, does not take for templates."""
    replay = output.with_suffix(".json")
    replay.write_text(json.dumps({"cookiecutter": DEFAULTS | answers}))
    return Path(cookiecutter(str(ROOT), default_config=True, output_dir=output, replay=str(replay)))


def shown_names(project: Path) -> set[str]:
    """The project's name, as a reader of each file that holds it would understand it."""
    module = ast.parse((project / "config" / "settings.py").read_text("utf-8"))
    assignments = {ast.unparse(node.targets[0]): node.value for node in module.body if isinstance(node, ast.Assign)}
    heading = MarkdownIt().parse((project / "README.md").read_text("utf-8"))[1]
    assert heading.children is not None
    assert {child.type for child in heading.children} <= {"text", "text_special"}
    return {
        ast.literal_eval(assignments["SITE_NAME"]),
        json.loads((project / "app.json").read_text("utf-8"))["name"],
        tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["description"],
        "".join(child.content for child in heading.children),
    }


def check(project: Path, name: str) -> None:
    """Assert that a project is one that a person with this name for it would accept."""
    assert shown_names(project) == {name}
    for path in project.rglob("*"):
        if path.is_file():
            parse(path)
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--no-cache", "--quiet"], cwd=project, check=True)
    subprocess.run([*ruff, "format", "--check", "--no-cache", "--quiet"], cwd=project, check=True)


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_is_kept_as_typed(name: str, tmp_path: Path) -> None:
    for framework in FRAMEWORKS:
        check(render(tmp_path, project_name=name, project_slug=f"on-{framework}", framework=framework), name)


@pytest.mark.parametrize("slug", GOOD_SLUGS)
def test_a_good_slug_is_taken(slug: str, tmp_path: Path) -> None:
    project = render(tmp_path, project_slug=slug)
    assert project == tmp_path / slug
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"] == slug


def is_good(name: str) -> bool:
    """The rule of the hook, told in another way."""
    plain = [sign for sign in name if unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"}]
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return (
        1 <= len(name) == len(plain) <= 50
        and name == name.strip(" ")
        and not any(sign in '"\\' or unicodedata.bidirectional(sign) in turning for sign in name)
        and not any(start in name for start in ("{{", "{%", "{#"))
    )


fragments = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "${", "$(", "`", "'''", '"', "\\", "\n", "#", "]", "<", "&", ": "]
)
names = st.lists(st.one_of(st.text(max_size=6), st.text(string.printable, max_size=6), fragments), max_size=9).map(
    "".join
)


@settings(max_examples=40, deadline=None)
@given(name=names, slug=st.from_regex(r"\A[a-z][a-z0-9-]{1,28}[a-z0-9]\Z"), data=st.data())
def test_any_name_is_kept_or_refused(
    name: str, slug: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    output = tmp_path_factory.mktemp("any")
    answers = {"project_name": name, "project_slug": slug}
    answers |= {key: data.draw(st.sampled_from(CHOICES[key])) for key in ("framework", "python_version")}
    answers |= {option: data.draw(st.sampled_from(["yes", "no"])) for option in OPTIONS}
    if is_good(name):
        check(type_in(output, **answers), name)
    else:
        with pytest.raises(FailedHookException):
            type_in(output, **answers)
        assert list(output.iterdir()) == []


@pytest.mark.parametrize(("question", "answer"), REFUSED)
def test_a_bad_answer_is_refused_in_one_line_and_leaves_nothing(
    question: str, answer: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"
    output.mkdir()
    with pytest.raises((FailedHookException, FileNotFoundError)):
        type_in(output, **{question: answer})
    refusals = [line for line in capfd.readouterr().err.splitlines() if "will not do" in line]
    assert len(refusals) == 1
    assert refusals[0].startswith(f"{question} {answer[:80]!r} will not do: it takes ")
    assert ". A good one: " in refusals[0]
    assert sorted(tmp_path.rglob("*")) == [output, output.with_suffix(".json")]


@pytest.mark.parametrize(
    ("question", "answer"), [("project_name", 'The "Best"'), ("project_name", "{{ 7*7 }}"), ("project_slug", "1abc")]
)
@pytest.mark.parametrize("way", ["prompts", "options", "settings", "replay"])
def test_a_bad_answer_is_refused_alike_however_it_comes(way: str, question: str, answer: str, tmp_path: Path) -> None:
    answers = DEFAULTS | {question: answer}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"default_context": answers, "replay_dir": str(tmp_path)}))
    (tmp_path / "replay.json").write_text(json.dumps({"cookiecutter": answers}))
    output = tmp_path / "output"
    output.mkdir()
    if way == "prompts":
        typed = f"{answers['project_name']}\n{answers['project_slug']}\n1\n1\n" + "n\n" * len(OPTIONS)
        result = generate(output, "--default-config", typed=typed)
    elif way == "options":
        result = generate(output, "--no-input", "--default-config", "project_slug=abc", f"{question}={answer}")
    elif way == "settings":
        result = generate(output, "--no-input", "--config-file", str(file))
    else:
        result = generate(output, "--default-config", "--replay-file", str(tmp_path / "replay.json"))
    assert result.returncode == 1
    refusals = [line for line in result.stderr.splitlines() if "will not do" in line]
    assert [line.partition(" will not do")[0] for line in refusals] == [f"{question} {answer!r}"]
    assert list(output.iterdir()) == []


@pytest.mark.parametrize("slug", ["", ".", ".."])
def test_a_slug_that_names_no_new_folder_is_refused(slug: str, tmp_path: Path) -> None:
    """By Cookiecutter itself, or by the hook where an existing folder may be written to."""
    output = tmp_path / "home" / "output"
    output.mkdir(parents=True)
    own = [tmp_path / "home" / "notes.txt", output / "notes.txt"]
    for note in own:
        note.write_text("mine")
    for options in ([], ["--overwrite-if-exists"]):
        result = generate(output, "--no-input", "--default-config", *options, f"project_slug={slug}")
        assert result.returncode == 1
        assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == own


@pytest.mark.parametrize(
    "option", ["framework=rails", "python_version=3.11", *(f"{option}=maybe" for option in OPTIONS)]
)
def test_an_unknown_choice_is_refused_and_leaves_nothing(option: str, tmp_path: Path) -> None:
    """By Cookiecutter itself."""
    result = generate(tmp_path, "--no-input", "--default-config", option)
    assert result.returncode != 0
    assert option.partition("=")[2] in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_an_answer_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed in, so that whatever then ran it would be of this template's making."""
    monkeypatch.chdir(tmp_path)
    python = "__import__('os').mkdir('trace')"
    payloads = [f"'+{python}+'", f"{{{python}}}", "$(mkdir trace)", "`mkdir trace`", "$(shell mkdir trace)"]
    payloads += ["{{ cycler.__init__.__globals__.os.mkdir('trace') }}"]
    taken = []
    for question in DEFAULTS:
        for payload in payloads:
            with contextlib.suppress(FailedHookException, FileNotFoundError):
                project = type_in(tmp_path / "output", **{question: payload})
                # The only Python that the name is written into.
                code = f"SITE_NAME = {(project / 'config/settings.py').read_text().partition('SITE_NAME = ')[2]}"
                exec(code.splitlines()[0], {})
                check(project, payload)
                shutil.rmtree(project)
                taken.append((question, payload))
    assert taken == [("project_name", payload) for payload in payloads[:-1]]
    assert list(tmp_path.rglob("trace")) == []


def test_the_defaults_make_a_project(tmp_path: Path) -> None:
    result = generate(tmp_path, "--no-input", "--default-config")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "my-project" / "manage.py").exists()
    assert (tmp_path / "my-project" / ".python-version").read_text() == f"{PYTHONS[0]}\n"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Café Größe & Söhne", "cafe-grosse-sohne"), ("7 Wonders", "wonders"), ("a b" * 16, "a" + "-ba" * 9 + "-b")],
)
def test_the_slug_follows_from_the_name(name: str, slug: str, tmp_path: Path) -> None:
    assert render(tmp_path, project_name=name).name == slug


@pytest.mark.parametrize("answer", ["yes", "Y", "true", "1", "on"])
def test_an_option_is_taken_as_cookiecutter_takes_it(answer: str, tmp_path: Path) -> None:
    """From a replay file, or a Cookiecutter before 2.7, a yes arrives as it was typed."""
    project = type_in(tmp_path / "output", docker=answer, files=answer)
    assert (project / "Dockerfile").exists()
    # A layer, and what is written into the others' files.
    assert (project / "files").exists()
    assert "BUCKET_NAME" in (project / ".env.example").read_text()
