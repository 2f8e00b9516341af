#!/usr/bin/python3
"""An exhaustive model of the cache protocol (cache/README.md): one key in one slot.

It explores every state that writers, fillers, the slot's keeper, the server and the network can reach together, and checks
in each state what a reader could get. Any process may end at any moment, any reply and any database session may be lost,
any command may arrive late, and the server may be stopped, end, start again or be unreachable for writers, any number of
times. In worlds with a midnight the content changes once without a write, at a moment that a filler reads with it. In
worlds with failovers the primary may be lost, together with a version that clients saw on it and that the standby does not
have (no response confirmed it). By hand, for larger worlds:

    tests/model/cache_protocol.py --fillers 2 --commits 2 --broken

A command of Memcached and a statement of PostgreSQL are one step each. Left out: lists (a generation is an entry like any
other; list_protocol.py has the rest), more than one key, and clocks that differ by more than the protocol allows.
"""

import argparse
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

# Times to live, in units of time: an entry that is stored in one unit exists in the next one, and no longer in the one after.
# An entry is stored before its lease ends, so data can be in the server for both times together after it was read.
ENTRY = 1
LEASE = 1
BOTH = ENTRY + LEASE


@dataclass(frozen=True)
class Rules:
    """The protocol; each part can be replaced."""

    name: str
    lease: bool = True  # an entry is stored by compare-and-swap against a placeholder
    lease_ends_with_connection: bool = True
    fill_lock: bool = True  # a filler excludes the writers of its key
    read_under_lock: bool = True  # and reads the database afterwards
    delete_before_commit: bool = True
    delete_after_commit: bool = False
    must_acknowledge: bool = True  # no acknowledgement, no commit
    slot_under_lock: bool = True  # a filler holds the slots' lock, shared, while it uses the state
    fill_while_waiting: bool = False  # fillers store entries in a waiting slot
    wait: int = BOTH + 1  # units of time before writers continue without a server that does not respond
    refused_under_lock: bool = True  # a refused connection counts only under the lock that excludes fillers
    no_response_means_ended: bool = False  # a server that does not respond is treated as ended
    flush: bool = True  # a server is emptied before its slot is used with another history of the database
    entries_expire: bool = True  # readers ignore an entry after the expiry that it contains
    expiry_at_midnight: bool = True  # which is not after the moment when the content changes without a write
    midnight_when_read: bool = True  # and that moment is counted from the read, not from the time of storing


@dataclass(frozen=True)
class World:
    """The size of the model."""

    writers: int = 1
    fillers: int = 1
    commits: int = 1
    packets: int = 2  # in transit at a time
    failovers: int = 0
    midnight: int = 0  # units of time until the content changes without a write; 0: never


class Item(NamedTuple):
    """The entry in the server: a placeholder, or a value with the version that was read."""

    id: int
    left: int  # units of its time to live, by the server's clock
    version: int = -1  # -1: a placeholder
    end: int = 0  # units until the expiry that it contains, by the clock of all others; -1: expired
    early: bool = False  # read before midnight


class Packet(NamedTuple):
    """A command in transit; it is lost when the process at the other end of its connection ends."""

    sender: int
    command: str  # delete, add, gets, store, flush
    id: int = 0  # store: the placeholder's; 0: any entry
    version: int = -1
    end: int = 0
    early: bool = False


class Actor(NamedTuple):
    """A writer, a filler or the keeper, and its current step."""

    step: str = "idle"
    locks: bool = False  # PostgreSQL still has its locks
    connected: bool = True  # a filler's connection leads to the process with which it started
    slot: str = ""  # the state that a filler read
    id: int = 0  # of its placeholder
    version: int = -1
    end: int = 0
    early: bool = False


IDLE = Actor()


