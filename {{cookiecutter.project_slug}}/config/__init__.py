"""How the project is put together: its settings, its addresses, its application."""

from pathlib import Path

from runtime import env, errors, logs

env.load(Path(__file__).resolve().parent.parent / ".env")
logs.configure(env.log_level())
errors.configure()
