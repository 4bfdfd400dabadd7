"""Lays the chosen layers over the shared files: a layer is a folder that an answer adds to the project."""

import contextlib
import json
import os
import shutil

# As JSON, in which an answer's own quotes and line ends are inert.
answers = json.loads(r""" {{ cookiecutter|tojson }} """)
# Before 2.7, Cookiecutter leaves a yes on its command line as it was typed.
YES = {"1", "on", "t", "true", "y", "yes"}
options = {name: str(answers[name]).lower() in YES for name in answers if os.path.isdir(f"layers/{name}")}

for layer in [answers["framework"], *(name for name, chosen in options.items() if chosen)]:
    shutil.copytree(f"layers/{layer}", ".", dirs_exist_ok=True)
# No further, since an existing project may have layers of its own.
for layer in [*answers["_frameworks"], *options]:
    shutil.rmtree(f"layers/{layer}")
with contextlib.suppress(OSError):
    os.rmdir("layers")
