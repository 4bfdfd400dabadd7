"""Refuses an answer that cannot work, in one line that names it and shows a good one."""

import json
import re
import sys

# As JSON, in which an answer's own quotes and line ends are inert.
name = json.loads(r""" {{ cookiecutter.project_name|tojson }} """)
slug = json.loads(r""" {{ cookiecutter.project_slug|tojson }} """)

if not 1 <= len(name.strip()) <= 60 or not name.isprintable() or set(name) & set('"\\'):
    sys.exit(
        f"The name {name[:80]!r} will not do: it takes 1 to 60 characters, none of them a double quote, a backslash "
        "or a line break. A good one: My Project"
    )
if not re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", slug):
    sys.exit(
        f"The slug {slug!r} will not do: it takes 3 to 30 lowercase letters, digits and dashes, "
        "starts with a letter and does not end with a dash. A good one: my-project"
    )
