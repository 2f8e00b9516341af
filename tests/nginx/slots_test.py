"""Nginx and the service have to agree on the slot of a key."""

import unittest
import zlib

from edge import EdgeTest


def slot_of(key: str, slots: int) -> int:
    """The formula of cache/key.hpp."""
    return ((zlib.crc32(key.encode()) >> 16) & 0x7FFF) % slots


class Slots(EdgeTest):
    def test_a_thousand_keys_are_found_in_the_slot_that_the_formula_names(self) -> None:
        servers = [self.start_memcached(f"memcached-{i}") for i in range(3)]
        service = self.start_service()
        nginx = self.start_nginx([service.path], [server.path for server in servers])
        used = [0, 0, 0]
        for i in range(1, 1001):
            uri = f"/api/v1/stock-readings/{i * 7919}"
            slot = slot_of("coda1:" + uri, 3)
            used[slot] += 1
            servers[slot].set(
                "coda1:" + uri,
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n%d %d" % (slot, i),
            )
            self.assertEqual(nginx.get(uri).body, b"%d %d" % (slot, i))
        self.assertEqual(service.requests, [])
        self.assertGreater(min(used), 250)

    def test_a_slot_that_is_gone_leaves_the_others_alone(self) -> None:
        servers = [self.start_memcached(f"memcached-{i}") for i in range(2)]
        service = self.start_service()
        nginx = self.start_nginx([service.path], [server.path for server in servers])
        uris = {slot_of(f"coda1:/api/v1/shops/{i}", 2): f"/api/v1/shops/{i}" for i in range(1, 50)}
        for slot, uri in uris.items():
            servers[slot].set("coda1:" + uri, b"HTTP/1.1 200 OK\r\n\r\ncached")
        servers[0].stop()
        self.assertEqual(nginx.get(uris[0]).body, b'{"from":"here"}')
        self.assertEqual(nginx.get(uris[1]).body, b"cached")
        self.assertEqual(len(service.requests), 1)


if __name__ == "__main__":
    unittest.main()
