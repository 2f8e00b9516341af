"""Shops whose midnights come one after the other, and what their readings say of it."""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from stack import Stack

DAY = 86400
GTIN = "4006381333931"
WATCHED = 10.0  # seconds before and after a midnight
SPARE = 3.0  # before the first one: time for the writes


def zone(offset: int) -> str:
    """Returns: a time zone so many seconds east of UTC, as POSIX writes it (where a sign means west)."""
    hours, rest = divmod(abs(offset), 3600)
    return f"MID{'-' if offset > 0 else '+'}{hours:02}:{rest // 60:02}:{rest % 60:02}"


@dataclass
class Shop:
    """Its day ends at `midnight` (seconds since 1970); its only reading expires then."""

    id: int
    midnight: int
    day: date
    reading: int = 0
    tag: str = ""  # of the single reading before midnight


@dataclass
class Counts:
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Midnights(threading.Thread):
    """Reads every address that shows a reading, through Nginx and each instance, around each midnight.

    An answer that was received before midnight says `expired: false`, one to a request that was sent after it says true,
    and the entity tag of the first does not match afterwards. All servers and this program have the clock of one machine.
    """

    def __init__(self, stack: Stack, seconds: float) -> None:
        super().__init__(daemon=True)
        self.stack = stack
        self.counts = Counts()
        first = int(time.time() + WATCHED + SPARE)
        count = max(1, int(seconds / WATCHED) - 1)
        self.shops = [self._shop(first + int(number * WATCHED)) for number in range(count)]
        self.failure: str | None = None
        self._record()

    def _shop(self, midnight: int) -> Shop:
        offset = -midnight % DAY
        offset -= DAY if offset > DAY // 2 else 0
        # PostgreSQL alone: the API takes only names of the IANA database, which have no midnight now.
        made = self.stack.postgres.sql(
            f"insert into shops (name, time_zone) values ('Midnight {midnight}', '{zone(offset)}') returning id"
        )
        day = datetime.fromtimestamp(midnight - 1, timezone(timedelta(seconds=offset))).date()
        return Shop(int(made.split()[0]), midnight, day)

    def _record(self) -> None:
        for shop in self.shops:
            body = {"shop": shop.id, "GTIN": GTIN, "name": "Tea", "expiry_date": shop.day.isoformat(), "quantity": 3}
            shop.reading = json.loads(self._ask(self.stack.services[0].port, "POST", "/api/v1/stock-readings", body)[2])["id"]

    def _ask(
        self, port: int, method: str, uri: str, body: object = None, tag: str = ""
    ) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        headers = {"Authorization": f"Bearer {self.stack.tokens['admin']}", "Content-Type": "application/json"}
        if tag:
            headers["If-None-Match"] = tag
        try:
            connection.request(method, uri, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["ETag"] or "", answer.read().decode()
        finally:
            connection.close()

    def run(self) -> None:
        try:
            for shop in self.shops:
                while time.time() < shop.midnight + WATCHED / 2:
                    self._look(shop)
        except Exception as reason:  # noqa: BLE001 - the main thread reports it
            self.failure = repr(reason)

    def _look(self, shop: Shop) -> None:
        product = f"/api/v1/products/{GTIN}/stock?limit=1000"
        uris = [
            f"/api/v1/stock-readings/{shop.reading}",
            f"/api/v1/shops/{shop.id}/stock/{GTIN}",
            f"/api/v1/shops/{shop.id}/stock?GTIN={GTIN}",
            f"/api/v1/stock-readings?shop={shop.id}",
            f"/api/v1/stock-readings?shop={shop.id}&expired=true",
            f"/api/v1/stock-readings?shop={shop.id}&available=true",
            product,
        ]
        for port in [self.stack.port, *(service.port for service in self.stack.services)]:
            for uri in uris:
                self._check(shop, port, uri)

    def _check(self, shop: Shop, port: int, uri: str) -> None:
        single = uri.endswith(f"/{shop.reading}")
        after = time.time() >= shop.midnight
        sent = time.time()
        try:
            status, tag, body = self._ask(port, "GET", uri, tag=shop.tag if single and after else "")
        except OSError:
            self.counts.answers["none, because of a fault"] += 1
            return
        received = time.time()
        if status in (502, 503, 504):
            self.counts.answers["none, because of a fault"] += 1
            return
        if status == 304:
            if sent >= shop.midnight:
                self._wrong(shop, port, uri, sent, "304 to the tag from before midnight")
            return
        if status != 200:
            self._wrong(shop, port, uri, sent, f"{status} {body[:200]}")
            return
        if sent < shop.midnight <= received:
            self.counts.answers["while it was midnight"] += 1
            return
        expired = sent >= shop.midnight
        self.counts.answers["after midnight" if expired else "before midnight"] += 1
        shown = json.loads(body)
        rows = [row for row in (shown if isinstance(shown, list) else [shown]) if row["shop"] == shop.id]
        if "expired=true" in uri:
            good = len(rows) == int(expired)
        elif "available=true" in uri:
            good = len(rows) == int(not expired)
        else:
            good = len(rows) == 1 and rows[0]["expired"] == expired and rows[0]["available"] != expired
        if not good:
            self._wrong(shop, port, uri, sent, body[:400])
        elif single and not expired:
            shop.tag = tag

    def _wrong(self, shop: Shop, port: int, uri: str, sent: float, what: str) -> None:
        at = sent - shop.midnight
        self.counts.wrong.append(f"{uri} at port {port}, {at:+.3f} s from midnight of shop {shop.id}: {what}")
