"""The state folder: where everything of one stack lies, and whether it runs."""

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 150.0


class Failed(Exception):
    """Something the person at the keyboard has to know; the text says what to do."""


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
    def orders(self) -> Path:
        return self.sockets / "orders"

    @property
    def set_up(self) -> Path:
        return self.folder / "set-up"

    def token(self, role: str) -> Path:
        return self.folder / "tokens" / role

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
        """Returns: a descriptor that holds the lock until it and all its copies are closed; None if others hold it.

        Every server inherits a copy. So whoever holds the lock knows that nothing of this stack runs any more, not even
        servers whose supervisor was killed, and that any socket or pid file left in the folder is stale.
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
        """Returns: whether anything of this stack runs."""
        try:
            with open(self.lock, encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def wait_until_stopped(self) -> None:
        """Throws: Failed when something of this stack still runs after all farewells together."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.runs():
            if time.monotonic() > deadline:
                raise Failed(f"Servers do not end within {STOP_SECONDS:.0f} s; `fuser -v {self.lock}` names them.")
            time.sleep(0.05)

    def supervisor(self) -> int | None:
        """Returns: the process id of the supervisor; None when it is gone, even if its servers are still ending."""
        try:
            pid = int(self.lock.read_text())
        except (FileNotFoundError, ValueError):
            return None
        held = str(self.lock.resolve())
        with suppress(OSError):  # it is gone, or its number is another account's process by now
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    if os.readlink(entry) == held:
                        return pid
        return None


def write_private(path: Path, text: str) -> None:
    """Replaces the file at once, readable for its owner only: no reader sees half of it, no power cut leaves half."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
