"""Refuses an answer that cannot work, in one line that names it and shows a good one."""

import json
import re
import sys

# As JSON, in which an answer's own quotes and line ends are inert.
slug = json.loads(r""" {{ cookiecutter.project_slug|tojson }} """)

if not re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", slug):
    sys.exit(
        f"The slug {slug!r} will not do: it takes 3 to 30 lowercase letters, digits and dashes, "
        "starts with a letter and does not end with a dash. A good one: my-project"
    )
