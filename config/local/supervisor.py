"""Starts processes, keeps them running, stops them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import FrameType
from typing import NoReturn

from orders import Order, Orders
from state import Failed, State

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
POLL_SECONDS = 0.05
PAUSE_SECONDS_MIN = 0.5
PAUSE_SECONDS_MAX = 30.0
STABLE_SECONDS = 60.0  # a process that ran that long starts over with the shortest pause


class Asked(Exception):
    """Somebody asked us to stop."""


@dataclass(frozen=True)
class Server:
    """A program that runs as long as the stack does."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]  # it answers; quick, does not raise
    farewell: Sequence[tuple[signal.Signals, float]]  # what ends it, and the seconds until the next, firmer one
    environment: Mapping[str, str] = field(default_factory=dict)
    rest: float = PAUSE_SECONDS_MIN  # between its first death and the next start
    bury: Callable[[], None] = lambda: None  # ends what it may have left outside of its process group


class Process:
    """A server's present incarnation."""

    def __init__(self, server: Server, popen: subprocess.Popen[bytes]) -> None:
        self.server = server
        self.popen = popen
        self.started = time.monotonic()
        self.deaths = 0
        self.start_at: float | None = None  # set while it is dead
        self.leaves = False  # it is asked to end, and not started again

    def died(self) -> float:
        """Notes a death. Returns: the pause before the next start."""
        if time.monotonic() - self.started > STABLE_SECONDS:
            self.deaths = 0
        pause = min(self.server.rest * 2.0**self.deaths, PAUSE_SECONDS_MAX)
        self.deaths += 1
        self.start_at = time.monotonic() + pause
        return pause

    def reborn(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.started = time.monotonic()
        self.start_at = None


class Supervisor:
    """One thread, no threads below it: it sleeps until a child ends, a signal comes or a pause is over."""

    def __init__(self, state: State, lock: int) -> None:
        self._state = state
        self._lock = lock
        self._processes: list[Process] = []
        self._asked = False
        self._order: Order | None = None  # whoever gave it hears what is said
        self._log = self._open_log("supervisor")
        self._wake, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only wakes us

    def say(self, text: str) -> None:
        """Tells the log, and the terminal while there is one."""
        stamp = time.strftime("%H:%M:%S")
        with suppress(OSError):  # a full disk must not end the servers
            self._log.write(f"{time.strftime('%Y-%m-%d')} {stamp} {text}\n".encode())
        with suppress(OSError):  # the terminal is gone
            print(f"{stamp} {text}", flush=True)
        if self._order is not None:
            self._order.say(f"{stamp} {text}")

    def start(self, server: Server, within: float) -> Process:
        """Starts a server and waits until it answers.

        Throws: Failed when it ends before, or does not answer within so many seconds, and then it is gone; Asked.
        """
        process = Process(server, self._spawn(server))
        self._processes.append(process)
        answers = self.wait_for(lambda: process.start_at is not None or server.ready(), within)
        if not answers or process.start_at is not None:
            how = "ended at once" if answers else f"did not answer within {within:.0f} s"
            self.retire(process)
            raise Failed(f"{server.name} {how}. {self._last_words(server.name)}")
        self.say(f"{server.name} answers (pid {process.popen.pid})")
        return process

    def retire(self, process: Process) -> None:
        """Ends one server for good, as gently as it can be, while the others are tended. Throws: Asked."""
        process.leaves = True
        self._bid_farewell(process, self._wait)
        self._processes.remove(process)

    def wait_for(self, holds: Callable[[], bool], within: float) -> bool:
        """Waits while the servers are tended. Returns: whether it holds within so many seconds. Throws: Asked."""
        deadline = time.monotonic() + within
        while not (held := holds()) and time.monotonic() < deadline:
            self._wait(POLL_SECONDS)
        return held

    def run(self, name: str, command: Sequence[str], within: float, **environment: str) -> str:
        """Runs a command to its end; its complaints go to the log called name. Returns: what it printed.

        Throws: Failed when it fails or takes longer; Asked.
        """
        deadline = time.monotonic() + within
        printed = b""
        with self._open(name, command, environment, signal.SIGKILL, subprocess.PIPE) as child:
            assert child.stdout is not None
            try:
                while (more := self._read(child.stdout.fileno())) != b"":
                    printed += more or b""
                    self._tend()
                    if time.monotonic() > deadline:
                        raise Failed(f"{name} took longer than {within:.0f} s. {self._last_words(name)}")
            except BaseException:
                kill_group(child.pid)
                raise
        if child.returncode != 0:
            raise Failed(f"{name} {describe(child.returncode)}. {self._last_words(name)}")
        return printed.decode()

    def watch(self, orders: Orders, carry_out: Callable[[Order], None]) -> NoReturn:
        """Starts again what dies, and carries out orders one by one. One that cannot be (Failed, OSError) is answered so,
        and things stay as carry_out left them. Throws: Asked.
        """
        while True:
            pauses = [p.start_at - time.monotonic() for p in self._processes if p.start_at is not None]
            self._wait(max(0.0, min(pauses, default=STABLE_SECONDS)), orders)
            if (order := orders.take()) is None:
                continue
            with order:
                self._order = order
                try:
                    carry_out(order)
                    order.end(0)
                except (Failed, OSError) as failure:
                    self.say(str(failure))
                    order.end(1)
                finally:
                    self._order = None

    def stop(self) -> None:
        """Stops everything in the opposite order of its start, each with its own farewell, at last with SIGKILL."""
        for process in reversed(self._processes):
            self._bid_farewell(process, self._sleep)
        self._processes.clear()

    def _bid_farewell(self, process: Process, wait: Callable[[float], None]) -> None:
        if process.start_at is not None:
            return
        for number, seconds in process.server.farewell:
            process.popen.send_signal(number)
            deadline = time.monotonic() + seconds
            while process.popen.poll() is None and time.monotonic() < deadline:
                wait(POLL_SECONDS)
            if process.popen.returncode is not None:
                break
            self.say(f"{process.server.name} did not end on {number.name} within {seconds:.0f} s")
        else:
            process.popen.kill()
            process.popen.wait()
        bury(process)
        self.say(f"{process.server.name} (pid {process.popen.pid}) stopped")

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def _wait(self, seconds: float, *also: Orders) -> None:
        """Sleeps until something happens, at most that long, and tends the processes. Throws: Asked."""
        self._sleep(seconds, *also)
        self._tend()

    def _sleep(self, seconds: float, *also: Orders) -> None:
        if self._wake in select.select([self._wake, *also], [], [], seconds)[0]:
            os.read(self._wake, 4096)

    def _read(self, descriptor: int) -> bytes | None:
        """Waits a moment for output. Returns: it; empty at its end; None when nothing came."""
        ready = select.select([descriptor, self._wake], [], [], POLL_SECONDS)[0]
        if self._wake in ready:
            os.read(self._wake, 4096)
        return os.read(descriptor, 65536) if descriptor in ready else None

    def _tend(self) -> None:
        if self._asked:
            raise Asked
        for process in self._processes:
            name = process.server.name
            if process.leaves:
                continue
            if process.start_at is None and process.popen.poll() is not None:
                bury(process)
                pause = process.died()
                self.say(
                    f"{name} (pid {process.popen.pid}) {describe(process.popen.returncode)}; "
                    f"next start in {pause:g} s"
                )
            elif process.start_at is not None and time.monotonic() >= process.start_at:
                process.reborn(self._spawn(process.server))
                self.say(f"{name} started again (pid {process.popen.pid})")

    def _spawn(self, server: Server) -> subprocess.Popen[bytes]:
        return self._open(server.name, server.command, server.environment, server.farewell[0][0])

    def _open(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        leash: signal.Signals,  # what the kernel sends when we are killed ourselves: nothing outlives its supervisor
        output: int | None = None,
    ) -> subprocess.Popen[bytes]:
        with self._open_log(name) as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", leash.name[3:], "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=log,
                # Ours alone: a shell that has read an env file must not change what the servers do.
                env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(self._state.folder), **environment},
                cwd=self._state.folder,
                pass_fds=(self._lock,),
                process_group=0,  # Ctrl-C on the terminal reaches us alone
            )

    def _log_path(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def _open_log(self, name: str) -> FileIO:
        return FileIO(self._log_path(name), "a")

    def _last_words(self, name: str) -> str:
        path = self._log_path(name)
        lines = path.read_text(errors="replace").splitlines()[-12:]
        return "Its last words:\n" + "\n".join(f"    {line}" for line in lines) + f"\nAll of them: {path}"


def bury(process: Process) -> None:
    kill_group(process.popen.pid)
    process.server.bury()


def kill_group(leader: int) -> None:
    """Ends what a dead process may have left: the workers of a killed Nginx would keep its port."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def describe(status: int) -> str:
    """Returns: how a process with this status ended, in words."""
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def quiet() -> None:
    """Lets go of the terminal, for a supervisor in the background."""
    sys.stdout.flush()
    with open(os.devnull, "r+b") as null:
        for descriptor in (0, 1, 2):
            os.dup2(null.fileno(), descriptor)
