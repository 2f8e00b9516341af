"""The console in Debian's Chromium, with a stack of config/up.

With CODASYNC_SCREENSHOTS=FOLDER every screen of staff is also written as a picture.
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from stack import ROOT, Stack, own_stack  # noqa: E402

# The folder of the build with node_modules.
SCRIPTS = Path(os.environ["CODASYNC_BROWSER_TESTS"])


class Console(unittest.TestCase):
    stack: Stack

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = cls.enterClassContext(own_stack())
        cls.stack.up("--no-demo")

    def node(self, script: str, *arguments: object) -> None:
        """Runs the tests of a script. Throws: AssertionError with its output, when one fails."""
        ran = subprocess.run(
            ["node", SCRIPTS / script, *map(str, arguments or (self.stack.folder,))],
            cwd=SCRIPTS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        print(ran.stdout, file=sys.stderr)
        self.assertEqual(ran.returncode, 0, ran.stdout)

    def test_codes_dates_and_waiting_entries_mean_what_they_mean_to_the_service(self) -> None:
        self.node("console_units.mjs", ROOT / "nginx/console/src", ROOT / "tests/model/barcodes.jsonl")

    def test_staff_record_what_they_see(self) -> None:
        self.node("console_staff.mjs")

    def test_a_morning_needs_no_mouse(self) -> None:
        self.node("console_keyboard.mjs")

    def test_nothing_in_the_queue_is_lost_or_counts_twice(self) -> None:
        self.node("console_offline.mjs")

    def test_a_new_version_disturbs_no_work(self) -> None:
        self.node("console_pwa.mjs")

    def test_the_camera_reads_codes(self) -> None:
        self.node("console_camera.mjs")

    def test_every_screen_is_accessible_and_fast(self) -> None:
        self.node("console_looks.mjs")


if __name__ == "__main__":
    unittest.main()
