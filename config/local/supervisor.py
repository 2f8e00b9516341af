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

from control import ControlSocket, Request
from state import Failed, State

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
POLL_SECONDS = 0.05
PAUSE_SECONDS_MIN = 0.5
PAUSE_SECONDS_MAX = 30.0
STABLE_SECONDS = 60.0  # after that time the next pause is the shortest again


class StopRequested(Exception):
    """A signal requested the end of the stack."""


@dataclass(frozen=True)
class Server:
    """A program that runs as long as the stack."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]  # whether it accepts requests; quick, does not raise
    stop_sequence: Sequence[tuple[signal.Signals, float]]  # signals that end it, each with the seconds until the next one
    environment: Mapping[str, str] = field(default_factory=dict)
    restart_pause: float = PAUSE_SECONDS_MIN  # between its first unexpected end and the next start
    clean_up: Callable[[], None] = lambda: None  # ends processes that it may have left outside of its process group


class Process:
    """The running process of a server."""

    def __init__(self, server: Server, popen: subprocess.Popen[bytes]) -> None:
        self.server = server
        self.popen = popen
        self.started = time.monotonic()
        self.failures = 0
        self.start_at: float | None = None  # the time of the next start, set while it does not run
        self.stopping = False  # it gets its stop sequence and is not started again

    def failed(self) -> float:
        """Records an unexpected end. Returns: the pause before the next start."""
        if time.monotonic() - self.started > STABLE_SECONDS:
            self.failures = 0
        pause = min(self.server.restart_pause * 2.0**self.failures, PAUSE_SECONDS_MAX)
        self.failures += 1
        self.start_at = time.monotonic() + pause
        return pause

    def restarted(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.started = time.monotonic()
        self.start_at = None


class Supervisor:
    """Single-threaded: it sleeps until a child ends, a signal arrives or a pause is over."""

    def __init__(self, state: State, lock: int) -> None:
        self._state = state
        self._lock = lock
        self._processes: list[Process] = []
        self._stop_requested = False
        self._request: Request | None = None  # its client gets all messages
        self._log = self._open_log("supervisor")
        self._wake, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only wakes select()

    def say(self, text: str) -> None:
        """Writes a message to the log, to the terminal while there is one, and to the client of the current request."""
        stamp = time.strftime("%H:%M:%S")
        with suppress(OSError):  # a full disk must not end the stack
            self._log.write(f"{time.strftime('%Y-%m-%d')} {stamp} {text}\n".encode())
        with suppress(OSError):  # the terminal is gone
            print(f"{stamp} {text}", flush=True)
        if self._request is not None:
            self._request.say(f"{stamp} {text}")

    def start(self, server: Server, within: float) -> Process:
        """Starts a server and waits until it is ready.

        Throws: Failed when it ends before, or is not ready in time: then it is stopped; StopRequested.
        """
        process = Process(server, self._spawn(server))
        self._processes.append(process)
        decided = self.wait_for(lambda: process.start_at is not None or server.ready(), within)
        if not decided or process.start_at is not None:
            how = "ended during its start" if decided else f"was not ready within {within:.0f} s"
            self.remove(process)
            raise Failed(f"{server.name} {how}. {self._last_lines(server.name)}")
        self.say(f"{server.name} is ready (pid {process.popen.pid})")
        return process

    def remove(self, process: Process) -> None:
        """Stops one server and does not start it again; the others are monitored meanwhile. Throws: StopRequested."""
        process.stopping = True
        self._stop_process(process, self._wait)
        self._processes.remove(process)

    def wait_for(self, holds: Callable[[], bool], within: float) -> bool:
        """Waits and monitors the servers meanwhile. Returns: whether the condition holds in time. Throws: StopRequested."""
        deadline = time.monotonic() + within
        while not (held := holds()) and time.monotonic() < deadline:
            self._wait(POLL_SECONDS)
        return held

    def run(self, name: str, command: Sequence[str], within: float, **environment: str) -> str:
        """Runs a command to its end; its standard error goes to the log called name. Returns: its standard output.

        Throws: Failed when it fails or takes longer; StopRequested.
        """
        deadline = time.monotonic() + within
        printed = b""
        with self._open(name, command, environment, signal.SIGKILL, subprocess.PIPE) as child:
            assert child.stdout is not None
            try:
                while (more := self._read(child.stdout.fileno())) != b"":
                    printed += more or b""
                    self._monitor()
                    if time.monotonic() > deadline:
                        raise Failed(f"{name} took longer than {within:.0f} s. {self._last_lines(name)}")
            except BaseException:
                kill_group(child.pid)
                raise
        if child.returncode != 0:
            raise Failed(f"{name} {describe(child.returncode)}. {self._last_lines(name)}")
        return printed.decode()

    def serve(self, control: ControlSocket, carry_out: Callable[[Request], None]) -> NoReturn:
        """Restarts servers that end, and carries out control requests one by one. A request that fails (Failed, OSError) gets
        status 1, and the stack stays as carry_out left it. Throws: StopRequested.
        """
        while True:
            pauses = [p.start_at - time.monotonic() for p in self._processes if p.start_at is not None]
            self._wait(max(0.0, min(pauses, default=STABLE_SECONDS)), control)
            if (request := control.take()) is None:
                continue
            with request:
                self._request = request
                try:
                    carry_out(request)
                    request.end(0)
                except (Failed, OSError) as failure:
                    self.say(str(failure))
                    request.end(1)
                finally:
                    self._request = None

    def stop(self) -> None:
        """Stops all servers in the opposite order of their start, each by its stop sequence, at last with SIGKILL."""
        for process in reversed(self._processes):
            self._stop_process(process, self._sleep)
        self._processes.clear()

    def _stop_process(self, process: Process, wait: Callable[[float], None]) -> None:
        if process.start_at is not None:
            return
        for number, seconds in process.server.stop_sequence:
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
        clean_up(process)
        self.say(f"{process.server.name} (pid {process.popen.pid}) stopped")

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requested = True

    def _wait(self, seconds: float, *also: ControlSocket) -> None:
        """Sleeps until something happens, at most that long, and checks the processes. Throws: StopRequested."""
        self._sleep(seconds, *also)
        self._monitor()

    def _sleep(self, seconds: float, *also: ControlSocket) -> None:
        if self._wake in select.select([self._wake, *also], [], [], seconds)[0]:
            os.read(self._wake, 4096)

    def _read(self, descriptor: int) -> bytes | None:
        """Waits a short time for output. Returns: it; empty at the end of the stream; None when nothing was written."""
        ready = select.select([descriptor, self._wake], [], [], POLL_SECONDS)[0]
        if self._wake in ready:
            os.read(self._wake, 4096)
        return os.read(descriptor, 65536) if descriptor in ready else None

    def _monitor(self) -> None:
        if self._stop_requested:
            raise StopRequested
        for process in self._processes:
            name = process.server.name
            if process.stopping:
                continue
            if process.start_at is None and process.popen.poll() is not None:
                clean_up(process)
                pause = process.failed()
                self.say(
                    f"{name} (pid {process.popen.pid}) {describe(process.popen.returncode)}; "
                    f"next start in {pause:g} s"
                )
            elif process.start_at is not None and time.monotonic() >= process.start_at:
                process.restarted(self._spawn(process.server))
                self.say(f"{name} restarted (pid {process.popen.pid})")

    def _spawn(self, server: Server) -> subprocess.Popen[bytes]:
        return self._open(server.name, server.command, server.environment, server.stop_sequence[0][0])

    def _open(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        parent_death_signal: signal.Signals,  # sent by the kernel when this process is killed, so that no server outlives it
        output: int | None = None,
    ) -> subprocess.Popen[bytes]:
        with self._open_log(name) as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", parent_death_signal.name[3:], "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=log,
                # Nothing of the caller's: variables of a shell that has read an env file must not change the servers.
                env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(self._state.folder), **environment},
                cwd=self._state.folder,
                pass_fds=(self._lock,),
                process_group=0,  # Ctrl-C on the terminal reaches this process alone
            )

    def _log_path(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def _open_log(self, name: str) -> FileIO:
        return FileIO(self._log_path(name), "a")

    def _last_lines(self, name: str) -> str:
        path = self._log_path(name)
        lines = path.read_text(errors="replace").splitlines()[-12:]
        return "Last lines of its log:\n" + "\n".join(f"    {line}" for line in lines) + f"\nThe complete log: {path}"


def clean_up(process: Process) -> None:
    kill_group(process.popen.pid)
    process.server.clean_up()


def kill_group(leader: int) -> None:
    """Ends processes that an ended one may have left: the workers of a killed Nginx would keep its port."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def describe(status: int) -> str:
    """Returns: how a process with this status ended, as text."""
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def detach_from_terminal() -> None:
    """For a supervisor in the background."""
    sys.stdout.flush()
    with open(os.devnull, "r+b") as null:
        for descriptor in (0, 1, 2):
            os.dup2(null.fileno(), descriptor)
