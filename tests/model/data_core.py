#!/usr/bin/python3
"""A model of the data core (storage/README.md): state and identity of events, the change feed, clocks.

Each part has one rule that must hold and several variants that look harmless. Every world of a small size is tried, without
random choices: the rule must hold in all of them, and each variant must fail in at least one. data_core_test.py runs the
small size, and compares the fold of storage/ with `meaning` after each arrival. By hand, for larger worlds:

    tests/model/data_core.py [--large]

Left out: the epoch and the purge of the feed, the closing of the ledger, time zones, and the cache, which has its own model
(cache_protocol.py).
"""

import argparse
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, permutations, product
from typing import NamedTuple

# ---------------------------------------------------------------------- the state after a set of events

NEVER = -1
QUANTITY_MAX = 2_147_483_647
DATE_KINDS = ("use_by", "sell_by", "best_before", "-")  # from the strictest; of equal dates the stricter one is shorter
USE_BY, SELL_BY, BEST_BEFORE, NO_KIND = range(len(DATE_KINDS))

Date = tuple[int, int]  # day, kind: the smaller one is the shorter one


class Event(NamedTuple):
    """An operation on a reading. Its sender gives it a name; a void has the name of its target."""

    name: str
    kind: str  # sighting, check, count, adjust, remove, void
    at: int  # observed_at
    date: Date | None = None
    quantity: int | None = None
    delta: int = 0
    voids: str = ""


class Shown(NamedTuple):
    """The shown fields of a reading, and `miscounted`."""

    present: bool = False
    date: Date | None = None
    quantity: int | None = None
    looked_at: int = NEVER
    counted_at: int = NEVER
    miscounted: bool = False


def meaning(events: Iterable[Event]) -> Shown:
    """Returns: the state after a set of events, in any order. It is computed without a sequence of steps."""
    events = list(events)
    voided = {event.voids for event in events if event.kind == "void"}
    counting = [event for event in events if event.kind != "void" and event.name not in voided]
    looked_at = newest(event for event in counting if event.kind in ("sighting", "check", "count"))
    removed_at = newest(event for event in counting if event.kind == "remove")
    present = looked_at != NEVER and looked_at >= removed_at
    quantity, counted_at, miscounted = stock(counting)
    return Shown(present, shortest_date(counting), quantity, looked_at, counted_at, miscounted)


def newest(events: Iterable[Event]) -> int:
    return max((event.at for event in events), default=NEVER)


def shortest_date(events: list[Event]) -> Date | None:
    """Returns: the shortest date of the newest check (or removal) and of all sightings from then on."""
    since = newest(event for event in events if event.kind in ("check", "remove"))
    return min((event.date for event in events if event.date is not None and event.at >= since), default=None)


def stock(events: list[Event]) -> tuple[int | None, int, bool]:
    """Returns: the quantity, the time of its newest statement, and whether more units were sold than counted."""

    def empties(event: Event) -> bool:
        return event.kind == "check" and event.date is None and event.quantity is None

    since = newest(event for event in events if event.quantity is not None or event.kind == "remove" or empties(event))
    stated = [event for event in events if event.at == since]
    numbers = [event.quantity for event in stated if event.quantity is not None]
    if not numbers and not any(empties(event) for event in stated):
        return None, NEVER, False
    adjusts = [event for event in events if event.kind == "adjust" and event.at >= since]

    def plain(moment: int) -> int:
        """Returns: the sum up to and including a time, without stopping at zero."""
        return min(numbers, default=0) + sum(event.delta for event in adjusts if event.at <= moment)

    # Deliveries come before sales, so the sum of one time is lowest at its end. Units that are missing there were on the shelf.
    lowest = min((plain(event.at) for event in adjusts), default=0)
    quantity = plain(newest(adjusts)) + max(0, -lowest)
    return min(quantity, QUANTITY_MAX), since, lowest < 0


# ---------------------------------------------------------------------- test events

