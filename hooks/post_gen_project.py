"""Lays the chosen layers over the shared files: a layer is a folder that a choice adds to the project."""

import shutil

for layer in ["{{ cookiecutter.framework }}"]:
    shutil.copytree(f"layers/{layer}", ".", dirs_exist_ok=True)
shutil.rmtree("layers")
