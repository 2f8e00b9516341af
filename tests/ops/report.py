"""The messages of a script of this folder to tests/ops/run."""

import signal
import sys
from types import FrameType
from typing import NoReturn

CHECKED = "checked: "
SKIPPED = "skipped: "
SKIPPED_STATUS = 77  # Automake and others use it for "skipped"


def checked(what: str) -> None:
    """Reports what was started and checked; one line of the table."""
    print(CHECKED + " ".join(what.split()), flush=True)


def not_here(why: str) -> None:
    """Reports a part that this machine cannot run, with what was measured; the script continues."""
    print(SKIPPED + " ".join(why.split()), flush=True)


def skip(why: str) -> NoReturn:
    """Ends the script as skipped, because this machine cannot run any part of it."""
    not_here(why)
    sys.exit(SKIPPED_STATUS)


def end_on_sigterm() -> None:
    """Turns SIGTERM, which is sent at the time limit, into an exception, so that `finally` stops the servers."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit("ended by SIGTERM")

    signal.signal(signal.SIGTERM, end)
