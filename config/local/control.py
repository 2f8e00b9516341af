"""Control requests to a running stack, over a socket that only its account (and root) can reach.

A request is one line of JSON. The messages meanwhile come back as {"say": TEXT}, at the end {"status": 0 or 1}.
"""

import json
import socket
from contextlib import suppress
from typing import Any, Self

from state import Failed, State

CLIENT_TIMEOUT = 5.0  # seconds for a client to send its line


class Request:
    """One request and the connection to its client. It is carried out also when the client disconnects."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._client.settimeout(CLIENT_TIMEOUT)
        self.options: dict[str, Any] = json.loads(self._client.makefile().readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def say(self, text: str) -> None:
        self._send({"say": text})

    def end(self, status: int) -> None:
        self._send({"status": status})

    def _send(self, message: dict[str, Any]) -> None:
        with suppress(OSError):
            self._client.sendall(json.dumps(message).encode() + b"\n")


class ControlSocket:
    """The socket where a running stack accepts requests."""

    def __init__(self, state: State) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.bind(str(state.control))
        self._listener.listen()

    def fileno(self) -> int:
        return self._listener.fileno()

    def take(self) -> Request | None:
        """Returns: the next request; None when no client waits, or its line is not a request."""
        client = None
        try:
            client = self._listener.accept()[0]
            return Request(client)
        except (OSError, ValueError):
            if client is not None:
                client.close()
            return None


def send(state: State, **options: object) -> int:
    """Sends a request and prints the messages until it is carried out. Returns: the exit status. Throws: Failed."""
    with socket.socket(socket.AF_UNIX) as stack:
        try:
            stack.connect(str(state.control))
        except OSError as error:
            raise Failed(f"The stack is still starting ({error.strerror}). Wait until it prints `ready`, then try again.") from error
        stack.sendall(json.dumps(options).encode() + b"\n")
        for line in stack.makefile():
            message = json.loads(line)
            if "status" in message:
                return int(message["status"])
            print(message["say"], flush=True)
    raise Failed("The stack was stopped meanwhile.")
