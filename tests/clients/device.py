"""A client that works offline: a phone or scanner of a shop. Python standard library only; a program can copy it.

    device = Device("state.json", shop=1, send=over_http("http://127.0.0.1:8080", token))
    device.check("4006381333931", "2026-12-24")     # works offline
    mistake = device.adjust("4006381333931", -2)
    device.void("4006381333931", mistake)
    device.synchronise()                            # OSError: still offline; nothing is lost
    device.copy["4006381333931"]["quantity"]

Its rules (README.md, "For scanner and app developers"):
1. The time of an operation is fixed when it is made, and is always later than the one before.
2. An operation is sent until an answer of the known epoch names its id, and is stored for 30 days more. When the epoch changes, all of
   these are sent again: a restored database may not have them. Repeating is harmless.
3. A reading in the copy is replaced only by one with a higher pair (version, product_version).
4. After 410, or an answer of another epoch, the copy is discarded and read again from the beginning.
5. During the first reading of the shop, the readings in `results` are ignored: it does not say what was removed before it.
6. One request at a time. An answer that comes after its timeout is discarded.
"""

import datetime
import http.client
import json
import os
import time
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

Send = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]  # returns status and body; raises OSError when there is no answer
KEPT_DAYS = 30
AT_A_TIME = 200  # operations in a request; the service accepts 1,000


class Refused(Exception):
    """The service refused the whole request, such as 403. It is not the fault of single operations; they stay in the queue."""


class TryLater(OSError):
    """The service cannot work now (429, 5xx)."""


def over_http(url: str, token: str, timeout: float = 30) -> Send:
    """Returns: a function that sends the body of a /sync request."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection

    def send(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        connection = kind(parts.netloc, timeout=timeout)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", "/api/v1/sync", json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (http.client.HTTPException, ValueError) as broken:
            raise OSError(str(broken)) from broken
        finally:
            connection.close()

    return send


class Device:
    def __init__(self, file: str | Path, shop: int, send: Send, clock: Callable[[], float] = time.time) -> None:
        self.file = Path(file)
        self.send = send
        self.clock = clock
        self.shop = shop
        self.id = str(uuid.uuid4())
        self.operations: dict[str, dict[str, Any]] = {}  # those to send, and those of the last 30 days, by id
        self.waiting: list[str] = []  # ids of those to send, in their order
        self.outcomes: dict[str, dict[str, Any]] = {}  # the last result of each operation
        self.copy: dict[str, dict[str, Any]] = {}  # readings by GTIN; removed ones have "removed"
        self.epoch: str | None = None
        self.since: str | None = None
        self.complete = False  # the copy has been read to its end once
        self.last_ms = 0
        self.clock_offset_ms = 0
        if self.file.exists():
            self.__dict__.update(json.loads(self.file.read_text(encoding="utf-8")))

    # ---- what a person does: works offline

    def sighting(self, gtin: str, date: str | None = None, **fields: Any) -> str:
        """A pack with this date is on the shelf. Fields: date_kind, quantity, name (creates an unknown product)."""
        return self.make("sighting", gtin, expiry_date=date, **fields)

    def check(self, gtin: str, date: str | None, **fields: Any) -> str:
        """The whole shelf was checked: this is the shortest date; None: the shelf is empty."""
        return self.make("check", gtin, expiry_date=date, **fields)

    def count(self, gtin: str, quantity: int) -> str:
        return self.make("count", gtin, quantity=quantity)

    def adjust(self, gtin: str, delta: int, reason: str | None = None) -> str:
        return self.make("adjust", gtin, delta=delta, reason=reason)

    def remove(self, gtin: str) -> str:
        return self.make("remove", gtin)

    def void(self, gtin: str, operation: str, reason: str | None = None) -> str:
        """Takes an operation of this device back, sent or not."""
        return self.make("void", gtin, voids_operation=operation, reason=reason)

    def make(self, kind: str, gtin: str, **fields: Any) -> str:
        """Returns: the id of the operation. When this returns, the operation is in the file."""
        self.last_ms = max(self.last_ms + 1, int(self.clock() * 1000))
        operation = {"id": str(uuid.uuid4()), "kind": kind, "GTIN": gtin, "observed_at": as_text(self.last_ms)} | fields
        self.operations[operation["id"]] = operation
        self.waiting.append(operation["id"])
        self.save()
        return str(operation["id"])

    # ---- synchronisation: needs the network

    def synchronise(self) -> None:
        """Sends what waits and reads what changed, until neither is left. Raises: OSError when there is no answer: try again later, with a
        pause that grows; Refused."""
        while True:
            sent = self.waiting[:AT_A_TIME]
            more = self.exchange(sent)
            undecided = set(sent) & set(self.waiting)
            if not more and (not self.waiting or undecided):
                return

    def exchange(self, sent: list[str]) -> bool:
        """One request. Returns: whether more changes can be read at once."""
        body = {
            "device": self.id,
            "device_time": as_text(int(self.clock() * 1000)),
            "shop": self.shop,
            "operations": [self.operations[name] for name in sent],
        }
        if self.since:
            body["since"] = self.since
        status, answer = self.send(body)
        if status == 410:
            self.start_again()
            return True
        if status == 429 or status >= 500:
            raise TryLater(answer.get("detail", ""))
        if status != 200:
            raise Refused(f"{status}: {answer.get('detail', '')}")
        if self.epoch not in (None, answer["epoch"]):
            self.start_again()
            self.epoch = answer["epoch"]
            self.waiting = list(self.operations)
            self.save()
            return True
        self.epoch = answer["epoch"]
        self.clock_offset_ms = answer["clock_offset_ms"]
        for result in answer["results"]:
            self.decided(result)
        for reading in answer["changes"]:
            self.take(reading)
        self.since = answer["next"]
        self.complete = self.complete or not answer["more"]
        self.forget()
        self.save()
        return bool(answer["more"])

    def decided(self, result: dict[str, Any]) -> None:
        if result["id"] in self.waiting:
            self.waiting.remove(result["id"])
        self.outcomes[result["id"]] = result  # "rejected": show it to the person
        if self.complete and "reading" in result:
            self.take(result["reading"])

    def take(self, reading: dict[str, Any]) -> None:
        known = self.copy.get(reading["GTIN"])
        if known is None or pair(reading) > pair(known):
            self.copy[reading["GTIN"]] = reading

    def start_again(self) -> None:
        self.copy, self.since, self.complete = {}, None, False
        self.save()

    def forget(self) -> None:
        """Deletes the operations that were decided and are older than 30 days."""
        oldest = as_text(int((self.clock() - KEPT_DAYS * 86400) * 1000))
        waiting = set(self.waiting)
        old = [name for name, operation in self.operations.items() if operation["observed_at"] < oldest and name not in waiting]
        for name in old:
            del self.operations[name]
            self.outcomes.pop(name, None)

    def save(self) -> None:
        """Replaces the file at once: after a crash it has the state before or after."""
        state = {name: value for name, value in self.__dict__.items() if name not in ("file", "send", "clock")}
        written = self.file.with_suffix(".new")
        with open(written, "w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.file)


def pair(reading: dict[str, Any]) -> tuple[int, int]:
    return reading["version"], reading["product_version"]


def as_text(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
