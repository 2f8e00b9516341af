"""The tour of the README works, and its responses are the ones that the README shows."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import tour
from stack import ROOT, StackTest


class Tour(StackTest):
    maxDiff = None

    def test_the_commands_of_the_readme_give_the_responses_of_the_readme(self) -> None:
        stack = self.new_stack()
        stack.up()
        readme = (ROOT / "README.md").read_text()
        script = tour.script_of(readme, stack.env()["CODASYNC_URL"], stack.folder)
        self.assertIn("curl", script, "README.md has no block that begins with ```bash tour")
        with tempfile.TemporaryDirectory() as home:
            (Path(home) / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-x", "-c", script],
                env={"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                timeout=120,
            )
        print(ran.stderr, ran.stdout, sep="\n")
        self.assertEqual(ran.returncode, 0, "the last command above failed")
        received = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual(tour.comparable(received), tour.comparable(tour.responses_of(readme)))


class Parts(unittest.TestCase):
    README = (
        "a\n```bash tour\none .run/env\n```\n```bash\nno\n```\n```json tour\n{\"id\":\n 7}\n[]\n```\n"
        "```bash tour\ntwo http://127.0.0.1:8080/x\n```\n```json\n[]\n```\n"
    )

    def test_the_script_is_made_of_the_marked_blocks_in_their_order(self) -> None:
        script = tour.script_of(self.README, "http://127.0.0.1:9", Path("/s"))
        self.assertEqual(script, "one /s/env\ntwo http://127.0.0.1:9/x\n")
        self.assertEqual(tour.script_of("```bash\nno\n```\n", "", Path("/s")), "")

    def test_the_responses_are_the_marked_blocks(self) -> None:
        self.assertEqual(tour.responses_of(self.README), [{"id": 7}, []])
        self.assertEqual(tour.responses_of(""), [])

    def test_variable_fields_are_compared_by_type(self) -> None:
        self.assertEqual(tour.comparable([{"id": 7, "quantity": 1}]), tour.comparable([{"id": 8, "quantity": 1}]))
        self.assertNotEqual(tour.comparable({"checked_at": None}), tour.comparable({"checked_at": "2026-11-29T12:00:00Z"}))
        self.assertNotEqual(tour.comparable({"quantity": 1}), tour.comparable({"quantity": 2}))
