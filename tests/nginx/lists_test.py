"""Lists in Memcached: looked up under the token of their generation (cache/README.md, "Lists")."""

import concurrent.futures
import socket
import time
import unittest
import zlib

from edge import EdgeTest, Memcached

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "17"\r\n\r\n'


class Lists(EdgeTest):
    """Two slots, and a test server in place of the service."""

    TOKEN = "0123456789abcdef0123456789abcdef"
    OTHER = "f" * 32
    BODY = b'[{"id":1}]'
    # The address, and the generation of its rows.
    LISTS = {
        "/api/v1/shops": "gen1:shops",
        "/api/v1/shops?limit=5": "gen1:shops",
        "/api/v1/products": "gen1:catalogue",
        "/api/v1/products?search=tea": "gen1:catalogue",
        "/api/v1/categories": "gen1:catalogue",
        "/api/v1/brands?limit=2": "gen1:catalogue",
        "/api/v1/stock-readings?shop=7": "gen1:shop:7",
        "/api/v1/stock-readings?available=true&shop=7": "gen1:shop:7",
        "/api/v1/stock-readings?limit=9&ordering=name&shop=9223372036854775807": "gen1:shop:9223372036854775807",
        "/api/v1/stock-readings?GTIN=4006381333931&shop=7": "gen1:shop:7",
        "/api/v1/shops/7/stock?GTIN=4006381333931": "gen1:shop:7",
    }

    def setUp(self) -> None:
        super().setUp()
        self.memcacheds = [self.start_memcached("one"), self.start_memcached("two")]
        self.service = self.start_service()
        self.nginx = self.start_nginx([self.service.path], [memcached.path for memcached in self.memcacheds])

    def home(self, generation: str) -> Memcached:
        return self.memcacheds[(zlib.crc32(generation.encode()) >> 16 & 0x7FFF) % 2]

    def store(self, address: str, generation: str, value: bytes, token: str = TOKEN, **expiry: int) -> None:
        home = self.home(generation)
        home.set(generation, token.encode())
        home.set(f"list2:{zlib.crc32(address.encode()) % 8192}", value, **expiry)

    def entry(self, address: str, token: str = TOKEN) -> bytes:
        return f"{token} {address}\r\n".encode() + HEAD + self.BODY

    def reached(self) -> int:
        return len(self.service.requests)

    def test_a_hit_never_reaches_the_service(self) -> None:
        for address, generation in self.LISTS.items():
            self.store(address, generation, self.entry(address))
            path, _, query = address.partition("?")
            for sent in (address, f"{path}/?{query}" if query else f"{path}/"):
                response = self.nginx.get(sent)
                self.assertEqual((response.status, response.body), (200, self.BODY), sent)
                self.assertEqual(response.headers["ETag"], '"17"')
                self.assertEqual(self.nginx.get(sent, If_None_Match='"17"').status, 304)
                head = self.nginx.ask("HEAD", sent)
                self.assertEqual((head.status, head.body, head.headers["Content-Length"]), (200, b"", str(len(self.BODY))))
        self.nginx.get(address, X_Request_Id="a-list")
        self.assertEqual(self.reached(), 0)
        self.assertEqual(self.nginx.log("a-list")["cache"], "hit")

    def test_a_comma_may_be_escaped_or_not(self) -> None:
        canonical = "/api/v1/shops/7/stock?GTIN=4006381333931%2C96385074%2C10012345678902"
        self.store(canonical, "gen1:shop:7", self.entry(canonical))
        mixed = canonical.replace("%2C", ",", 1)
        for sent in (canonical, canonical.replace("%2C", ","), mixed, mixed.replace("?", "/?")):
            self.assertEqual(self.nginx.get(sent).body, self.BODY)
        self.assertEqual(self.reached(), 0)

    def test_another_token_or_address_is_a_miss(self) -> None:
        address, generation = "/api/v1/stock-readings?shop=7", "gen1:shop:7"
        entry = self.entry(address)
        values = [
            self.entry(address, self.OTHER),
            self.entry(address + "1"),
            self.entry(address[:-1]),
            self.entry("/api/v1/stock-readings?shop=8"),
            entry.replace(b" ", b"\t", 1),
            entry.replace(b"\r\n", b"\n\n", 1),
            entry[1:],
            entry[:20],
            entry[:33],
            entry[:40],
            f"{self.TOKEN} {address}\r\n".encode(),
            f"{self.TOKEN} {address}\r\nlease".encode(),
            HEAD + self.BODY,
            b"",
        ]
        for sent, value in enumerate(values):
            self.store(address, generation, value)
            self.assertNotEqual(self.nginx.get(address).body, self.BODY, value)
            self.assertEqual(self.reached(), sent + 1, value)
        self.store(address, generation, entry)
        self.assertEqual(self.nginx.get(address).body, self.BODY)

    def test_a_token_of_another_form_is_a_miss(self) -> None:
        address, generation = "/api/v1/stock-readings?shop=7", "gen1:shop:7"
        for sent, token in enumerate(["lease", "", self.TOKEN[1:], self.TOKEN + "0", self.TOKEN.upper(), "g" * 32]):
            self.store(address, generation, self.entry(address, token), token)
            self.assertNotEqual(self.nginx.get(address).body, self.BODY, token)
            self.assertEqual(self.reached(), sent + 1, token)

    def test_an_expired_list_or_token_is_a_miss(self) -> None:
        address, generation = "/api/v1/stock-readings?shop=7", "gen1:shop:7"
        past = int(time.time()) - 1
        self.store(address, generation, self.entry(address), expiry=past)
        self.nginx.get(address)
        self.assertEqual(self.reached(), 1)
        self.store(address, generation, self.entry(address))
        self.home(generation).set(generation, self.TOKEN.encode(), past)
        self.nginx.get(address)
        self.assertEqual(self.reached(), 2)

    def test_other_queries_go_to_the_service_as_they_were_sent(self) -> None:
        uris = [
            "/api/v1/stock-readings",
            "/api/v1/stock-readings?shop=7,8",
            "/api/v1/stock-readings?shop=07",
            "/api/v1/stock-readings?workshop=7",
            "/api/v1/stock-readings?shop=7&shop=8",
            "/api/v1/shops/7/stock",
            "/api/v1/shops/7/work-list?days=3",
            "/api/v1/products//?search=tea",
            "/api/v1/products?search=tea/",
            "/api/v1/shops//",
        ]
        for uri in uris:
            self.nginx.get(uri)
        self.assertEqual([request.uri for request in self.service.requests], uris)

    def test_many_lists_of_one_moment_get_their_own_responses(self) -> None:
        shops = range(1, 200)
        for shop in shops:
            address = f"/api/v1/stock-readings?shop={shop}"
            value = f"{self.TOKEN} {address}\r\n".encode() + HEAD + b"x" * shop * 100
            self.store(address, f"gen1:shop:{shop}", value)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            sizes = list(pool.map(lambda shop: len(self.nginx.get(f"/api/v1/stock-readings?shop={shop}").body), shops))
        expected = {shop * 100 for shop in shops}
        # Lists with the same place replace each other.
        self.assertEqual(len(sizes) - self.reached(), sum(size in expected for size in sizes))
        self.assertGreater(sum(size == shop * 100 for shop, size in zip(shops, sizes, strict=True)), 150)

    def test_requests_that_end_early_do_not_take_the_replies_of_others(self) -> None:
        address, generation = "/api/v1/stock-readings?shop=7", "gen1:shop:7"
        self.store(address, generation, self.entry(address))
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
                client.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3)
            self.assertEqual(self.nginx.get(address).body, self.BODY)


if __name__ == "__main__":
    unittest.main()
