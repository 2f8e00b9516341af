"""Imports beside the requests: files of the load's, each repeated until an import of the whole file succeeds."""

import random
import re
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from servers import Broken, Server
from stack import Stack
from watch import Load

FILE_SECONDS = 300.0
ATTEMPT_SECONDS = 120.0
AGAIN = 0.3  # of the files are imported once more at once, and of the pauses an earlier one
READINGS = 0.5  # of the files; the others are of products
AT_REST_MAX = 20  # files that are imported again in the end
# What `codasync import` says of a file that was imported before.
NOTHING_NEW = {
    "readings": re.compile(r": 0 applied, 0 changed nothing, \d+ already recorded.*, 0 failed, 0 refused\.$", re.M),
    "products": re.compile(r": 0 products created, 0 changed, \d+ unchanged, 0 refused\.$", re.M),
}
COMMANDS = {"readings": "stock-readings", "products": "products"}


class Importer:
    """Imports one file after the other while others write. Threads: one of its own; kill() from any."""

    def __init__(self, stack: Stack, load: Load, seed: int) -> None:
        self.stack = stack
        self.load = load
        self.random = random.Random(f"imports of {seed}")
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._certain: list[Path] = []  # files of readings whose rows are all there
        self._process: Server | None = None
        self._error: BaseException | None = None
        self._end = threading.Event()  # no new files
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Importer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._cancelled.set()
        self.kill()
        self._thread.join(10)

    def finish(self) -> None:
        """Waits until the result of the current file is certain. Throws: what went wrong."""
        self._end.set()
        self._thread.join(FILE_SECONDS + ATTEMPT_SECONDS)
        if self._thread.is_alive():
            raise Broken("an import does not end")
        if self._error is not None:
            raise self._error

    def repeat_at_rest(self) -> None:
        """Imports files of readings again, when nothing else is written: nothing may change. Throws: Broken."""
        for file in self.random.sample(self._certain, min(AT_REST_MAX, len(self._certain))):
            self._judge("readings", file, self._make_certain("readings", file))

    def kill(self) -> bool:
        """Kills the import that runs at this moment. Returns: whether one did."""
        process = self._process
        if process is None or not process.alive():
            return False
        process.kill()
        return True

    def _run(self) -> None:
        try:
            while not self._end.wait(self.random.uniform(0.1, 1.5)):
                if self._certain and self.random.random() < AGAIN:
                    self._repeat("readings", self.random.choice(self._certain))
                self._import_next()
        except Exception as error:  # finish() throws it
            self._error = error

    def _import_next(self) -> None:
        what = "readings" if self.random.random() < READINGS else "products"
        file = self.stack.folder / f"import-{self.counts['files']}.csv"
        if self.load.ask(f"{what} {file}") == "nothing":
            return
        self.counts["files"] += 1
        self._make_certain(what, file)
        if self.random.random() < AGAIN:
            self._repeat(what, file)
        self.load.ask(f"imported {file}")
        if what == "readings":
            self._certain.append(file)

    def _make_certain(self, what: str, file: Path) -> str:
        """Returns: what the import said that succeeded. Throws: Broken."""
        deadline = time.monotonic() + FILE_SECONDS
        while (said := self._attempt(what, file)) is None:
            if time.monotonic() > deadline or self._cancelled.is_set():
                raise Broken(f"{file.name} cannot be imported; see import.log")
            time.sleep(0.1)
        return said

    def _repeat(self, what: str, file: Path) -> None:
        """Imports a file that was imported before, once: it may fail, but it must change nothing."""
        said = self._attempt(what, file)
        if said is not None:
            self._judge(what, file, said)

    def _judge(self, what: str, file: Path, said: str) -> None:
        """Notes what an import changed that was not the first one of its file."""
        self.counts["repeated"] += 1
        if NOTHING_NEW[what].search(said) is None:
            self.wrong.append(f"{file.name}, imported again, said: {said}")

    def _attempt(self, what: str, file: Path) -> str | None:
        """Returns: what the import said, or nothing when it failed."""
        refused = file.with_suffix(".refused")
        service = self.random.choice(self.stack.services)
        environment = {
            name: service.environment[name] for name in ("CODASYNC_POSTGRES_URL", "CODASYNC_MEMCACHED_SERVERS")
        }
        command = [self.stack.program, "import", COMMANDS[what], file, "--refused", refused]
        process = Server("import", self.stack.folder, command, lambda: True, environment)
        log = self.stack.folder / "import.log"
        said_before = log.stat().st_size if log.exists() else 0
        process.spawn()
        self._process = process
        self.counts["attempts"] += 1
        if process.wait(ATTEMPT_SECONDS) != 0:
            self.counts["failed"] += 1
            return None
        if len(refused.read_text().splitlines()) != 1:
            self.wrong.append(f"rows of {file.name} were refused: {refused.read_text()}")
        with open(log, encoding="utf-8", errors="replace") as words:
            words.seek(said_before)
            return words.read()
