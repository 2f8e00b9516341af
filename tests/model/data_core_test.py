"""The rules of the data core hold in every small world, their variants fail, and the C++ fold equals the model."""

import os
import subprocess
import unittest
from collections.abc import Iterator
from itertools import combinations, permutations

from data_core import CLOCKS, DATE_KINDS, FEED, IDENTITY, NEVER, PALETTES, REPAIR, Event, Rule, Shown, meaning

# A void that arrives before its target is refused, as a void of an unknown event. If that changes, set this, and extend
# FoldedReading (tests/ledger/ledger_tables.hpp).
VOIDS_COME_FIRST = False

# The ledger before the first event, as arguments of fold_arrivals.cpp, and the number of events that follow. A segment ends
# at the time of a test event, or between two of them.
EMPTY: list[str] = []
ALL_SEALED = ["1:256", "2:256", "3:256", "4:256", "5:256"]  # a segment for each time, an empty tail
OLD_SEALED = ["1:256", "3:512"]  # time 1 in a segment, 2 in the next one, 3 and 4 in the tail
SPLIT_BY_FIRST = ["1:256", "4:512", "3:768"]  # the first event in the segment of times 2 and 3 splits it between them
SPLIT_BY_SECOND = ["1:256", "4:512", "3:767"]
LEDGERS = [(EMPTY, 4), (ALL_SEALED, 3), (OLD_SEALED, 3), (SPLIT_BY_FIRST, 2), (SPLIT_BY_SECOND, 2)]


class Rules(unittest.TestCase):
    def test_an_operation_has_one_effect_in_any_number_and_order_of_arrivals(self) -> None:
        self.try_all(IDENTITY)

    def test_the_feed_loses_no_change_under_any_interleaving(self) -> None:
        self.try_all(FEED)

    def test_actions_of_a_device_stay_in_order(self) -> None:
        self.try_all(CLOCKS)

    def test_later_events_count_after_a_clock_was_repaired(self) -> None:
        self.try_all(REPAIR)

    def try_all(self, rules: list[Rule]) -> None:
        for rule in rules:
            with self.subTest(rule.name):
                found = rule.tries(False)
                print(f"{rule.name}: {found.tried} tried, {found.failed} fail")
                self.assertGreater(found.tried, 1_000, "too few cases to prove anything")
                self.assertEqual(found.failed == 0, rule.holds, found.trace)


class Code(unittest.TestCase):
    """The C++ fold, arrival by arrival."""

    def test_equals_the_model_after_each_arrival_in_every_order(self) -> None:
        program = os.environ.get("CODASYNC_FOLD_ARRIVALS")
        if program is None:
            self.skipTest("CODASYNC_FOLD_ARRIVALS names fold_arrivals, which CMake builds")
        for ledger, size in LEDGERS:
            orders = list(orders_of_arrival(size))
            folded = subprocess.run(
                [program, *ledger],
                input="\n".join("".join(line_of(event) for event in order) for order in orders),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout.splitlines()
            meant: dict[frozenset[Event], str] = {}
            self.assertEqual(len(folded), size * len(orders))
            self.assertGreater(len(folded), 500)
            print(f"ledger {ledger}: {len(orders)} orders, {len(folded)} arrivals")
            lines = iter(folded)
            for order in orders:
                for came in range(1, size + 1):
                    events = frozenset(order[:came])
                    if events not in meant:
                        meant[events] = line_shown(meaning(events))
                    if (line := next(lines)) != meant[events]:
                        trace = "".join(line_of(event) for event in order[:came])
                        self.fail(f"ledger {ledger}, after\n{trace}the code shows {line}, the model {meant[events]}")


def orders_of_arrival(size: int) -> Iterator[tuple[Event, ...]]:
    for palette in PALETTES.values():
        for chosen in combinations(palette, size):
            for order in permutations(chosen):
                names = [event.name for event in order]
                if VOIDS_COME_FIRST or all(event.voids in names[:i] for i, event in enumerate(order) if event.kind == "void"):
                    yield order


def line_of(event: Event) -> str:
    day, kind = event.date if event.date is not None else (None, -1)
    fields = [event.name, event.kind, event.at, day, DATE_KINDS[kind], event.quantity, event.delta, event.voids or None]
    return words(fields) + "\n"


def line_shown(shown: Shown) -> str:
    day, kind = shown.date if shown.date is not None else (None, -1)
    moments = [moment if moment != NEVER else None for moment in (shown.looked_at, shown.counted_at)]
    return words([int(shown.present), day, DATE_KINDS[kind], shown.quantity, *moments, int(shown.miscounted)])


def words(fields: list[object]) -> str:
    return " ".join("-" if field is None else str(field) for field in fields)


if __name__ == "__main__":
    unittest.main()
