"""Lays the chosen layers over the shared files: a layer is a folder that a choice adds to the project."""

import shutil

options = {"docker": "{{ cookiecutter.docker }}"}

for layer in ["{{ cookiecutter.framework }}", *(name for name, chosen in options.items() if chosen == "True")]:
    shutil.copytree(f"layers/{layer}", ".", dirs_exist_ok=True)
shutil.rmtree("layers")
