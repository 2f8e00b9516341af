"""Each attack for a moment: nothing is let in, no server ends, others get no error, and the limits answer."""

import subprocess
import unittest
from pathlib import Path

RUN = Path(__file__).resolve().parent / "run"


class Security(unittest.TestCase):
    def test_no_attack_gets_in_or_disturbs_others(self) -> None:
        done = subprocess.run([RUN, "--short", "--seconds", "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
