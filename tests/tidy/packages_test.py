"""The packages from npm: exact versions, checksums, no script that runs, and no registry in a lock file."""

import json
import re
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repository import ROOT, npm_packages

PACKAGES = npm_packages()


def locked(folder: Path) -> Any:
    """Returns: the lock file."""
    return json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields: name and value of every member, at every depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from members(member)


class Packages(unittest.TestCase):
    def test_there_are_packages(self) -> None:
        self.assertIn("swagger-ui-dist", PACKAGES[Path("nginx/docs")])

    def test_versions_are_exact_and_those_of_the_lock_file(self) -> None:
        for folder, named in PACKAGES.items():
            installed = locked(folder)["packages"]
            for name, version in named.items():
                self.assertRegex(version, r"^[0-9]+\.[0-9]+\.[0-9]+$", f"{folder}: {name}")
                self.assertEqual(installed[f"node_modules/{name}"]["version"], version, f"{folder}: run `npm install --package-lock-only` there")

    def test_every_locked_package_has_a_checksum(self) -> None:
        for folder in PACKAGES:
            for place, package in locked(folder)["packages"].items():
                if place:
                    self.assertRegex(package["integrity"], r"^sha512-[A-Za-z0-9+/=]{88}$", f"{folder}: {place}")

    def test_no_lock_file_names_a_registry(self) -> None:
        for folder in PACKAGES:
            for name, value in members(locked(folder)):
                self.assertNotEqual(name, "resolved", f"{folder}: {value}")

    def test_no_script_of_a_package_runs_and_no_registry_is_set(self) -> None:
        texts = {folder: (ROOT / folder / ".npmrc").read_text(encoding="utf-8") for folder in PACKAGES}
        for folder, text in texts.items():
            self.assertIn("\nignore-scripts=true\nomit-lockfile-registry-resolved=true\n", text, folder)
            self.assertIsNone(re.search(r"registry *=|//|_auth", text), folder)
        self.assertEqual(len(set(texts.values())), 1, "the settings of npm are the same in each folder")


if __name__ == "__main__":
    unittest.main()
