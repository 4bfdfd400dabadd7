"""The programs that a shell would start for a line of the Procfile, and whether they exist."""

import importlib.util
import os
import pkgutil
import re
import shlex
import shutil
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

from runtime.checks import CheckError

# What a shell knows by itself, what only structures a command, and what starts the command behind it.
BUILTINS = {".", ":", "[", "[[", "case", "cd", "eval", "exit", "export", "for", "read", "return", "set", "shift"}
BUILTINS |= {"source", "trap", "ulimit", "umask", "unset", "wait"}
KEYWORDS = {"!", "{", "}", "do", "done", "elif", "else", "esac", "fi", "if", "then", "until", "while"}
LAUNCHERS = {"command", "env", "exec", "nice", "nohup", "time"}


def commands(line: str) -> Iterator[list[str]]:
    """The words of each program that a shell would start for a line, without assignments and redirections.

    What is only known when it runs has a ``$`` in it, and what follows a ``cd`` is left out.
    """
    # First what stands for a word, inside out; then the number before a redirection.
    substitution = re.compile(r"\$\(\([^()]*\)\)|\$\([^()]*\)|`[^`]*`")
    while substitution.search(line):
        line = substitution.sub("$_", line)
    lexer = shlex.shlex(re.sub(r"(?<!\S)\d+(?=[<>])", "", line), posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "", True
    words: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if {*word} <= {*"();|&"}:
            if words[:1] == ["cd"]:
                return
            yield from filter(None, [started(words)])
            words = []
        elif {*word} <= {*"();|&<>"}:
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(word)


def started(words: list[str]) -> list[str]:
    """A program with its arguments, without what stands before it."""
    for place, word in enumerate(words):
        if word in BUILTINS or (place and words[place - 1] in LAUNCHERS and word.startswith("-")):
            return []
        if word not in KEYWORDS | LAUNCHERS and not re.match(r"[A-Za-z_]\w*\+?=", word):
            return words[place:]
    return []


def find(words: list[str]) -> tuple[str, list[str]]:
    """A program with its arguments, of Python what it runs, which must exist; "" where only running it would tell."""
    program, arguments = words[0], words[1:]
    if "$" in program:
        return "", []
    if not shutil.which(program, path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])):
        cure = "Correct the Procfile, or: chmod +x" if "/" in program else "Add it to pyproject.toml, then: make lock"
        raise CheckError(f"{program}, which is not installed.", f"{cure}.")
    program = Path(program).name
    return what_python_runs(arguments) if re.fullmatch(r"python[\d.]*", program) else (program, arguments)


def what_python_runs(arguments: list[str]) -> tuple[str, list[str]]:
    """The module or script of a Python command, which must exist, and what it is given; "" for anything else."""
    arguments = [*arguments]
    while arguments:
        argument = arguments.pop(0)
        option = re.fullmatch(r"-[bBdEhiIOPqsSuvVx]*([cmWX])(.*)", argument)
        value = option and (option[2] or (arguments.pop(0) if arguments else ""))
        if argument == "-" or "$" in f"{argument}{value}" or (option and option[1] == "c"):
            break
        if option and value and option[1] == "m":
            if not is_module(value):
                raise CheckError(f"{value}, which does not exist.", "Correct the Procfile.")
            return value, arguments
        if not argument.startswith("-"):
            if not Path(argument).exists():
                raise CheckError(f"{argument}, which does not exist.", "Correct the Procfile.")
            return argument, arguments
    return "", []


def is_module(name: str) -> bool:
    """Whether ``python -m`` can run it."""
    spec = find_spec(name) if all(name.split(".")) else None
    if spec and spec.submodule_search_locations is not None:
        spec = find_spec(f"{name}.__main__")
    return spec is not None


def find_spec(name: str) -> ModuleSpec | None:
    """Where a module is, found without running the packages around it, as ``importlib.util`` would."""
    package, _, _ = name.rpartition(".")
    if not package:
        return importlib.util.find_spec(name)
    around = find_spec(package)
    importers = map(pkgutil.get_importer, (around and around.submodule_search_locations) or [])
    found = [spec for importer in importers if importer and (spec := importer.find_spec(name))]
    # One without a loader is a folder only.
    return next((spec for spec in found if spec.loader), found[0] if found else None)
