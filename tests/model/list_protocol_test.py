"""Lists in the cache are never old in any state of the model, and each variant without one part of the protocol fails."""

import unittest

from list_protocol import BROKEN, PROTOCOL, explore


class ListProtocol(unittest.TestCase):
    def test_reads_no_old_list(self) -> None:
        states, trace = explore(PROTOCOL)
        print(f"{states} states")
        self.assertEqual(trace, [])
        self.assertGreater(states, 10_000, "too few states to prove anything")

    def test_fails_without_each_of_its_parts(self) -> None:
        for rules in BROKEN:
            with self.subTest(rules.name):
                self.assertNotEqual(explore(rules)[1], [])


if __name__ == "__main__":
    unittest.main()
