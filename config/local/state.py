"""The state folder: where the files of one stack are, and whether the stack runs."""

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 150.0


class Failed(Exception):
    """An error for the user; the text says what to do."""


@dataclass(frozen=True)
class State:
    """The layout of the folder. config/README.md describes it."""

    folder: Path

    @property
    def env(self) -> Path:
        return self.folder / "env"

    @property
    def settings(self) -> Path:
        return self.folder / "codasync.toml"

    @property
    def program(self) -> Path:
        return self.folder / "program"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    @property
    def control(self) -> Path:
        return self.sockets / "control"

    @property
    def cache_key(self) -> Path:
        return self.folder / "cache-key"

    @property
    def set_up(self) -> Path:
        return self.folder / "set-up"

    def token(self, role: str) -> Path:
        return self.folder / "tokens" / role

    @property
    def certificate(self) -> Path:
        """Of config/up --tls; does not exist without it."""
        return self.folder / "tls-certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "tls-key.pem"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def read_env(self) -> dict[str, str]:
        """Returns: the env file of the last start; empty before the first."""
        try:
            lines = self.env.read_text().splitlines()
        except FileNotFoundError:
            return {}
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def take_lock(self) -> int | None:
        """Returns: a descriptor that holds the lock until it and all its copies are closed; None if another process holds it.

        Every server inherits a copy. While this process holds the lock, no other process of this stack runs, not even a
        server of a killed supervisor, and any socket or pid file in the folder is stale.
        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return descriptor

    def runs(self) -> bool:
        """Returns: whether any process of this stack runs."""
        try:
            with open(self.lock, encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def wait_until_stopped(self) -> None:
        """Throws: Failed when a process of this stack still runs after the time of all stop sequences."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.runs():
            if time.monotonic() > deadline:
                raise Failed(f"Servers did not end within {STOP_SECONDS:.0f} s; `fuser -v {self.lock}` lists them.")
            time.sleep(0.05)

    def supervisor(self) -> int | None:
        """Returns: the process id of the supervisor; None when it has ended, even if its servers are still stopping."""
        try:
            pid = int(self.lock.read_text())
        except (FileNotFoundError, ValueError):
            return None
        held = str(self.lock.resolve())
        with suppress(OSError):  # it has ended, or its id is now that of another account's process
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    if os.readlink(entry) == held:
                        return pid
        return None


def write_private(path: Path, text: str) -> None:
    """Replaces the file atomically, readable by its owner only: neither a reader nor a power failure sees half of it."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
