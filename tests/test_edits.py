"""A generated project's own tests stay green while its owner changes what pages look like, load and go through."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.projects import Project

pytestmark = thorough

# By the name of an edit: the file, what is replaced in it, and what takes its place.
type Edits = list[tuple[str, str, str]]

HTMX = """<meta name="htmx-config" content='{"inlineStyleNonce": "{{ csp_nonce }}"}'>"""
TITLES: Edits = [
    ("config/settings.py", r"^SITE_NAME = .*", "SITE_NAME = \"Ann's & Bob's\""),
    ("pages/errors.py", r'^(    \d+: \()"[^"]*", "[^"]*"', r'\1"Ach", "Ein Fehler."'),
    ("pages/templates/error.html", r"<title>.*</title>", "<title>Ach</title>"),
    ("pages/templates/error.html", r"<h1>\$title</h1>", "<h2>Ach: $title</h2>"),
    ("pages/templates/home.html", r"<h1>.*</h1>", "<h1>Shop</h1>"),
    ("pages/templates/base.html", r"<title>.*</title>", "<title>{% block title %}{% endblock %} – Shop</title>"),
    ("pages/templates/base.html", r"<body>", f"{HTMX}<body class='shop'>"),
    *[(f"accounts/templates/accounts/{name}.html", r"<h1>.*</h1>", "<h1>Konto</h1>") for name in ("login", "signup")],
]
POLICIES = {
    "another policy": '{"default-src": [CSP.NONE], "img-src": [CSP.SELF, "https://images.example"]}',
    "no policy": "{}",
}
SETTINGS: dict[str, Edits] = {
    "django": [
        ("config/settings.py", r"^TIME_ZONE = .*", 'TIME_ZONE = "Asia/Kolkata"\nSESSION_COOKIE_AGE = 3600'),
        ("config/settings.py", r"\"min_length\": 10", '"min_length": 14'),
        ("config/settings.py", r"^DATA_UPLOAD_MAX_MEMORY_SIZE = .*", "DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000"),
    ],
    "flask": [
        ("config/settings.py", r"^PERMANENT_SESSION_LIFETIME = .*", "PERMANENT_SESSION_LIFETIME = 7 * 24 * 3600"),
        ("config/settings.py", r"^MAX_CONTENT_LENGTH = .*", "MAX_CONTENT_LENGTH = 5_000_000"),
    ],
}
EDITS: dict[str, dict[str, Edits]] = {
    name: {
        framework: [
            (
                "config/settings.py",
                r"^SECURE_CSP: dict\[str, Any\] = \{.*?^\}$",
                f"SECURE_CSP: dict[str, Any] = {policy}",
            )
        ]
        for framework in ("django", "flask")
    }
    for name, policy in POLICIES.items()
} | {
    "other settings": SETTINGS,
    "other titles": {"django": TITLES, "flask": TITLES},
    "a middleware": {
        "django": [
            ("config/settings.py", r"^MIDDLEWARE = \[", 'MIDDLEWARE = [\n    "django.middleware.gzip.GZipMiddleware",'),
            (
                "config/settings.py",
                r"^(    .*SessionMiddleware\",)",
                r'\1\n    "django.middleware.locale.LocaleMiddleware",\n    "pages.own.middleware",'
                '\n    "django.middleware.csp.ContentSecurityPolicyMiddleware",',
            ),
            (
                "pages/own.py",
                "^",
                "def middleware(get_response):\n"
                "    def answer(request):\n"
                "        response = get_response(request)\n"
                '        response.headers["X-Own"] = "1"\n'
                '        response.headers["Content-Security-Policy"] = "default-src *"\n'
                "        return response\n"
                "    return answer\n",
            ),
        ],
        "flask": [
            (
                "config/app.py",
                r"^    return app",
                "    app.after_request(own)\n    app.wsgi_app = Own(app.wsgi_app)\n    return app",
            ),
            (
                "config/app.py",
                r"^def create_app",
                "class Own:\n"
                "    def __init__(self, application):\n"
                "        self.application = application\n"
                "    def __call__(self, environ, start):\n"
                "        return self.application(environ, start)\n\n\n"
                "def own(response):\n"
                '    response.headers["Content-Security-Policy"] = "default-src *"\n'
                "    return response\n\n\n"
                "def create_app",
            ),
        ],
    },
}


@pytest.mark.parametrize("edit", EDITS)
def test_keeps_its_tests_green_through(edit: str, project: Project, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    for name, old, new in EDITS[edit][project.variant.framework]:
        file = copy / name
        text = file.read_text() if file.exists() else ""
        changed = re.sub(old, new, text, flags=re.MULTILINE | re.DOTALL if old.endswith("$") else re.MULTILINE)
        assert changed != text
        file.write_text(changed)
    result = project.run("python -m pytest -q", tools=True, folder=copy)
    assert result.returncode == 0, result.stdout + result.stderr