# Sets with many equal values: few times, equal dates and numbers, quantities that reach zero.
PALETTES = {
    "dates at one time": [
        Event("seen", "sighting", 2, (20, BEST_BEFORE)), Event("strict", "sighting", 2, (20, USE_BY), 6),
        Event("plain", "sighting", 2, (20, NO_KIND)), Event("bare", "sighting", 2), Event("check", "check", 2, (24, SELL_BY)),
        Event("longer", "check", 2, (26, USE_BY)), Event("none", "check", 2), Event("loose", "check", 2, None, 4),
        Event("lax", "check", 2, (24, NO_KIND), 3), Event("gone", "remove", 2),
        Event("void", "void", 2, voids="check"), Event("void2", "void", 3, voids="none"),
    ],
    "quantities at one time": [
        Event("count", "count", 2, None, 5), Event("more", "count", 2, None, 7), Event("zero", "count", 2, None, 0),
        Event("none", "check", 2), Event("some", "check", 2, None, 6), Event("seen", "sighting", 2, (20, NO_KIND), 9),
        Event("sold", "adjust", 2, delta=-6), Event("came", "adjust", 2, delta=4), Event("sale", "adjust", 2, delta=-1),
        Event("gone", "remove", 2), Event("void", "void", 3, voids="count"), Event("void2", "void", 2, voids="sold"),
    ],
    "dates over time": [
        Event("seen", "sighting", 1, (20, BEST_BEFORE)), Event("later", "sighting", 3, (21, NO_KIND)),
        Event("equal", "sighting", 4, (23, SELL_BY)), Event("first", "check", 1, (19, NO_KIND)),
        Event("check", "check", 2, (24, BEST_BEFORE)), Event("again", "check", 3, (23, USE_BY)), Event("none", "check", 4),
        Event("count", "count", 3, None, 2), Event("gone", "remove", 2), Event("last", "remove", 4),
        Event("void", "void", 1, voids="none"), Event("void2", "void", 4, voids="gone"),
    ],
    "quantities over time": [
        Event("count", "count", 1, None, 10), Event("less", "count", 3, None, 4), Event("none", "check", 3),
        Event("some", "check", 2, (22, USE_BY), 8), Event("seen", "sighting", 4, (20, BEST_BEFORE), 1),
        Event("sold", "adjust", 2, delta=-12), Event("came", "adjust", 3, delta=5), Event("sale", "adjust", 4, delta=-7),
        Event("much", "adjust", 2, delta=QUANTITY_MAX), Event("gone", "remove", 2),
        Event("void", "void", 4, voids="count"), Event("void2", "void", 2, voids="sold"),
    ],
}


class Finding(NamedTuple):
    tried: int  # worlds; of the feed: states of them
    failed: int  # worlds
    trace: str  # of the first failure


class Rule(NamedTuple):
    name: str
    holds: bool  # whether it must hold
    cases: Callable[[bool], Iterator[str]]  # of the large or the small size; yields the error of each case, or an empty text

    def tries(self, large: bool) -> Finding:
        tried, traces = 0, []
        for trace in self.cases(large):
            tried += 1
            if trace:
                traces.append(trace)
        return Finding(tried, len(traces), traces[0] if traces else "")


# ---------------------------------------------------------------------- identity and order of arrival

Fold = Callable[[tuple[Event, ...]], Shown]  # of events in order of arrival


def by_name(arrivals: tuple[Event, ...]) -> Shown:
    """The ledger treats an operation with a known name as the same one."""
    ledger: dict[str, Event] = {}
    for event in arrivals:
        ledger.setdefault(event.name, event)
    return meaning(ledger.values())


def by_id_made_at_arrival(arrivals: tuple[Event, ...]) -> Shown:
    """Each arrival is a new event. A void refers to the first event with its target's name, if it exists."""
    ids: dict[str, str] = {}
    ledger = []
    for number, event in enumerate(arrivals):
        ledger.append(event._replace(name=str(number), voids=ids.get(event.voids, "")))
        ids.setdefault(event.name, str(number))
    return meaning(ledger)


