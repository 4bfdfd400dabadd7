"""Lays the chosen layers over the shared files: a layer is a folder that an answer adds to the project."""

import contextlib
import json
import os
import shutil

# As JSON, in which an answer's own quotes and line ends are inert.
answers = json.loads(r""" {{ cookiecutter|tojson }} """)
frameworks, framework = answers["_frameworks"], answers["framework"]
# Before 2.7, Cookiecutter leaves a yes on its command line as it was typed.
options = {
    name: str(answers[name]).lower() in answers["_yes"]
    for name in answers
    if name not in frameworks and os.path.isdir(f"layers/{name}")
}
chosen = [option for option in options if options[option]]

# What an option adds to any framework, and then what it adds to this one.
for layer in [framework, *chosen, *(f"{option}-{framework}" for option in chosen)]:
    if os.path.isdir(f"layers/{layer}"):
        shutil.copytree(f"layers/{layer}", ".", dirs_exist_ok=True)
# No further, since an existing project may have layers of its own.
for layer in [*frameworks, *options, *(f"{option}-{framework}" for option in options for framework in frameworks)]:
    shutil.rmtree(f"layers/{layer}", ignore_errors=True)
with contextlib.suppress(OSError):
    os.rmdir("layers")
