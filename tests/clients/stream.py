"""A client that follows a shop live: GET /shops/{id}/stream. Python standard library only; a program can copy it.

    position = ""
    while True:
        with Stream("127.0.0.1:8080", shop=1, since=position) as stream:
            for event in stream:                      # ends when the service restarts: connect again
                position = event.id
                if event.name == "resync":            # discard the copy, and read the shop again with GET /changes
                    copy.clear()
                elif event.name == "reading":
                    copy.apply(event.data)            # keep the higher pair (version, product_version)
        time.sleep(stream.retry)
"""

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    name: str  # position, reading, resync; empty: only the position changed
    data: Any
    id: str


class Refused(Exception):
    """The service refused the stream. `retry_after`: seconds; 0: trying again does not help."""

    def __init__(self, status: int, problem: Any, retry_after: int) -> None:
        super().__init__(f"{status} {problem}")
        self.status, self.problem, self.retry_after = status, problem, retry_after


class Stream:
    """One connection. The heartbeat comes every 15 s, so a read that waits for 40 s has lost the service."""

    def __init__(self, address: str, shop: int, since: str = "", token: str = "", last_event_id: str = "", timeout: float = 40, **query: str) -> None:
        """Raises: Refused; OSError or http.client.HTTPException when there is no answer."""
        self.retry = 3.0  # seconds
        names = urllib.parse.urlencode(query | ({"since": since} if since else {}))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self._connection = http.client.HTTPConnection(address, timeout=timeout)
        self._connection.request("GET", f"/api/v1/shops/{shop}/stream?{names}".rstrip("?"), headers=headers)
        self._response = self._connection.getresponse()
        self.headers = self._response.headers
        if self._response.status != 200:
            problem = json.loads(self._response.read() or b"null")
            self.close()
            raise Refused(self._response.status, problem, int(self.headers["Retry-After"] or 0))

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Yields events until the stream ends or breaks. Raises: OSError after the timeout."""
        name, data, position = "", "", ""
        for line in self._response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "retry":
                self.retry = int(value) / 1000
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                position = value
            elif not field and position:  # an empty line ends the event
                yield Event(name, json.loads(data or "null"), position)
                name, data, position = "", "", ""

    def close(self) -> None:
        self._response.close()
        self._connection.close()