def ties_by_arrival(arrivals: tuple[Event, ...]) -> Shown:
    """Of events at one time the one that arrived first counts as older, as with increasing ids."""
    ordered = sorted(arrivals, key=lambda event: event.at)
    seen = meaning(event._replace(at=place) for place, event in enumerate(ordered))
    times = [event.at for event in ordered] + [NEVER]  # the last element is for the index NEVER
    return seen._replace(looked_at=times[seen.looked_at], counted_at=times[seen.counted_at])


def try_arrivals(fold: Fold, times: int, large: bool) -> Iterator[str]:
    """Sends every set of operations, each `times` times, in every order, and compares the result with `meaning`."""
    for palette in PALETTES.values():
        for chosen in combinations(palette, 3 if large or times == 1 else 2):
            meant = meaning(chosen)
            for arrivals in sorted(set(permutations(chosen * times))):
                shown = fold(arrivals)
                yield "" if shown == meant else f"{[event.name for event in arrivals]}: {shown}, not {meant}"


IDENTITY = [
    Rule("sent twice, named by the sender", True, partial(try_arrivals, by_name, 2)),
    Rule("sent twice, ids made at arrival", False, partial(try_arrivals, by_id_made_at_arrival, 2)),
    Rule("in any order, ties by content", True, partial(try_arrivals, by_name, 1)),
    Rule("in any order, ties by arrival", False, partial(try_arrivals, ties_by_arrival, 1)),
]

# ---------------------------------------------------------------------- the change feed

BEYOND_ROWS = 1_000  # above the number of every row
EARLY = ("begin", "lock", "write", "end")  # gets its transaction id before it waits for the lock
LATE = ("lock", "write", "end")  # gets it when it writes


class Transaction(NamedTuple):
    """Locks rows of readings, writes them and their rows of `changes`, and ends."""

    rows: tuple[int, ...]
    steps: tuple[str, ...] = LATE
    aborts: bool = False


class Work(NamedTuple):
    """The progress of a transaction."""

    done: int = 0
    xid: int = 0  # 0: not assigned yet
    stamp: int = 0  # the value of clock_timestamp() and of a sequence when it wrote: both grow with each call


class Reader(NamedTuple):
    """A client, its cursor and its copy."""

    in_snapshot: bool
    cursor: tuple[int, int]  # key and row; in a snapshot: 0 and row
    feed_start: tuple[int, int]  # start of the feed after the snapshot
    copy: tuple[int, ...]  # version of each row


class State(NamedTuple):
    work: tuple[Work, ...]
    reader: Reader
    pages: int  # still to be requested before all transactions have ended


class Cursor(NamedTuple):
    """How a client follows the changes."""

    by: str  # xid, sequence (of the row of `changes`), updated_at (of the reading)
    horizon: bool = False  # rows of the oldest running transaction and of all later ones are held back
    first_page: bool = True  # the feed starts at the horizon of the snapshot's first page, not of its last one


