"""Orders to a running stack, over a socket that only its account (and root) can reach.

One line of JSON goes there; what is said meanwhile comes back as {"say": TEXT}, at last {"status": 0 or 1}.
"""

import json
import socket
from contextlib import suppress
from typing import Any, Self

from state import Failed, State

PATIENCE_SECONDS = 5.0  # of the stack with a caller that sends half an order


class Order:
    """One order, and the way back to its giver. A giver who leaves does not stop what has begun."""

    def __init__(self, giver: socket.socket) -> None:
        self._giver = giver
        self._giver.settimeout(PATIENCE_SECONDS)
        self.words: dict[str, Any] = json.loads(self._giver.makefile().readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._giver.close()

    def say(self, text: str) -> None:
        self._tell({"say": text})

    def end(self, status: int) -> None:
        self._tell({"status": status})

    def _tell(self, words: dict[str, Any]) -> None:
        with suppress(OSError):
            self._giver.sendall(json.dumps(words).encode() + b"\n")


class Orders:
    """Where a running stack takes them."""

    def __init__(self, state: State) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.bind(str(state.orders))
        self._listener.listen()

    def fileno(self) -> int:
        return self._listener.fileno()

    def take(self) -> Order | None:
        """Returns: the next one; None when nobody waits, or what he sent was no order."""
        giver = None
        try:
            giver = self._listener.accept()[0]
            return Order(giver)
        except (OSError, ValueError):
            if giver is not None:
                giver.close()
            return None


def give(state: State, **words: object) -> int:
    """Gives an order and prints what is said until it is carried out. Returns: the exit status. Throws: Failed."""
    with socket.socket(socket.AF_UNIX) as stack:
        try:
            stack.connect(str(state.orders))
        except OSError as error:
            raise Failed(f"The stack takes no orders yet ({error.strerror}); wait until it says that it is ready.") from error
        stack.sendall(json.dumps(words).encode() + b"\n")
        for line in stack.makefile():
            said = json.loads(line)
            if "status" in said:
                return int(said["status"])
            print(said["say"], flush=True)
    raise Failed("The stack was stopped meanwhile.")
