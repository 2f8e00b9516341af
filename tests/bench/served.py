"""One filled database with the processes in front of it, and the requests that the benchmarks send to them."""

import random
import socket
import urllib.request
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from databases import Database
from processes import Processes, free_port

API = "/api/v1"


@dataclass(frozen=True)
class Reading:
    id: int
    shop: int
    gtin: str

    @property
    def path(self) -> str:
        return f"{API}/stock-readings/{self.id}"

    @property
    def in_shop(self) -> str:
        return f"{API}/shops/{self.shop}/stock/{self.gtin}"


class Served:
    """A database behind Nginx, Memcached and the service, and behind an instance without a cache."""

    def __init__(self, processes: Processes, database: Database, mark: str = "", more: str = "") -> None:
        self.processes = processes
        self.database = database
        self.mark = mark  # the end of the names of its processes
        self.more = more  # settings of the service
        codasync = (processes.program / "api/codasync", "serve")
        self.cache = processes.memcached(f"memcached{mark}")
        self.direct = f"127.0.0.1:{free_port()}"
        self.service = processes.instance(f"service{mark}", database.settings(self.cache, more), *codasync, listen=self.direct)
        self.uncached = f"127.0.0.1:{free_port()}"
        processes.instance(f"uncached{mark}", database.settings("", more), *codasync, listen=self.uncached)
        self.token = database.token()

    def nginx(self, include: str = "", console: bool = False) -> str:
        return self.processes.nginx(f"nginx{self.mark}", [self.service], [self.cache], include, console=console)

    def readings(self, number: int, seed: int) -> list[Reading]:
        """Returns: up to this many readings with a quantity, in random order; the same seed has the same ones."""
        chance = random.Random(seed)
        last = int(self.database.sql("select max(id) from stock_readings"))
        wanted = chance.sample(range(1, last + 1), min(last, round(number * 1.2) + 50))  # an eighth is removed or was never counted
        self.database.sql("create table if not exists bench_wanted (id bigint); truncate bench_wanted;"
                          "copy bench_wanted from stdin;\n" + "\n".join(map(str, wanted)) + "\n\\.\n")
        rows = self.database.sql("select id, shop_id, gtin from stock_readings join bench_wanted using (id) where present and quantity is not null").splitlines()
        found = [Reading(int(id), int(shop), gtin) for id, shop, gtin in (row.split("|") for row in rows)]
        found.sort(key=lambda reading: reading.id)
        chance.shuffle(found)
        return found[:number]

    def of_largest_shops(self, number: int) -> list[Reading]:
        """Returns: up to this many readings with a quantity, each of another product, of the two largest shops: `grow.py` makes them last."""
        rows = self.database.sql("select distinct on (gtin) id, shop_id, gtin from stock_readings where present and quantity is not null and"
                                 f" shop_id in (select id from shops order by id desc limit 2) order by gtin, shop_id desc limit {number}")
        return [Reading(int(id), int(shop), gtin) for id, shop, gtin in (row.split("|") for row in rows.splitlines())]

    def file(self, name: str, lines: list[str]) -> Path:
        """Returns: a file of requests (requests.lua)."""
        path = self.processes.folder / f"{name}{self.mark}.requests"
        path.write_text("\n".join(lines) + "\n")
        return path

    def empty_cache(self) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.cache.removeprefix("unix:"))
            # All but the identity of the process, without which the service would empty it again.
            client.sendall(b"get slot1\r\n")
            head, _, rest = client.recv(1000).partition(b"\r\n")
            client.sendall(b"flush_all\r\n")
            assert client.recv(100) == b"OK\r\n"
            if head.startswith(b"VALUE "):
                _, _, flags, size = head.split(b" ")
                client.sendall(b"set slot1 %s 0 %s\r\n%s\r\n" % (flags, size, rest[: int(size)]))
                assert client.recv(100) == b"STORED\r\n"


def fetch(url: str, **headers: str) -> tuple[bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read(), dict(response.headers)


def fill(url: str) -> tuple[bytes, dict[str, str]]:
    """Requests it until its response is stored. Returns: body and headers."""
    for _ in range(3):
        found = fetch(url)
    return found


def zipf(things: int, number: int, seed: int, exponent: float = 1.0) -> list[int]:
    """Returns: `number` indexes below `things`; index i has the weight 1 / (i + 1) ^ exponent."""
    weights = list(accumulate(1 / (rank + 1) ** exponent for rank in range(things)))
    return random.Random(seed).choices(range(things), cum_weights=weights, k=number)
