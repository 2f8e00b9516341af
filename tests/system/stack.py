"""A stack of config/up for tests, on free ports and in a temporary folder."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def eventually(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Waits until the condition holds. Throws: AssertionError when the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def pooled() -> bool:
    """Returns: whether all tests run with PgBouncer."""
    return "CODASYNC_TEST_PGBOUNCER" in os.environ


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(command: str, *options: object) -> subprocess.CompletedProcess[str]:
    """Calls a command of config/ from another folder. Returns: its result, with all output in stdout."""
    return subprocess.run(
        [ROOT / "config" / command, *map(str, options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        timeout=300,
    )


class Stack:
    """One state folder and its servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def up(self, *options: object) -> subprocess.CompletedProcess[str]:
        """Starts it in the background, with PgBouncer if all tests run with it. Throws: AssertionError with the output,
        when that fails.
        """
        if pooled() and "--pgbouncer" not in options:
            options += ("--pgbouncer",)
        result = call("up", "--detach", "--dir", self.folder, "--port", self.port, *options)
        if result.returncode != 0:
            raise AssertionError(f"config/up failed with {result.returncode}:\n{result.stdout}")
        return result

    def foreground(self, *options: str) -> subprocess.Popen[bytes]:
        """Starts it in the foreground."""
        command = [str(ROOT / "config" / "up"), "--dir", str(self.folder), "--port", str(self.port), *options]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def down(self) -> subprocess.CompletedProcess[str]:
        return call("down", "--dir", self.folder)

    def env(self) -> dict[str, str]:
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def log(self) -> str:
        return (self.folder / "logs" / "supervisor.log").read_text()

    def pid_of(self, server: str) -> int:
        """Returns: the process id of its last start."""
        starts = re.findall(rf" {server} (?:is ready|restarted) \(pid (\d+)\)", self.log())
        return int(starts[-1])

    def processes(self) -> list[int]:
        """Returns: all running processes of the stack: those that hold its lock or have its folder in their command line."""
        folder = str(self.folder.resolve())
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")  # empty: a zombie
                files = [os.readlink(file) for file in (entry / "fd").iterdir()]
            except OSError:
                continue
            if int(entry.name) != os.getpid() and (f"{folder}/lock" in files or f"{folder}/" in command):
                found.append(int(entry.name))
        return found

    def check_deeply(self) -> None:
        """Throws: AssertionError when `codasync check --deep` finds a difference."""
        command = [self.folder / "program" / "api" / "codasync", "check", "--deep", "--config", self.folder / "codasync.toml"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", timeout=120)
        assert done.returncode == 0, done.stdout

    def request(self, path: str, body: Any = None, token: str = "", base: str = "") -> tuple[int, Any]:
        """Returns: the status, 0 if there is no response, and the JSON or the text of the response."""
        request = urllib.request.Request((base or self.env()["CODASYNC_URL"]) + path)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        except OSError:
            return 0, ""
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


@contextmanager
def own_stack() -> Iterator[Stack]:
    """A stack in a folder that the servers' account can reach. At the end its servers are stopped and the folder is removed."""
    folder = Path(tempfile.mkdtemp(prefix="codasync-system."))
    folder.chmod(0o755)
    stack = Stack(folder / "state")
    try:
        yield stack
    finally:
        stack.down()
        shutil.rmtree(folder, ignore_errors=True)


class StackTest(unittest.TestCase):
    def new_stack(self) -> Stack:
        return self.enterContext(own_stack())
