"""What a script of this folder says to tests/ops/run."""

import signal
import sys
from types import FrameType
from typing import NoReturn

CHECKED = "checked: "
SKIPPED = "skipped: "
SKIPPED_STATUS = 77  # what Automake and others take for "skipped"


def checked(what: str) -> None:
    """Tells what was really started and checked, after it was; one line of the table."""
    print(CHECKED + " ".join(what.split()), flush=True)


def not_here(why: str) -> None:
    """Tells of a part that this machine cannot do, with what was measured; the rest of the script goes on."""
    print(SKIPPED + " ".join(why.split()), flush=True)


def skip(why: str) -> NoReturn:
    """Ends the script as skipped, because this machine cannot do any of it."""
    not_here(why)
    sys.exit(SKIPPED_STATUS)


def end_on_sigterm() -> None:
    """Makes SIGTERM, which comes at the time limit, an exception, so that `finally` stops what was started."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit("ended by SIGTERM")

    signal.signal(signal.SIGTERM, end)
