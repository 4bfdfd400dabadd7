"""How the project runs: settings, server, log."""

from config import logs

logs.configure()
