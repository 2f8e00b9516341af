"""The frame of the attacks: what an attack is, what it gets, and what is counted.

An attack is a function in a module of `attacks/`, with the decorator `attack`. It gets a Stage, and returns a Tally.
"""

import importlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from stack import Stack  # noqa: E402


@dataclass
class Tally:
    """What an attack has done."""

    attempts: int = 0
    let_in: int = 0  # attempts that got what they must not get
    refused: int = 0  # attempts that a limit or a check answered
    notes: list[str] = field(default_factory=list)  # what was let in, or measured

    def admit(self, what: str, number: int = 1) -> None:
        """Counts attempts that were let in; only the first ones are printed."""
        self.let_in += number
        if number > 0 and len(self.notes) < 5:
            self.notes.append(f"LET IN: {what}")


@dataclass
class Stage:
    """What an attack gets: a running stack, an address of its own to come from, and its time."""

    stack: Stack
    source: str
    seconds: float
    short: bool  # in tests/run: few attempts, and no judgement of times

    @property
    def edge(self) -> tuple[str, int]:
        return "127.0.0.1", self.stack.port

    @property
    def direct(self) -> tuple[str, int]:
        """The direct address of the first instance."""
        host, port = self.stack.env()["CODASYNC_INSTANCES"].split(",")[0].removeprefix("http://").rsplit(":", 1)
        return host, int(port)

    def token(self, role: str) -> str:
        """role: admin or staff."""
        return self.stack.env()[f"CODASYNC_{role.upper()}_TOKEN"]

    def connect(self, address: tuple[str, int] | None = None, timeout: float = 20) -> socket.socket:
        """Returns: a connection from the attack's address, to Nginx or to `address`. Throws: OSError."""
        return socket.create_connection(address or self.edge, timeout, source_address=(self.source, 0))

    def raw(self, sent: bytes, address: tuple[str, int] | None = None, timeout: float = 20) -> bytes:
        """Sends bytes on a new connection. Returns: what comes back until its end, empty when it is reset."""
        received = b""
        with suppress(OSError), self.connect(address, timeout) as client:
            client.sendall(sent)
            while piece := client.recv(65536):
                received += piece
        return received

    def statuses(self, requests: list[bytes]) -> list[int]:
        """Sends each request on a new connection. Returns: the statuses; 0 without a response."""
        return [status_of(self.raw(request)) for request in requests]

    def deadline(self) -> Callable[[], bool]:
        """Returns: a function that is true while the attack's time lasts."""
        end = time.monotonic() + self.seconds
        return lambda: time.monotonic() < end


def status_of(response: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", response)
    return int(found[1]) if found else 0


def responses(clients: list[socket.socket]) -> list[int]:
    """Returns: the status that has arrived on each connection; 0 for none."""
    found = []
    for client in clients:
        client.setblocking(False)
        try:
            found.append(status_of(client.recv(65536)))
        except OSError:
            found.append(0)
    return found


def still_open(clients: list[socket.socket]) -> list[socket.socket]:
    """Returns: the connections that the other side has not closed; data that arrived is discarded."""
    poll = select.poll()
    by_number = {client.fileno(): client for client in clients}
    for client in clients:
        client.setblocking(False)
        poll.register(client, select.POLLIN)
    for number, _ in poll.poll(0):
        client = by_number[number]
        try:
            while data := client.recv(65536):
                pass
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            del by_number[number]
    return list(by_number.values())


@dataclass(frozen=True)
class Attack:
    name: str
    run: Callable[[Stage], Tally]
    refuses: bool  # some attempts have to be refused
    long_only: bool


ATTACKS: list[Attack] = []


def attack(*, refuses: bool = False, long_only: bool = False) -> Callable[[Callable[[Stage], Tally]], Callable[[Stage], Tally]]:
    """Registers an attack. `refuses`: a limit or a check has to answer some of its attempts, else the run fails. `long_only`: not in
    tests/run.
    """

    def register(function: Callable[[Stage], Tally]) -> Callable[[Stage], Tally]:
        ATTACKS.append(Attack(function.__name__.replace("_", " "), function, refuses, long_only))
        return function

    return register


def load_attacks() -> list[Attack]:
    """Imports all modules of `attacks/`. Returns: their attacks in the order of the modules' names."""
    sys.path.insert(0, str(HERE / "attacks"))
    for module in sorted((HERE / "attacks").glob("*.py")):
        importlib.import_module(module.stem)
    return ATTACKS


@dataclass(frozen=True)
class Window:
    """What normal traffic saw in some time."""

    requests: int
    errors: list[str]
    p99: float  # milliseconds


class Traffic:
    """Normal traffic from addresses of its own, in another process (traffic.py)."""

    def __init__(self, stack: Stack) -> None:
        env = stack.env()
        command = [sys.executable, "-B", str(HERE / "traffic.py"), str(stack.port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **env}
        )

    def window(self) -> Window:
        """Returns: what was seen since the last call."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Window(**json.loads(self.process.stdout.readline()))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def normal_traffic(stack: Stack) -> Iterator[Traffic]:
    traffic = Traffic(stack)
    try:
        traffic.window()  # it has started
        yield traffic
    finally:
        traffic.stop()


def crashes(stack: Stack) -> int:
    """Returns: how many servers of the stack ended by themselves until now, Nginx' workers included."""
    workers = (stack.folder / "nginx" / "error.log").read_text(errors="replace")
    supervisor = stack.log()
    return len(re.findall(r"exited on signal", workers)) + len(re.findall(r" restarted \(pid ", supervisor))


@dataclass
class Result:
    attack: Attack
    tally: Tally
    crashed: int
    calm: Window
    during: Window
    slower: bool  # judged only in a long run

    @property
    def disturbed(self) -> int:
        return len(self.during.errors) + self.slower

    @property
    def failed(self) -> bool:
        return bool(self.tally.let_in or self.crashed or self.disturbed or (self.attack.refuses and not self.tally.refused))

    def row(self) -> str:
        return (
            f"{self.attack.name:<34}{self.tally.attempts:>9}{self.tally.refused:>9}{self.tally.let_in:>8}{self.crashed:>9}{self.disturbed:>11}"
            f"{self.calm.p99:>9.1f}{self.during.p99:>9.1f}  {'FAILED' if self.failed else 'ok'}"
        )


HEADER = f"{'attack':<34}{'attempts':>9}{'refused':>9}{'let in':>8}{'crashed':>9}{'disturbed':>11}{'calm p99':>9}{'p99 ms':>9}"
SLOWER = 3.0  # times the calm p99
NOISE_MS = 15.0  # a p99 below it is the noise of a shared machine
SOURCES = count(2)  # 127.0.1.2, …: each attack has full buckets


def run(stack: Stack, traffic: Traffic, one: Attack, seconds: float, short: bool) -> Result:
    """Runs one attack beside the traffic."""
    traffic.window()
    time.sleep(0.5 if short else min(10.0, seconds))
    calm = traffic.window()
    before = crashes(stack)
    number = next(SOURCES)
    tally = one.run(Stage(stack, f"127.0.{1 + number // 250}.{number % 250 + 2}", seconds, short))
    during = traffic.window()
    crashed = crashes(stack) - before
    slower = not short and during.p99 > max(SLOWER * calm.p99, NOISE_MS)
    return Result(one, tally, crashed, calm, during, slower)
