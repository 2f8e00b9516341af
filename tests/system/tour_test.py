"""The tour of the README really works."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import tour
from stack import ROOT, StackTest


class Tour(StackTest):
    def test_the_readme_can_be_typed_as_it_stands(self) -> None:
        stack = self.new_stack()
        stack.up()
        script = tour.script_of((ROOT / "README.md").read_text(), stack.env()["CODASYNC_URL"], stack.folder)
        self.assertIn("curl", script, "README.md has no block that begins with ```bash tour")
        with tempfile.TemporaryDirectory() as home:
            (Path(home) / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-x", "-c", script],
                env={"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
            )
        print(ran.stdout)
        self.assertEqual(ran.returncode, 0, "the last command above failed")


class Script(unittest.TestCase):
    def test_only_marked_blocks_are_taken_in_their_order(self) -> None:
        readme = (
            "a\n```bash tour\none .run/env\n```\n```bash\nno\n```\n```bash tour\ntwo http://127.0.0.1:8080/x\n```\n"
        )
        self.assertEqual(
            tour.script_of(readme, "http://127.0.0.1:9", Path("/s")), "one /s/env\ntwo http://127.0.0.1:9/x\n"
        )
        self.assertEqual(tour.script_of("```bash\nno\n```\n", "", Path("/s")), "")