class State(NamedTuple):
    committed: int = 0  # the newest version that the database shows
    replicated: int = 0  # the newest version of its standby
    lost: int = -1  # a version that clients saw before a failover lost it; -1: none
    failovers: int = 0
    filled_now: bool = True  # the entries of the slot are from this history of the database
    slot: str = "up"  # waiting, down
    wait: int = 0  # units until it ends
    midnight: int = 0  # units until midnight; 0: it is over
    server: str = "runs"  # stopped, ended
    lag: int = 0  # of the server's clock, which stops with the server and catches up a moment later
    item: Item | None = None
    reached: bool = True  # reachable for writers and the keeper; for readers and fillers it always is
    actors: tuple[Actor, ...] = ()
    packets: frozenset[Packet] = frozenset()


Step = tuple[str, State]


class Model:
    def __init__(self, rules: Rules, world: World) -> None:
        self.rules = rules
        self.world = world
        self.writers = range(world.writers)
        self.fillers = range(world.writers, world.writers + world.fillers)
        self.keeper = world.writers + world.fillers

    def start(self) -> State:
        return State(actors=(IDLE,) * (self.keeper + 1), midnight=self.world.midnight)

    def wrong(self, s: State) -> str:
        """Returns: which wrong version a reader gets in this state, or an empty text.

        A response or a query may have shown every committed version, so only the newest one is right. A version that
        a failover lost may be read until the slot is emptied.
        """
        if s.server != "runs" or s.item is None or s.item.version < 0:
            return ""
        late = s.item.early and s.midnight == 0
        if s.item.version == s.committed and not late:
            return ""
        if s.item.version == s.lost and not s.filled_now:
            return ""
        if self.rules.entries_expire and s.item.end < 0:
            return ""
        if late:
            return "content of before midnight is served"
        return f"version {s.item.version} is served, {s.committed} is committed"

    def steps(self, s: State) -> Iterator[Step]:
        for i in self.writers:
            yield from self.write(s, i)
        for i in self.fillers:
            yield from self.fill(s, i)
        yield from self.run_keeper(s)
        for packet in s.packets:
            yield from self.deliver(s, packet)
        yield from self.pass_time(s)
        yield from self.disturb(s)

    # ------------------------------------------------------------------ writers

    def write(self, s: State, i: int) -> Iterator[Step]:
        rules, step = self.rules, s.actors[i].step
        if step == "idle":
            if self.written(s) == self.world.commits or self.slots_taken(s) or self.key_filled(s):
                return  # nothing to write, or it waits for its locks
            if s.slot == "waiting":
                return  # 503
            if s.slot == "up" and rules.delete_before_commit:
                started = Actor("deleting", locks=True)
                yield f"writer {i} locks and deletes", send(put(s, i, started), Packet(i, "delete"))
            else:
                yield f"writer {i} locks", put(s, i, Actor("ready", locks=True))
            return
        if step == "deleting" and not rules.must_acknowledge:
            yield f"writer {i} does not wait for the reply", put(s, i, Actor("ready", locks=True))
        if step == "ready":
            version = self.written(s) + 1
            if s.failovers < self.world.failovers:
                yield f"writer {i} commits, its wait for the standby ends early", put(s._replace(committed=version), i, IDLE)
            committed = put(s._replace(committed=version, replicated=version), i, IDLE)
            if rules.delete_after_commit:
                started = put(committed, i, Actor("deleting after"))
                yield f"writer {i} commits and deletes", send(started, Packet(i, "delete"))
            yield f"writer {i} commits", committed
        yield f"writer {i} stops", put(s, i, IDLE)

    @staticmethod
    def written(s: State) -> int:
        return max(s.committed, s.lost)

    # ------------------------------------------------------------------ fillers

    def fill(self, s: State, i: int) -> Iterator[Step]:
        rules, me = self.rules, s.actors[i]
        if me.step == "idle":
            started = Actor("adding", slot="" if rules.slot_under_lock else s.slot)
            if rules.lease:
                yield f"filler {i} adds", send(put(s, i, started), Packet(i, "add"))
            else:
                yield f"filler {i} misses", put(s, i, started._replace(step="leased"))
            return
        if me.step == "leased":
            if not rules.read_under_lock and me.version < 0:
                yield f"filler {i} reads {s.committed}", put(s, i, self.read(s, me))
            else:
                yield from self.lock(s, i, me)
        if me.step == "read" and (me.connected or not rules.lease_ends_with_connection):
            stored = put(s, i, me._replace(step="storing", id=0, version=-1, end=0, early=False))
            end = me.end
            if me.early and not rules.midnight_when_read:
                end = min(BOTH, max(s.midnight, 1) - 1)
            yield f"filler {i} stores {me.version}", send(stored, Packet(i, "store", me.id, me.version, end, me.early))
        if me.locks:
            yield f"filler {i} loses its session", put(s, i, me._replace(locks=False))
        yield f"filler {i} stops", put(s, i, IDLE)

    def lock(self, s: State, i: int, me: Actor) -> Iterator[Step]:
        """Takes the locks if they are free, reads the state of the slot and the database."""
        rules = self.rules
        if rules.fill_lock:
            if self.key_written(s) or self.key_filled(s):
                return
            me = me._replace(locks=True)
        if rules.slot_under_lock:
            if self.slots_taken(s):
                return
            me = me._replace(slot=s.slot)
        if not s.filled_now:
            return
        if me.slot == "up" or (me.slot == "waiting" and rules.fill_while_waiting):
            if me.version < 0:
                me = self.read(s, me)
            yield f"filler {i} locks, has read {me.version}", put(s, i, me._replace(step="read"))

    def read(self, s: State, me: Actor) -> Actor:
        early = s.midnight > 0
        end = min(BOTH, s.midnight - 1) if early and self.rules.expiry_at_midnight else BOTH
        return me._replace(version=s.committed, end=end, early=early)

    # ------------------------------------------------------------------ the keeper

    def run_keeper(self, s: State) -> Iterator[Step]:
        rules, me = self.rules, s.actors[self.keeper]
        if me.step == "flushing":
            yield "keeper stops", put(s, self.keeper, IDLE)
            if me.locks:
                yield "keeper loses its session", put(s, self.keeper, me._replace(locks=False))
            return
        if me.step == "idle" and not rules.refused_under_lock and s.server == "ended":
            yield "keeper is refused", put(s, self.keeper, Actor("refused"))
        if self.slots_shared(s):
            return
        # From here on under the exclusive lock.
        idle = put(s, self.keeper, IDLE)
        if s.slot == "up":
            yield "keeper: the slot waits", idle._replace(slot="waiting", wait=rules.wait)
        if s.slot != "down":
            unresponsive = s.server == "stopped" or not s.reached
            if s.server == "ended" or me.step == "refused" or (rules.no_response_means_ended and unresponsive):
                yield "keeper: the slot is down, its server has ended", idle._replace(slot="down", wait=0)
        if s.slot == "waiting":
            yield "keeper: the slot is up again", idle._replace(slot="up", wait=0)
            if s.wait == 0:
                yield "keeper: the slot is down, it has waited", idle._replace(slot="down")
        if (s.slot == "down" or not s.filled_now) and me.step == "idle":
            if not rules.flush:
                yield "keeper: the slot is up", idle._replace(slot="up", wait=0, filled_now=True)
            elif not any(packet.command == "flush" for packet in s.packets):
                started = put(s, self.keeper, Actor("flushing", locks=True))
                yield "keeper flushes", send(started, Packet(self.keeper, "flush"))

    # ------------------------------------------------------------------ locks

    def slots_taken(self, s: State) -> bool:
        """Returns: whether the slots' lock is held exclusively."""
        return s.actors[self.keeper].locks

    def slots_shared(self, s: State) -> bool:
        shares_from = 0 if self.rules.slot_under_lock else len(self.writers)
        return self.key_written(s) or (shares_from == 0 and self.key_filled(s))

    def key_written(self, s: State) -> bool:
        return any(s.actors[i].locks for i in self.writers)

    def key_filled(self, s: State) -> bool:
        return any(s.actors[i].locks for i in self.fillers)

    # ------------------------------------------------------------------ the server, the network, the time

    def deliver(self, s: State, packet: Packet) -> Iterator[Step]:
        if s.server != "runs" or not (s.reached or packet.sender in self.fillers):
            return
        item, yes = s.item, True
        if packet.command in ("delete", "flush"):
            item = None
        elif packet.command == "add":
            yes = item is None
            item = Item(self.new_id(s), LEASE) if item is None else item
        elif packet.command == "gets":
            yes = item is not None and item.version < 0
        else:
            yes = packet.id == 0 or (item is not None and item.id == packet.id)
            item = Item(self.new_id(s), ENTRY, packet.version, packet.end, packet.early) if yes else item
        done = s._replace(item=item, packets=s.packets - {packet})
        # A lost reply is the same as one that arrives after its sender stopped.
        yield f"{packet.command} of {packet.sender}: {'yes' if yes else 'no'}", self.receive(done, packet, yes)

    @staticmethod
    def new_id(s: State) -> int:
        """Returns: an id that no actor and no packet has; it is equivalent to a new one."""
        used = {actor.id for actor in s.actors if actor.connected} | {packet.id for packet in s.packets}
        if s.item is not None:
            used.add(s.item.id)
        return min(set(range(1, len(used) + 2)) - used)

    def receive(self, s: State, packet: Packet, yes: bool) -> State:
        """The sender continues, if it still waits for this reply."""
        i = packet.sender
        me = s.actors[i]
        if me.step == "deleting" and packet.command == "delete":
            return put(s, i, me._replace(step="ready"))
        if me.step == "deleting after" and packet.command == "delete":
            return put(s, i, IDLE)
        if me.step == "adding" and packet.command == "add" and me.connected:
            return send(put(s, i, me._replace(step="getting")), Packet(i, "gets")) if yes else put(s, i, IDLE)
        if me.step == "getting" and packet.command == "gets" and me.connected:
            return put(s, i, me._replace(step="leased", id=s.item.id)) if yes and s.item else put(s, i, IDLE)
        if me.step == "storing" and packet.command == "store":
            return put(s, i, IDLE)
        if me.step == "flushing" and packet.command == "flush":
            return put(s._replace(slot="up", wait=0, filled_now=True) if me.locks else s, i, IDLE)
        return s

    def pass_time(self, s: State) -> Iterator[Step]:
        """A unit of time ends for all but a stopped server."""
        item, lag = s.item, s.lag
        if item is not None and item.version >= 0:
            item = item._replace(end=max(item.end - 1, -1))
        if s.server == "stopped" or lag:
            lag = min(lag + 1, BOTH)
        elif s.server == "runs":
            item = older(item, 1)
        later = s._replace(
            wait=max(s.wait - 1, 0),
            midnight=max(s.midnight - 1, 0),
            lag=lag,
            item=item,
            packets=frozenset(p._replace(end=max(p.end - 1, -1)) if p.version >= 0 else p for p in s.packets),
            actors=tuple(a._replace(end=max(a.end - 1, -1)) if a.version >= 0 else a for a in s.actors),
        )
        if later != s:
            yield "time passes", later
        if s.server == "runs" and lag:
            yield "the server's clock catches up", s._replace(item=older(s.item, s.lag), lag=0)

    def disturb(self, s: State) -> Iterator[Step]:
        """Faults of the server, of the network and of the database."""
        if s.server == "runs":
            yield "the server is stopped", s._replace(server="stopped")
            if s.item is not None:
                yield "the server evicts", s._replace(item=None)
        if s.server == "stopped":
            yield "the server continues", s._replace(server="runs")
        if s.server == "ended":
            yield "the server starts", s._replace(server="runs")
        else:
            cut = tuple(a._replace(connected=False) if a.step != "idle" else a for a in s.actors)
            yield "the server ends", s._replace(server="ended", item=None, lag=0, packets=frozenset(), actors=cut)
        yield "the network to the server " + ("breaks" if s.reached else "is repaired"), s._replace(reached=not s.reached)
        if s.replicated < s.committed:
            yield "the standby catches up", s._replace(replicated=s.committed)
        if s.failovers < self.world.failovers:
            # Sessions end with their locks; actors that do not use the database at the moment are not affected.
            orphans = tuple(IDLE if i in self.writers else a._replace(locks=False) for i, a in enumerate(s.actors))
            yield "the standby takes over", s._replace(
                committed=s.replicated,
                lost=s.committed if s.replicated < s.committed else -1,
                failovers=s.failovers + 1,
                filled_now=False,
                actors=orphans,
            )


