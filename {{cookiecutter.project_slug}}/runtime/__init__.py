"""How a project is served: see README.md in this folder. Nothing here knows the project, and an update replaces it."""
