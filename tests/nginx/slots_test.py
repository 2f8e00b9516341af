"""Nginx and the service have to compute the same slot for a key."""

import os
import random
import socket
import subprocess
import unittest
from collections.abc import Iterator

from edge import LATE, ROOT, EdgeTest, Memcached, Nginx, sealed

SLOTS_OF_KEYS = os.environ.get("CODASYNC_SLOTS_OF_KEYS", str(ROOT / ".build/tests/nginx/slots_of_keys"))
KEYS = 100_000
BATCH = 500


def slots_of(uris: list[str], slots: int) -> list[int]:
    """Returns: the slots, computed by the service's own function."""
    keys = "".join(f"coda1:{uri}\n" for uri in uris)
    done = subprocess.run([SLOTS_OF_KEYS, str(slots)], input=keys, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


def some_uris(count: int, seed: int) -> list[str]:
    """Returns: distinct addresses, of every kind that is looked up."""
    dice = random.Random(seed)
    uris: dict[str, None] = {}
    while len(uris) < count:
        gtin = dice.randrange(10**13)
        shop = dice.randrange(1, 10 ** dice.randrange(1, 19))
        uri = dice.choice(
            (
                f"/api/v1/products/{gtin:013}",
                f"/api/v1/products/{gtin:013}/stock",
                f"/api/v1/shops/{shop}",
                f"/api/v1/shops/{shop}/stock/{gtin:013}",
                f"/api/v1/stock-readings/{shop}",
            )
        )
        uris[uri] = None
    return list(uris)


def fill(memcached: Memcached, entries: Iterator[tuple[str, str]]) -> None:
    """Stores responses with these bodies."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(memcached.path))
        for uri, body in entries:
            key = f"coda1:{uri}"
            value = sealed(key, f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}\n".encode())
            client.sendall(b"set %s %d 0 %d noreply\r\n%s\r\n" % (key.encode(), LATE, len(value), value))
        client.sendall(b"version\r\n")
        if not client.recv(100).startswith(b"VERSION "):
            raise AssertionError("not all entries were stored")


def bodies(nginx: Nginx, uris: list[str]) -> list[str]:
    """Requests all on one connection. Returns: the last line of each response."""
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=60) as client:
        for number, uri in enumerate(uris, 1):
            close = "Connection: close\r\n" if number == len(uris) else ""
            client.sendall(f"GET {uri} HTTP/1.1\r\nHost: here\r\n{close}\r\n".encode())
        text = b""
        while piece := client.recv(1 << 20):
            text += piece
    responses = text.decode().split("HTTP/1.1 200 OK\r\n")[1:]
    return [response.rsplit("\r\n\r\n", 1)[1].rstrip("\n") for response in responses]


class Slots(EdgeTest):
    def test_each_of_a_hundred_thousand_keys_is_found_in_the_slot_of_the_service(self) -> None:
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        servers = [self.start_memcached(f"memcached-{i}") for i in range(3)]
        service = self.start_service()
        nginx = self.start_nginx([service.path], [server.path for server in servers])
        uris = some_uris(KEYS, seed)
        slots = slots_of(uris, 3)
        expected = [f"{slot} {i}" for i, slot in enumerate(slots)]
        for number, server in enumerate(servers):
            fill(server, ((uris[i], expected[i]) for i in range(KEYS) if slots[i] == number))
            self.assertGreater(slots.count(number), KEYS // 4, "the keys are spread evenly")
        for begin in range(0, KEYS, BATCH):
            self.assertEqual(bodies(nginx, uris[begin : begin + BATCH]), expected[begin : begin + BATCH])
        self.assertEqual(service.requests, [], "each was a hit")

    def test_a_stopped_slot_does_not_affect_the_others(self) -> None:
        servers = [self.start_memcached(f"memcached-{i}") for i in range(2)]
        service = self.start_service()
        nginx = self.start_nginx([service.path], [server.path for server in servers])
        shops = [f"/api/v1/shops/{i}" for i in range(1, 50)]
        uris = dict(zip(slots_of(shops, 2), shops, strict=True))
        for slot, uri in uris.items():
            servers[slot].set("coda1:" + uri, b"HTTP/1.1 200 OK\r\n\r\ncached")
        servers[0].stop()
        self.assertEqual(nginx.get(uris[0]).body, b'{"from":"here"}')
        self.assertEqual(nginx.get(uris[1]).body, b"cached")
        self.assertEqual(len(service.requests), 1)


if __name__ == "__main__":
    unittest.main()