class Feed:
    def __init__(self, cursor: Cursor, transactions: tuple[Transaction, ...], page: int) -> None:
        self.cursor = cursor
        self.transactions = transactions
        self.page = page
        self.rows = sorted({row for transaction in transactions for row in transaction.rows})

    def has_ended(self, s: State, i: int) -> bool:
        return s.work[i].done == len(self.transactions[i].steps)

    def committed(self, s: State) -> list[int]:
        return [i for i, transaction in enumerate(self.transactions) if self.has_ended(s, i) and not transaction.aborts]

    def versions(self, s: State) -> tuple[int, ...]:
        committed = self.committed(s)
        return tuple(sum(row in self.transactions[i].rows for i in committed) for row in self.rows)

    def changes(self, s: State) -> list[tuple[int, int]]:
        """Returns: key and row of the visible changes, in order."""
        seen = set()
        for i in self.committed(s):
            for row in self.transactions[i].rows:
                seen.add((s.work[i].xid if self.cursor.by == "xid" else s.work[i].stamp, row))
        if self.cursor.by == "updated_at":  # a reading has its newest one only
            seen = {(max(key for key, other in seen if other == row), row) for _, row in seen}
        return sorted(seen)

    def horizon(self, s: State) -> int:
        running = [work.xid for i, work in enumerate(s.work) if work.xid and not self.has_ended(s, i)]
        return min(running, default=1 + max(work.xid for work in s.work))

    def pull(self, s: State) -> Reader:
        """Reads a page in one statement. It shows the current rows, and the copy keeps the higher version."""
        rule, reader, changes = self.cursor, s.reader, self.changes(s)
        if rule.horizon:
            end = (self.horizon(s), 0)
            changes = [change for change in changes if change < end]
        else:
            end = (max((key for key, _ in changes), default=0), BEYOND_ROWS)
        if reader.in_snapshot:
            feed_start = reader.feed_start if rule.first_page and reader.cursor != (0, 0) else end
            found = [(0, row) for row in self.rows if row > reader.cursor[1]][: self.page]
            read_all = len(found) < self.page
            reader = reader._replace(in_snapshot=not read_all, feed_start=feed_start, cursor=feed_start if read_all else found[-1])
        else:
            found = [change for change in changes if change > reader.cursor][: self.page]
            if len(found) == self.page or (found and not rule.horizon):
                reader = reader._replace(cursor=found[-1])
            elif rule.horizon:
                reader = reader._replace(cursor=end)
        shown = {row for _, row in found}
        now = zip(self.rows, reader.copy, self.versions(s), strict=True)
        return reader._replace(copy=tuple(max(old, new) if row in shown else old for row, old, new in now))

    def steps(self, s: State) -> Iterator[tuple[str, State]]:
        for i, work in enumerate(s.work):
            if self.has_ended(s, i):
                continue
            step = self.transactions[i].steps[work.done]
            if step == "lock" and self.is_locked(s, i):
                continue
            work = work._replace(done=work.done + 1)
            if step in ("begin", "write") and not work.xid:
                work = work._replace(xid=1 + max(other.xid for other in s.work))
            if step == "write":
                work = work._replace(stamp=1 + max(other.stamp for other in s.work))
            yield f"{i} {step}s", s._replace(work=(*s.work[:i], work, *s.work[i + 1 :]))
        if s.pages:
            yield "pull", s._replace(reader=self.pull(s), pages=s.pages - 1)

    def is_locked(self, s: State, i: int) -> bool:
        return any(
            s.work[other].done > transaction.steps.index("lock") and not self.has_ended(s, other)
            for other, transaction in enumerate(self.transactions)
            if set(transaction.rows) & set(self.transactions[i].rows)
        )

    def lost(self, s: State) -> str:
        """Returns: the difference of the copy after all transactions and the whole feed ended; or an empty text."""
        if not all(self.has_ended(s, i) for i in range(len(s.work))):
            return ""
        while (after := s._replace(reader=self.pull(s))) != s:
            s = after
        return "" if s.reader.copy == self.versions(s) else f"the copy has {s.reader.copy}, the server {self.versions(s)}"

    def explore(self, snapshot: bool, pages: int) -> Iterator[str]:
        """Explores all states in breadth-first order. Yields: an empty text for each, or the shortest path to a lost change."""
        reader = Reader(snapshot, (0, 0), (0, 0), (NEVER if snapshot else 0,) * len(self.rows))
        start = State((Work(),) * len(self.transactions), reader, pages)
        came_from: dict[State, tuple[State, str] | None] = {start: None}
        queue = deque(came_from)
        while queue:
            state = queue.popleft()
            trace = self.lost(state)
            if trace:
                while (before := came_from[state]) is not None:
                    state, step = before
                    trace = f"{step}, {trace}"
                queue.clear()
            yield trace
            for step, following in self.steps(state) if not trace else ():
                if following not in came_from:
                    came_from[following] = (state, step)
                    queue.append(following)


