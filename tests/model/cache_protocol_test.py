"""The cache protocol holds in every small world, and each variant without one of its parts fails."""

import unittest

from cache_protocol import (
    BOTH,
    BROKEN,
    BROKEN_BY_FAILOVER,
    BROKEN_BY_MIDNIGHT,
    BROKEN_BY_TWO_FILLERS,
    PROTOCOL,
    Rules,
    World,
    explore,
)


class CacheProtocol(unittest.TestCase):
    def test_serves_no_old_version_under_faults_of_processes_server_and_network(self) -> None:
        self.holds(World())

    def test_serves_nothing_of_before_midnight_afterwards(self) -> None:
        for midnight in (1, BOTH, BOTH + 1):
            self.holds(World(midnight=midnight, packets=1))

    def test_serves_no_old_version_after_a_failover(self) -> None:
        self.holds(World(failovers=1, packets=1))

    def test_fails_without_each_of_its_parts(self) -> None:
        for rules in BROKEN:
            self.breaks(rules, World())
        for rules in BROKEN_BY_TWO_FILLERS:
            self.breaks(rules, World(fillers=2, packets=1))
        for rules in BROKEN_BY_MIDNIGHT:
            self.breaks(rules, World(midnight=2, packets=1))
        for rules in BROKEN_BY_FAILOVER:
            self.breaks(rules, World(failovers=1, packets=1))

    def holds(self, world: World) -> None:
        found = explore(PROTOCOL, world)
        print(f"{world}: {found.states} states in {found.seconds:.1f} s")
        self.assertEqual(found.wrong, "", "\n".join(found.trace))
        self.assertGreater(found.states, 10_000, "too few states to prove anything")

    def breaks(self, rules: Rules, world: World) -> None:
        with self.subTest(rules.name):
            self.assertNotEqual(explore(rules, world).wrong, "")


if __name__ == "__main__":
    unittest.main()