def put(s: State, i: int, actor: Actor) -> State:
    return s._replace(actors=(*s.actors[:i], actor, *s.actors[i + 1 :]))


def send(s: State, packet: Packet) -> State:
    return s._replace(packets=s.packets | {packet})


def older(item: Item | None, units: int) -> Item | None:
    return None if item is None or item.left < units else item._replace(left=item.left - units)


@dataclass(frozen=True)
class Finding:
    states: int
    seconds: float
    wrong: str  # empty: nothing
    trace: list[str]  # the shortest path to it


def explore(rules: Rules, world: World, states_max: int = 30_000_000) -> Finding:
    """Explores all states in breadth-first order. Throws: MemoryError for more than `states_max` states."""
    began = time.monotonic()
    model = Model(rules, world)
    came_from: dict[State, tuple[State, str] | None] = {model.start(): None}
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        if wrong := model.wrong(state):
            trace = [wrong]
            while (before := came_from[state]) is not None:
                state, step = before
                trace.append(step)
            return Finding(len(came_from), time.monotonic() - began, wrong, trace[::-1])
        for step, following in model.steps(state):
            if following not in came_from and len(following.packets) <= world.packets:
                came_from[following] = (state, step)
                queue.append(following)
        if len(came_from) > states_max:
            raise MemoryError(f"more than {states_max} states")
    return Finding(len(came_from), time.monotonic() - began, "", [])