CONCURRENT = [
    (Transaction((1,)), Transaction((1,), EARLY)),
    (Transaction((1,)), Transaction((2,))),
    (Transaction((1, 2), EARLY), Transaction((1,)), Transaction((2,), EARLY)),
    (Transaction((1,), EARLY), Transaction((2,)), Transaction((1,), aborts=True)),
    (Transaction((1,), EARLY), Transaction((2,)), Transaction((3,), EARLY)),
    (Transaction((1, 2), EARLY), Transaction((2, 3)), Transaction((1, 3), EARLY)),
]
CONCURRENT_LARGE = [(Transaction((1, 2), EARLY), Transaction((1,)), Transaction((2,)), Transaction((2,), EARLY, aborts=True))]


def try_cursor(cursor: Cursor, large: bool) -> Iterator[str]:
    """Every interleaving of each set of transactions with a reader, in pages of 1 and 3, with and without a snapshot."""
    for transactions, page, snapshot in product(CONCURRENT + CONCURRENT_LARGE * large, (1, 3), (False, True)):
        yield from Feed(cursor, transactions, page).explore(snapshot, 3 if large else 2)


FEED = [
    Rule("cursor by xid up to the horizon", True, partial(try_cursor, Cursor("xid", horizon=True))),
    Rule("cursor by xid", False, partial(try_cursor, Cursor("xid"))),
    Rule("cursor by sequence", False, partial(try_cursor, Cursor("sequence"))),
    Rule("cursor by updated_at", False, partial(try_cursor, Cursor("updated_at"))),
    Rule("horizon of the last page", False, partial(try_cursor, Cursor("xid", horizon=True, first_page=False))),
]

# ---------------------------------------------------------------------- clocks of devices

# All in milliseconds. A measurement is the offset plus the delay of its request.
TOLERANCE = 5_000  # a stored offset is replaced by a measurement that differs by more
DELAYS = (0, 500, 2_000, 4_500)  # below the tolerance
GAPS = (500, 1_000, 3_000)  # between two actions of a person
SKEWS = (-86_400_000, -5_500, -500, 0, 3_000, 5_000, 70_000)  # device minus database
FAR_AHEAD = (5_500, 6_000, 8_000)  # the tolerance plus a part of a delay: the delay decides whether 0 is replaced


def corrected(offset_rule: str, skew: int, gaps: tuple[int, ...], delays: tuple[int, ...]) -> list[int]:
    """Returns: the times that the server stores for consecutive actions of a device. Each request sends all waiting actions."""
    made = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
    offset = 0 if offset_rule == "stored, 0 at first" else None
    moments: list[int] = []
    sent = received = 0
    for delay in delays:
        if len(moments) == len(made):
            break
        sent = max(sent, made[len(moments)])
        arrived = sent + delay
        measured = arrived - (sent + skew)
        if offset is None or offset_rule == "of each request" or abs(measured - offset) > TOLERANCE:
            offset = measured
        for moment in [moment for moment in made if moment <= sent][len(moments) :]:
            received = max(arrived, received + 1)
            moments.append(min(moment + skew + offset, received))
        sent = arrived
    return moments


def try_offsets(offset_rule: str, skews: tuple[int, ...], large: bool) -> Iterator[str]:
    actions = 4 if large else 3
    for skew, gaps, delays in product(skews, product(GAPS, repeat=actions - 1), product(DELAYS, repeat=actions)):
        moments = corrected(offset_rule, skew, gaps, delays)
        in_order = all(earlier < later for earlier, later in zip(moments, moments[1:], strict=False))
        yield "" if in_order else f"a clock {skew} ms ahead, {gaps} ms between, delays {delays}: stored as {moments}"


