"""api/THREATS.md names tests that exist."""

import re
import unittest

from repository import FILES, ROOT

SUFFIXES = (".py", ".cpp", "")  # the last one: a folder, or a name with its suffix


def rows() -> list[list[str]]:
    """Returns: the cells of the rows of "What is defended"."""
    section = (ROOT / "api/THREATS.md").read_text(encoding="utf-8").partition("\n## What is defended\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("|")][2:]


class Threats(unittest.TestCase):
    def test_each_threat_has_a_test_that_exists(self) -> None:
        known = {str(name) for name in FILES} | {str(folder) for name in FILES for folder in name.parents}
        targets = {name.stem for name in FILES if name.parts[:3] == ("tests", "fuzz", "targets")}
        for threat, _, tests in rows():
            suites, _, fuzzed = tests.partition("fuzz ")
            self.assertTrue(re.search("`", tests), f"{threat}: no test")
            for suite in re.findall("`([^`]+)`", suites):
                self.assertTrue(suite.startswith("tests/") and any(suite + suffix in known for suffix in SUFFIXES), f"{threat}: {suite}")
            for target in re.findall("`([^`]+)`", fuzzed):
                self.assertIn(target, targets, f"{threat}: fuzz {target}")


if __name__ == "__main__":
    unittest.main()
