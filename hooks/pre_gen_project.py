"""Refuses an answer that cannot work, in one line that names it and shows a good one."""

import contextlib
import json
import re
import sys
from pathlib import Path

# As JSON, in which an answer's own quotes and line ends are inert.
answers = json.loads(r""" {{ cookiecutter|tojson }} """)
# Without prompts Cookiecutter takes an answer for a template: this is the name before that, which cruft does not keep.
given = json.loads(r""" {{ (_cookiecutter|default(cookiecutter)).project_name|tojson }} """)

YES_OR_NO = r"(?i)[01fnty]|false|no|off|on|true|yes"
rules = {
    # Fifty of the widest letters fit into a line of code; and what turns a text's direction can disguise code.
    "project_name": (
        r'(?! )(?!.*{[%#{])[^"\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,50}(?<! )',
        "1 to 50 characters, but no line break, double quote, backslash or Jinja",
        "My Project",
    ),
    # Windows has devices of some names in every folder.
    "project_slug": (
        r"(?!(aux|con|nul|prn|com\d|lpt\d)$)[a-z][a-z0-9-]{1,28}[a-z0-9]",
        "3 to 30 lowercase letters, digits and dashes, a letter first, no dash last, but no device of Windows",
        "my-project",
    ),
    "framework": ("|".join(answers["_frameworks"]), " or ".join(answers["_frameworks"]), "django"),
    "python_version": (r"3\.\d\d", "the first two numbers of a version", "3.14"),
    "docker": (YES_OR_NO, "yes or no", "no"),
    "files": (YES_OR_NO, "yes or no", "no"),
}


def refuse(reason: str) -> None:
    """Stop with a line. Of the folders that a slash in the slug made, Cookiecutter would remove the last only."""
    folder, parts = Path.cwd(), Path(str(answers["project_slug"])).parts
    if len(parts) > 1 and not {"..", "/"} & {*parts}:
        with contextlib.suppress(OSError):
            for made in [folder, *folder.parents][: len(parts)]:
                made.rmdir()
    sys.exit(reason)


# The wording of the questions, which Cookiecutter takes out of the answers from 2.2 on.
if "__prompts__" in answers:
    refuse("This Cookiecutter is too old: it takes 2.3 or newer. Try: pip install -U cookiecutter")
for question, answer in [*answers.items(), ("project_name", given)]:
    if question in rules:
        pattern, rule, good = rules[question]
        if not re.fullmatch(pattern, str(answer)):
            refuse(f"{question} {str(answer)[:80]!r} will not do: it takes {rule}. A good one: {good}")
