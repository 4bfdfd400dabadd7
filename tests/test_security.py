"""What docs/security.md says of the tests."""

import re

from tests.projects import ROOT

TEST = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def test_every_promise_names_a_test_that_exists() -> None:
    table = (ROOT / "docs" / "security.md").read_text().split("\n## ")[0]
    promises = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert promises
    for promise in promises:
        named = TEST.findall(promise)
        assert named, promise
        for module, name in named:
            assert f"def {name}(" in (ROOT / "tests" / module).read_text(), name