CLOCKS = [
    Rule("offset stored, 0 at first", True, partial(try_offsets, "stored, 0 at first", SKEWS)),
    Rule("offset stored, 0 at first, clocks that far ahead", False, partial(try_offsets, "stored, 0 at first", FAR_AHEAD)),
    Rule("offset stored, the first one measured", True, partial(try_offsets, "stored", SKEWS + FAR_AHEAD)),
    Rule("offset of each request", False, partial(try_offsets, "of each request", SKEWS + FAR_AHEAD)),
]

# ---------------------------------------------------------------------- a database clock that was a day ahead

DAY = 86_400
BEFORE, WRONG, STEP_BACK, OBSERVED, ARRIVED = 10, 20, 30, 40, 50  # by the correct clock
LIVE = [
    Event("", "check", 0, (24, BEST_BEFORE)), Event("", "check", 0), Event("", "sighting", 0, (20, USE_BY)),
    Event("", "count", 0, None, 5), Event("", "adjust", 0, delta=-7), Event("", "adjust", 0, delta=2), Event("", "remove", 0),
]
LATE_ONES = [
    Event("check", "check", OBSERVED, (22, USE_BY)), Event("empty", "check", OBSERVED), Event("count", "count", OBSERVED, None, 3),
    Event("sold", "adjust", OBSERVED, delta=-1),
]


def repaired(ledger: list[Event], now: int) -> list[Event]:
    """Voids the events after now, and records them again at the last times before now, in their order."""
    future = [event for event in ledger if event.at > now]
    moments = sorted({event.at for event in future})
    voids = [Event("void of " + event.name, "void", now, voids=event.name) for event in future]
    again = [event._replace(name="again " + event.name, at=now - len(moments) + moments.index(event.at)) for event in future]
    return ledger + voids + again


def try_repair(repaired_at: int | None, large: bool) -> Iterator[str]:
    """Compares events during a wrong clock, and a later one of a device, with the same events under a correct clock.

    Times are not compared: those of the wrong clock are lost.
    """
    lengths = range(1, 5 if large else 4)
    histories = [live for length in lengths for live in product(LIVE, repeat=length)]
    for live, first_wrong, late in product(histories, range(max(lengths)), LATE_ONES):
        if first_wrong >= len(live):
            continue
        moments = [(BEFORE if i < first_wrong else WRONG) + i for i in range(len(live))]
        true = [event._replace(name=str(i), at=moments[i]) for i, event in enumerate(live)]
        ledger = [event if event.at < WRONG else event._replace(at=event.at + DAY) for event in true]
        if repaired_at is not None:
            ledger = repaired(ledger, repaired_at)
        shown, meant = (meaning([*events, late])._replace(looked_at=0, counted_at=0) for events in (ledger, true))
        yield "" if shown == meant else f"{[event.kind for event in live]}, wrong from {first_wrong} on, {late}: {shown}, not {meant}"


REPAIR = [
    Rule("repaired when the clock steps back", True, partial(try_repair, STEP_BACK)),
    Rule("repaired when the reading is written next", False, partial(try_repair, ARRIVED)),
    Rule("not repaired", False, partial(try_repair, None)),
]

PARTS = {"identity and order": IDENTITY, "change feed": FEED, "clocks of devices": CLOCKS, "repair of a clock": REPAIR}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--large", action="store_true", help="larger worlds")
    large = parser.parse_args().large
    for part, rules in PARTS.items():
        print(part)
        for rule in rules:
            start = time.monotonic()
            found = rule.tries(large)
            expected = "" if (found.failed == 0) == rule.holds else "   NOT AS EXPECTED"
            result = f"fails in {found.failed}" if found.failed else "holds"
            print(f"  {rule.name}: {found.tried} tried, {result}, {time.monotonic() - start:.1f} s{expected}", flush=True)
            if found.trace:
                print(f"    {found.trace}")


if __name__ == "__main__":
    main()
