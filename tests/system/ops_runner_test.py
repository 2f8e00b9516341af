"""tests/ops/run: scripts that pass, fail, skip, report nothing or do not end."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

from stack import ROOT

sys.path.insert(0, str(ROOT / "tests" / "ops"))
import runner  # noqa: E402

ENDLESS = """
import signal, sys, time
from report import checked, end_on_sigterm
end_on_sigterm()
try:
    checked("the start")
    time.sleep(300)
finally:
    checked("cleaned up")
"""


class Runner(unittest.TestCase):
    def of(self, code: str, limit: float = 60.0) -> runner.Result:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "one_test.py"
            script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'tests' / 'ops')!r})\n{code}")
            with contextlib.redirect_stdout(io.StringIO()):
                return runner.run(script, limit)

    def test_a_script_that_checked_something_and_ends_with_0_passes(self) -> None:
        result = self.of("from report import *\nchecked('one\\n  thing')\nnot_here('no GPU')")
        self.assertEqual((result.verdict, result.checked, result.skipped), ("passed", ["one thing"], ["no GPU"]))

    def test_a_script_that_checked_nothing_fails(self) -> None:
        self.assertEqual(self.of("print('fine')").verdict, "failed")

    def test_a_script_with_another_status_fails_even_if_it_checked_something(self) -> None:
        result = self.of("from report import *\nchecked('a')\nsys.exit(3)")
        self.assertEqual((result.verdict, result.why), ("failed", "ended with status 3"))

    def test_a_script_that_cannot_run_here_is_skipped_with_its_reason(self) -> None:
        result = self.of("from report import *\nskip('no namespaces: unshare says EPERM')")
        self.assertEqual((result.verdict, result.skipped), ("skipped", ["no namespaces: unshare says EPERM"]))
        self.assertEqual(self.of("sys.exit(77)").verdict, "failed")  # without a reason it has failed

    def test_a_script_that_does_not_end_can_clean_up_and_fails(self) -> None:
        result = self.of(ENDLESS, limit=8.0)
        self.assertEqual(result.verdict, "failed")
        self.assertIn("limit of 8 s", result.why)
        self.assertEqual(result.checked[-1], "cleaned up")

    def test_the_table_has_verdicts_times_and_what_was_checked(self) -> None:
        rows = runner.table([runner.Result("proxy", "passed", "", 12.4, ["started and checked"], ["no TLS here"])])
        self.assertRegex(rows, r"proxy +12 s  passed\n +checked  started and checked\n +skipped  no TLS here")