PROTOCOL = Rules("the protocol")

# Each variant lacks one part of the protocol, or has a change that looks harmless.
BROKEN = [
    Rules("set on a miss, delete after COMMIT", lease=False, fill_lock=False, delete_before_commit=False, delete_after_commit=True),
    Rules("a lease, delete after COMMIT", fill_lock=False, delete_before_commit=False, delete_after_commit=True),
    Rules("a lease, delete before COMMIT, no lock", fill_lock=False),
    Rules("the lock, but a plain set", lease=False),
    Rules("the database is read before the lock", read_under_lock=False),
    Rules("COMMIT without an acknowledgement", must_acknowledge=False),
    Rules("a fill reads the state of the slot without its lock", slot_under_lock=False),
    Rules("fills into a waiting slot", fill_while_waiting=True),
    Rules("no wait before writers continue without a server that does not respond", wait=0),
    Rules("a wait for the entry's time to live, without the lease's", wait=ENTRY + 1),
    Rules("a refused connection before the lock counts", refused_under_lock=False),
    Rules("a server that does not respond is treated as ended", no_response_means_ended=True),
    Rules("readers trust the server's clock", entries_expire=False),
]
# Two fillers are needed: after a restart the second one's id equals the first one's.
BROKEN_BY_TWO_FILLERS = [Rules("a lease is used on another connection", lease_ends_with_connection=False)]
BROKEN_BY_MIDNIGHT = [
    Rules("an entry outlives the moment when its content changes", expiry_at_midnight=False),
    Rules("the rest of the day is counted from the time of storing", midnight_when_read=False),
]
BROKEN_BY_FAILOVER = [Rules("a slot is used again without a flush", flush=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for field in fields(World):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--broken", action="store_true", help="also the variants that must fail")
    options = vars(parser.parse_args())
    wrong = [*BROKEN, *BROKEN_BY_TWO_FILLERS, *BROKEN_BY_MIDNIGHT, *BROKEN_BY_FAILOVER] if options.pop("broken") else []
    for rules in [PROTOCOL, *wrong]:
        found = explore(rules, World(**options))
        print(f"{rules.name}: {found.states} states, {found.seconds:.1f} s, {found.wrong or 'holds'}", flush=True)
        for line in found.trace:
            print(f"    {line}")


if __name__ == "__main__":
    main()
