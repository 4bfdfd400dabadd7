"""The project's tests. They see no variable of the machine they run on but DATABASE_URL, and no ``.env``."""

import os
import re
import tempfile
from pathlib import Path

temporary = tempfile.TemporaryDirectory()

for name in re.findall(r"^#?([A-Z_]+)=", (Path(__file__).parent.parent / ".env.example").read_text(), re.MULTILINE):
    if name != "DATABASE_URL":
        os.environ.pop(name, None)
os.environ["PYTHON_DOTENV_DISABLED"] = "1"
# Where the tests visit it, also for visitors from elsewhere.
os.environ["ALLOWED_HOSTS"] = "localhost"
os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL", "").strip() or f"sqlite:///{temporary.name}/tests.sqlite3"
