#!/usr/bin/python3
"""An exhaustive model of the lists in the cache (cache/README.md, "Lists"): one list in one slot.

A list is stored without locks and without a lease, under the token of its generation. cache_protocol.py shows that a token
itself is never old: it is made while no writer has its locks, and deleted before a writer commits. So here these are single
steps. Everything else may happen in any order: a filler stops or is slow at each of its steps, entries are evicted, and a
client reads the token and the list one after the other.

    tests/model/list_protocol.py
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

COMMITS = 2
TOKENS = 3  # made at most
FILLERS = 2


@dataclass(frozen=True)
class Rules:
    """The protocol; each part can be replaced."""

    name: str
    token_first: bool = True  # a list is read from the database after its token was read
    compare_token: bool = True  # the entry contains its token, and readers compare it
    new_token: bool = True  # a token is used for one generation only
    make_under_lock: bool = True  # no token is made between a writer's deletion and its commit
    delete_before_commit: bool = True


class Filler(NamedTuple):
    step: str = "idle"
    token: int = 0
    version: int = -1  # -1: not read


class Client(NamedTuple):
    step: str = "idle"
    least: int = 0  # the newest version that any response contained when it began
    token: int = -1  # -1: not read; 0: none
    entry: tuple[int, int] | None = None  # its token and its version
    has_entry: bool = False


class State(NamedTuple):
    committed: int = 0
    shown: int = 0  # the newest version in any response
    writer: str = "idle"
    token: int = 0  # in the server; 0: none
    made: int = 0
    entry: tuple[int, int] | None = None  # in the server
    fillers: tuple[Filler, ...] = (Filler(),) * FILLERS
    client: Client = Client()


Step = tuple[str, State]


def write(rules: Rules, s: State) -> Iterator[Step]:
    if s.writer == "idle" and s.committed < COMMITS:
        yield "writer takes its locks", s._replace(writer="locked")
    elif s.writer == "locked":
        if rules.delete_before_commit:
            yield "writer deletes", s._replace(writer="ready", token=0)
        else:
            yield "writer commits", s._replace(writer="committed", committed=s.committed + 1)
    elif s.writer == "ready":
        yield "writer commits", s._replace(writer="done", committed=s.committed + 1)
    elif s.writer == "committed":
        yield "writer deletes", s._replace(writer="done", token=0)
    elif s.writer == "done":
        yield "writer responds", s._replace(writer="idle", shown=max(s.shown, s.committed))


def fill(rules: Rules, s: State, i: int) -> Iterator[Step]:
    me = s.fillers[i]

    def become(filler: Filler, state: State = s) -> State:
        return state._replace(fillers=(*s.fillers[:i], filler, *s.fillers[i + 1 :]))

    if me.step != "idle":
        yield f"filler {i} stops", become(Filler())
    if me.version < 0 and (me.token or not rules.token_first):
        read = me._replace(step="read", version=s.committed)
        yield f"filler {i} reads version {s.committed}", become(read)
    if not me.token and (me.version >= 0 or rules.token_first):
        if s.token:
            yield f"filler {i} reads the token", become(me._replace(step="token", token=s.token))
        elif s.made < TOKENS and not (rules.make_under_lock and s.writer != "idle"):
            token = s.made + 1 if rules.new_token else 1
            made = s._replace(token=token, made=s.made + 1)
            yield f"filler {i} makes token {token}", become(me._replace(step="token", token=token), made)
    if me.token and me.version >= 0:
        stored = s._replace(entry=(me.token, me.version), shown=max(s.shown, me.version))
        yield f"filler {i} stores the list and responds", become(Filler(), stored)


def read(s: State) -> Iterator[Step]:
    me = s.client
    if me.step == "idle":
        yield "client begins", s._replace(client=Client("reads", s.shown))
    else:
        if me.token < 0:
            yield "client reads the token", s._replace(client=me._replace(token=s.token))
        if not me.has_entry:
            yield "client reads the list", s._replace(client=me._replace(entry=s.entry, has_entry=True))
        if me.token >= 0 and me.has_entry:
            yield "client ends", s._replace(client=Client())


def wrong(rules: Rules, s: State) -> bool:
    """Returns: whether the client gets a list that is older than a response from before it began."""
    me = s.client
    if me.token <= 0 or me.entry is None or (rules.compare_token and me.entry[0] != me.token):
        return False
    return me.entry[1] < me.least


def steps(rules: Rules, s: State) -> Iterator[Step]:
    yield from write(rules, s)
    for i in range(FILLERS):
        yield from fill(rules, s, i)
    yield from read(s)
    yield "the token is evicted", s._replace(token=0)
    yield "the list is evicted", s._replace(entry=None)


def explore(rules: Rules) -> tuple[int, list[str]]:
    """Explores all states in breadth-first order. Returns: how many, and the shortest path to a wrong one, if there is any."""
    came_from: dict[State, tuple[State, str] | None] = {State(): None}
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        if wrong(rules, state):
            trace = []
            while (before := came_from[state]) is not None:
                state, step = before
                trace.append(step)
            return len(came_from), trace[::-1]
        for step, following in steps(rules, state):
            if following not in came_from:
                came_from[following] = (state, step)
                queue.append(following)
    return len(came_from), []


PROTOCOL = Rules("the protocol")
BROKEN = [
    Rules("the list is read before its token", token_first=False),
    Rules("the token is not compared", compare_token=False),
    Rules("a token is used again", new_token=False),
    Rules("a token is made while a writer has its locks", make_under_lock=False),
    Rules("the token is deleted after the commit", delete_before_commit=False),
]


def main() -> int:
    good = True
    for rules in [PROTOCOL, *BROKEN]:
        count, trace = explore(rules)
        print(f"{rules.name}: {count} states, {'an old list is read' if trace else 'holds'}")
        for line in trace:
            print(f"    {line}")
        good = good and bool(trace) == (rules is not PROTOCOL)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
