"""The look-up in Memcached: which responses come from there, and which requests go to the service."""

import random
import signal
import socket
import threading
import time
import unittest
from pathlib import Path

from edge import LATE, PUBLIC_KEY, SEAL_SIZE, EdgeTest, Nginx, eventually, sealed

PRODUCT = "/api/v1/products/4006381333931"
BODY = b'{"GTIN":"4006381333931","name":"Highlighter"}'
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "17"\r\nCache-Control: no-cache\r\n\r\n'


class LookUp(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.memcached = self.start_memcached()
        self.service = self.start_service()
        self.nginx = self.start_nginx([self.service.path], [self.memcached.path])
        self.memcached.set("coda1:" + PRODUCT, HEAD + BODY)

    def reached(self) -> int:
        return len(self.service.requests)

    def test_a_hit_never_reaches_the_service(self) -> None:
        response = self.nginx.get(PRODUCT, X_Request_Id="a-hit")
        self.assertEqual((response.status, response.body), (200, BODY))
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.headers["ETag"], '"17"')
        self.assertEqual(response.headers["Cache-Control"], "no-cache")
        self.assertEqual(response.headers["X-Request-Id"], "a-hit")
        self.assertEqual(self.reached(), 0)
        self.assertEqual(self.nginx.log("a-hit")["cache"], "hit")

    def test_every_canonical_uri_is_looked_up_with_and_without_a_slash(self) -> None:
        uris = [
            PRODUCT,
            PRODUCT + "/stock",
            "/api/v1/products/96385074",
            "/api/v1/products/012345678905",
            "/api/v1/products/10012345678902",
            "/api/v1/shops/1",
            "/api/v1/shops/9223372036854775807",
            "/api/v1/shops/7/stock/4006381333931",
            "/api/v1/stock-readings/42",
        ]
        for uri in uris:
            self.memcached.set("coda1:" + uri, HEAD + uri.encode())
        for uri in uris:
            for sent in (uri, uri + "/"):
                self.assertEqual(self.nginx.get(sent).body, uri.encode())
        self.assertEqual(self.reached(), 0)

    def test_other_uris_go_to_the_service_as_they_were_sent(self) -> None:
        uris = [
            PRODUCT + "?fields=name",
            PRODUCT + "?",
            PRODUCT + "//",
            "/api/v1//products/4006381333931",
            "/api/v1/products/400638133393%31",
            "/api/v1/products/40063813339",
            "/api/v1/shops/0",
            "/api/v1/shops/01",
            "/api/v1/shops/92233720368547758070",
            "/api/v1/stock-readings/42/history",
            "/api/v1/x/../shops/1",
            "/api/v1/products/a%2Fb",
        ]
        for uri in uris:
            self.memcached.set("coda1:" + uri, HEAD + BODY)
            self.assertEqual(self.nginx.get(uri).status, 200)
            self.assertEqual(self.service.requests[-1].uri, uri)
        self.assertEqual(self.reached(), len(uris))

    def test_a_current_tag_gives_304(self) -> None:
        for tag in ('"17"', 'W/"17"', '"3", "17"', "*"):
            response = self.nginx.get(PRODUCT, If_None_Match=tag)
            self.assertEqual(
                (response.status, response.body, response.headers["ETag"]), (304, b"", '"17"')
            )
        self.assertEqual(self.nginx.get(PRODUCT, If_None_Match='"16"').status, 200)
        self.assertEqual(self.reached(), 0)

    def test_if_modified_since_does_not_count(self) -> None:
        date = "Tue, 01 Dec 2026 08:00:00 GMT"
        self.assertEqual(self.nginx.get(PRODUCT, If_None_Match='"17"', If_Modified_Since=date).status, 304)
        self.assertEqual(self.nginx.get(PRODUCT, If_None_Match='"16"', If_Modified_Since=date).status, 200)
        self.assertEqual(self.nginx.get(PRODUCT, If_Modified_Since=date).status, 200)
        self.assertEqual(self.reached(), 0)

    def test_head_gives_the_length_and_no_body(self) -> None:
        response = self.nginx.ask("HEAD", PRODUCT)
        self.assertEqual(
            (response.status, response.body, response.headers["Content-Length"]),
            (200, b"", str(len(BODY))),
        )
        self.assertEqual(self.reached(), 0)

    def test_other_methods_and_preconditions_go_to_the_service(self) -> None:
        for method in ("PUT", "PATCH", "DELETE", "POST", "OPTIONS"):
            self.nginx.ask(method, PRODUCT)
        self.nginx.get(PRODUCT, If_Match='"17"')
        self.assertEqual(self.reached(), 6)
        self.assertEqual(self.service.requests[-1].headers["If-Match"], '"17"')

    def test_after_a_get_with_a_body_the_connection_is_usable(self) -> None:
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
            request = f"GET {PRODUCT} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".encode()
            client.sendall(request * 3 + request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
            received = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 4)
        self.assertEqual(received.count(BODY), 4)

    def test_a_miss_is_passed_on_to_the_service(self) -> None:
        self.nginx.get("/api/v1/shops/1")
        self.assertEqual(self.service.requests[-1].headers["X-Cache-Lookup"], "miss")
        self.memcached.set_bytes("coda1:" + PRODUCT, b"lease", 1)
        self.nginx.get(PRODUCT)
        self.assertEqual(self.service.requests[-1].headers["X-Cache-Lookup"], "miss")

    def test_a_placeholder_of_a_meta_command_is_a_miss_and_the_connection_is_kept(self) -> None:
        for uri in ("/api/v1/shops/1", "/api/v1/stock-readings/2"):
            for state in (b"W", b"Z", b"Z"):
                self.assertIn(b" " + state, self.memcached.ask(f"mg coda1:{uri} N60 c f k v"))
                self.nginx.get(uri)
                self.assertEqual(self.service.requests[-1].headers["X-Cache-Lookup"], "miss")
                self.assertEqual(self.nginx.get(PRODUCT).body, BODY)
        self.assertEqual(self.reached(), 6, "each hit was one")

    def test_without_a_look_up_no_miss_is_passed_on_even_if_the_client_sends_one(self) -> None:
        for method, uri, headers in (
            ("GET", "/api/v1/shops/1?", {}),
            ("GET", "/api/v1/tokens", {}),
            ("GET", PRODUCT, {"If_Match": '"17"'}),
            ("PATCH", PRODUCT, {}),
        ):
            self.nginx.ask(method, uri, X_Cache_Lookup="miss", **headers)
            self.assertNotIn("X-Cache-Lookup", self.service.requests[-1].headers, uri)

    def test_a_miss_is_passed_on_with_the_time_of_nginx(self) -> None:
        self.nginx.get("/api/v1/shops/1", X_Edge_Time="1.5")
        self.assertAlmostEqual(float(self.service.requests[-1].headers["X-Edge-Time"]), time.time(), delta=5)
        self.nginx.get("/api/v1/tokens", X_Edge_Time="1.5")
        self.assertNotIn("X-Edge-Time", self.service.requests[-1].headers)

    def test_after_a_failed_look_up_no_miss_is_passed_on(self) -> None:
        self.memcached.stop()
        for _ in range(3):
            self.nginx.get("/api/v1/shops/1", X_Cache_Lookup="miss", X_Request_Id="failed")
            self.assertNotIn("X-Cache-Lookup", self.service.requests[-1].headers)

    def test_a_second_try_has_no_known_miss(self) -> None:
        self.nginx.stop()
        other = self.start_service("other")
        self.nginx = Nginx(self.folder / "two", [self.service.path, other.path], [self.memcached.path])
        self.addCleanup(self.end_nginx, self.nginx)
        for service in (self.service, other):
            service.behave = lambda _: None
        self.nginx.get("/api/v1/shops/1")
        received = [request.headers.get("X-Cache-Lookup") for service in (self.service, other) for request in service.requests]
        self.assertEqual(sorted(received, key=str), [None, "miss"])

    def test_no_entry_is_a_miss(self) -> None:
        for i in range(9):
            self.nginx.get("/api/v1/shops/1", X_Request_Id=f"no-{i}")
        self.assertEqual({self.nginx.log(f"no-{i}")["cache"] for i in range(9)}, {"miss"})

    def test_a_placeholder_is_a_miss(self) -> None:
        self.memcached.set_bytes("coda1:" + PRODUCT, b"L5e0f21", 1)
        response = self.nginx.get(PRODUCT, X_Request_Id="a-lease")
        self.assertEqual(response.body, b'{"from":"here"}')
        self.assertEqual(self.nginx.log("a-lease")["cache"], "miss")

    def test_an_expired_entry_is_a_miss_although_memcached_still_has_it(self) -> None:
        now = int(time.time())
        for expiry, found in ((now + 60, "hit"), (now - 1, "miss"), (0, "miss"), (1, "miss")):
            self.memcached.set("coda1:" + PRODUCT, HEAD + BODY, expiry)
            self.nginx.get(PRODUCT, X_Request_Id=f"expiry-{expiry}")
            self.assertEqual(self.nginx.log(f"expiry-{expiry}")["cache"], found)

    def test_a_value_that_is_not_a_response_is_passed_on_counted_and_deleted(self) -> None:
        # The same values as in tests/support/malformed_answers.hpp for the service.
        status = b"HTTP/1.1 200 OK\r\n"
        broken = [
            b"",
            b"garbage",
            b"\r\n\r\n",
            BODY,
            HEAD,
            HEAD[:-2],
            HEAD[:-4] + b"\n\n" + BODY,
            b"x" + HEAD + BODY,
            b"HTTP/1.1 404 Not Found\r\n\r\nx",
            status,
            status + b"A: b",
            status + b"A: b\r\n",
            status + b"A: b\r",
            status + b"\r\n",
            status + b"no colon\r\n\r\nx",
            status + b": x\r\n\r\nx",
            status + b"A:\r\n\r\nx",
            status + b"A: \r\n\r\nx",
            status + b"A:b\r\n\r\nx",
            status + b"A b: c\r\n\r\nx",
            status + b"A: b\nC: d\r\n\r\nx",
            status + b"A: b\rC: d\r\n\r\nx",
            status + b"A: b\r\n C: d\r\n\r\nx",
            status + b"Content-Length: 1\r\n\r\nx",
            status + b"content-length: 1\r\n\r\nx",
            status + b"transfer-encoding: chunked\r\n\r\nx",
            status + b"Connection: close\r\n\r\nx",
            status + b"Date: now\r\n\r\nx",
            status + b"Server: x\r\n\r\nx",
            status + b"A: \x00\r\n\r\nx",
            status + b"A: \x7f\r\n\r\nx",
            b"\r\nEN\r\n",
            b"VA 1 ka\r\nx\r\n",
        ]
        for value in broken:
            self.memcached.set("coda1:" + PRODUCT, value)
            self.assertEqual(self.nginx.get(PRODUCT).body, b'{"from":"here"}', value)
            self.assertEqual(self.service.requests[-1].headers["X-Cache-Lookup"], "malformed", value)
            eventually(lambda: self.memcached.ask("get coda1:" + PRODUCT) == b"END\r\n", f"{value!r} is deleted")
        self.assertEqual(self.reached(), len(broken))

    def test_random_values_cause_no_failure(self) -> None:
        seed = random.randrange(2**32)
        chance = random.Random(seed)
        pieces = [
            b"HTTP/1.1 200 OK\r\n",
            b"\r\n",
            b"\r",
            b"\n",
            b"A: b\r\n",
            b'ETag: "1"\r\n',
            b": ",
            b"EN\r\n",
            b"\x00",
            b"x",
        ]
        for _ in range(300):
            value = b"".join(chance.choices(pieces, k=chance.randrange(9)))
            self.memcached.set("coda1:" + PRODUCT, value)
            self.assertEqual(self.nginx.get(PRODUCT).status, 200, f"seed {seed}: {value!r}")
            self.memcached.set_bytes("coda1:" + PRODUCT, value)
            self.assertEqual(self.nginx.get(PRODUCT).body, b'{"from":"here"}', f"seed {seed}: {value!r}")

    def test_an_entry_without_a_valid_seal_is_passed_on_counted_and_deleted(self) -> None:
        key = "coda1:" + PRODUCT
        entry = sealed(key, HEAD + BODY)
        forged = [
            b"",
            b"x",
            HEAD + BODY,
            entry[:SEAL_SIZE],
            entry[:-1],
            entry + b"x",
            entry[1:],
            bytes(SEAL_SIZE) + HEAD + BODY,
            sealed("coda1:/api/v1/products/96385074", HEAD + BODY),
            sealed(key, HEAD + BODY, LATE - 1),
            sealed(key, HEAD + BODY, of_installation=b"another key 1234"),
            sealed(key, HEAD + BODY, realm=b"p"),
            *(entry[:at] + bytes([entry[at] ^ 1 << at % 8]) + entry[at + 1 :] for at in range(len(entry))),
        ]
        for number, value in enumerate(forged):
            self.memcached.set_bytes(key, value)
            self.assertEqual(self.nginx.get(PRODUCT, X_Request_Id=f"forged-{number}").body, b'{"from":"here"}', value)
            self.assertEqual(self.service.requests[-1].headers["X-Cache-Lookup"], "malformed", value)
            eventually(lambda: self.memcached.ask("get " + key) == b"END\r\n", f"{value!r} is deleted")
        self.assertEqual({self.nginx.log(f"forged-{number}")["cache"] for number in (0, len(forged) - 1)}, {"malformed"})
        self.memcached.set_bytes(key, entry)
        self.assertEqual(self.nginx.get(PRODUCT).body, BODY)

    def test_mutated_entries_are_never_sent(self) -> None:
        seed = random.randrange(2**32)
        chance = random.Random(seed)
        keys = ["coda1:" + PRODUCT, "coda1:/api/v1/shops/1", "coda1:/api/v1/stock-readings/7"]
        entries = {key: sealed(key, HEAD + b'{"of":"%s"}' % key.encode()) for key in keys}
        for _ in range(1000):
            key = chance.choice(keys)
            value = bytearray(chance.choice((entries[key], entries[chance.choice(keys)])))
            for _ in range(chance.randrange(4)):
                at = chance.randrange(len(value))
                chance.choice((
                    lambda: value.__setitem__(at, chance.randrange(256)),
                    lambda: value.__delitem__(slice(at, at + chance.randrange(1, 9))),
                    lambda: value.insert(at, chance.randrange(256)),
                ))()
                if not value:
                    break
            self.memcached.set_bytes(key, bytes(value))
            body = self.nginx.get(key.removeprefix("coda1:")).body
            expected = b'{"of":"%s"}' % key.encode() if value == entries[key] else b'{"from":"here"}'
            self.assertEqual(body, expected, f"seed {seed}: {bytes(value)!r} under {key}")

    def test_large_values_arrive_complete(self) -> None:
        for size in (60_000, 65_536, 200_000, 1_000_000, 10):
            body = random.randbytes(size // 2).hex().encode()
            self.memcached.set("coda1:" + PRODUCT, HEAD + body)
            self.assertEqual(self.nginx.get(PRODUCT).body, body)
        self.assertEqual(self.reached(), 0)

    def test_a_long_response_is_compressed_and_its_weak_tag_gives_304(self) -> None:
        self.memcached.set("coda1:" + PRODUCT, HEAD + b'"' + b"long " * 1000 + b'"')
        response = self.nginx.get(PRODUCT, Accept_Encoding="gzip")
        self.assertEqual(
            (response.headers["Content-Encoding"], response.headers["ETag"]), ("gzip", 'W/"17"')
        )
        self.assertEqual(response.headers["Vary"], "Accept-Encoding")
        self.assertEqual(
            self.nginx.get(PRODUCT, Accept_Encoding="gzip", If_None_Match='W/"17"').status, 304
        )

    def test_each_of_many_clients_gets_its_own_response_while_others_disconnect(self) -> None:
        for i in range(1, 200):
            self.memcached.set(f"coda1:/api/v1/shops/{i}", HEAD + b"shop %d" % i + b"." * (i * 37))
        wrong: list[str] = []

        def read(chance: random.Random) -> None:
            for _ in range(300):
                i = chance.randrange(1, 220)
                if chance.random() < 0.2:
                    with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
                        client.sendall(
                            f"GET /api/v1/shops/{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
                        )
                    continue
                body = self.nginx.get(f"/api/v1/shops/{i}").body
                if body != (b"shop %d" % i + b"." * (i * 37) if i < 200 else b'{"from":"here"}'):
                    wrong.append(f"{i}: {body[:40]!r}")

        seed = random.randrange(2**32)
        readers = [
            threading.Thread(target=read, args=(random.Random(seed + i),)) for i in range(16)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual(wrong, [], f"seed {seed}")

    def test_without_memcached_all_requests_go_to_the_service_at_once_until_it_is_back(self) -> None:
        self.assertEqual(self.nginx.get(PRODUCT).body, BODY)
        self.memcached.stop()
        start = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.nginx.get(PRODUCT, X_Request_Id="stopped").body, b'{"from":"here"}')
        self.assertLess(time.monotonic() - start, 2)
        self.memcached.start()
        self.memcached.set("coda1:" + PRODUCT, HEAD + BODY)
        deadline = time.monotonic() + 10
        while self.nginx.get(PRODUCT).body != BODY:
            self.assertLess(time.monotonic(), deadline, "there was no look-up again")
            time.sleep(0.02)

    def test_a_stalled_memcached_delays_a_request_for_a_limited_time(self) -> None:
        self.assertEqual(self.nginx.get(PRODUCT).body, BODY)
        self.memcached.process.send_signal(signal.SIGSTOP)
        try:
            took = []
            for _ in range(20):
                start = time.monotonic()
                self.assertEqual(self.nginx.get(PRODUCT).body, b'{"from":"here"}')
                took.append(time.monotonic() - start)
        finally:
            self.memcached.process.send_signal(signal.SIGCONT)
        self.assertLess(max(took), 2)
        self.assertLess(sorted(took)[10], 0.1, "the stall delays only few requests")

    def test_a_reload_and_a_quit_cause_no_failure(self) -> None:
        for _ in range(3):
            self.assertEqual(self.nginx.get(PRODUCT).body, BODY)
            self.nginx.process.send_signal(signal.SIGHUP)
            for _ in range(20):
                self.assertEqual(self.nginx.get(PRODUCT).body, BODY)
        self.assertEqual(self.reached(), 0)
        self.nginx.process.send_signal(signal.SIGQUIT)
        self.assertEqual(
            self.nginx.process.wait(20), 0
        )  # end_nginx() checks its log

    def test_clients_that_disconnect_during_a_stall_cause_no_failure(self) -> None:
        self.memcached.process.send_signal(signal.SIGSTOP)
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
                client.sendall(f"GET {PRODUCT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.memcached.process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + 10
        while self.nginx.get(PRODUCT).body != BODY:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


class Identities(EdgeTest):
    """What is stored in a server when its slot is emptied (cache/slot_identity.hpp)."""

    KEY = "coda1:" + PRODUCT

    def test_of_this_slot_or_no_identity_is_used(self) -> None:
        memcached, service = self.start_memcached(), self.start_service()
        memcached.set(self.KEY, HEAD + BODY)
        nginx = self.start_nginx([service.path], [memcached.path], "--workers", "1")
        self.assertEqual(nginx.get(PRODUCT).body, BODY)
        for identity in (b"0/1 0123", b"9/9 0123"):
            memcached.set("slot1", identity, 2**32 - 1)
            self.assertEqual(nginx.get(PRODUCT).body, BODY, "the connection was compared when it was new")
        memcached.set("slot1", b"0/1 0123", 2**32 - 1)
        nginx.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            self.assertEqual(nginx.get(PRODUCT).body, BODY)
        self.assertEqual(service.requests, [])

    def test_of_another_slot_or_another_number_of_slots_is_not_used(self) -> None:
        memcached, service = self.start_memcached(), self.start_service()
        memcached.set(self.KEY, HEAD + BODY)
        for number, identity in enumerate((b"1/1 0123", b"0/2 0123", b"0/1", b"00/1 0123", b"x")):
            memcached.set("slot1", identity, 2**32 - 1)
            nginx = Nginx(self.folder / f"nginx-{number}", [service.path], [memcached.path], "--workers", "1")
            self.addCleanup(self.end_nginx, nginx)
            for _ in range(3):
                self.assertEqual(nginx.get(PRODUCT).body, b'{"from":"here"}', identity)
            self.assertIn("its server is that of another slot", (nginx.folder / "error.log").read_text())
        self.assertNotIn("X-Cache-Lookup", service.requests[-1].headers)

    def test_without_a_valid_seal_is_ignored_and_stays(self) -> None:
        memcached, service = self.start_memcached(), self.start_service()
        memcached.set(self.KEY, HEAD + BODY)
        memcached.set_bytes("slot1", b"1/1 forged, and without a seal", 2**32 - 1)
        nginx = self.start_nginx([service.path], [memcached.path])
        self.assertEqual(nginx.get(PRODUCT).body, BODY)
        self.assertIn(b"forged", memcached.ask("get slot1"))


class Keys(EdgeTest):
    """The file of keys: the service's memcached.key_file."""

    OLD, NEW = bytes(range(16)), bytes(range(100, 116))
    KEY = "coda1:" + PRODUCT

    def start(self, *keys: bytes) -> None:
        self.memcached = self.start_memcached()
        self.file = self.folder / "keys"
        self.write(*keys)
        self.nginx = self.start_nginx(
            [self.start_service().path], [self.memcached.path], "--memcached-key-file", str(self.file)
        )

    def write(self, *keys: bytes) -> None:
        self.file.write_text("# of a test\n\n" + "".join(key.hex() + "\n" for key in keys))

    def finds(self, key: bytes) -> bool:
        self.memcached.set_bytes(self.KEY, sealed(self.KEY, HEAD + BODY, of_installation=key))
        return self.nginx.get(PRODUCT).body == BODY

    def test_each_key_of_the_file_is_valid_and_no_other(self) -> None:
        self.start(self.NEW, self.OLD)
        self.assertEqual([self.finds(key) for key in (self.NEW, self.OLD, PUBLIC_KEY)], [True, True, False])

    def test_a_reload_reads_the_file_again(self) -> None:
        self.start(self.OLD)
        self.assertFalse(self.finds(self.NEW))
        self.write(self.OLD, self.NEW)
        self.nginx.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while not self.finds(self.NEW):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertTrue(self.finds(self.OLD))

    def test_a_malformed_file_prevents_the_start_and_is_not_quoted(self) -> None:
        service, memcached = self.start_service(), self.start_memcached()
        file = self.folder / "keys"
        for number, text in enumerate(("", "# none\n", "0" * 31, "0" * 33, "g" * 32, "0" * 32 + "\r\n", ("0" * 32 + "\n") * 5, "#" * 5000)):
            file.write_text(text)
            folder = self.folder / f"nginx-{number}"
            with self.assertRaisesRegex(AssertionError, "Nginx ended") as raised:
                Nginx(folder, [service.path], [memcached.path], "--memcached-key-file", str(file))
            self.assertIn("response_cache_key_file", str(raised.exception))
            self.assertNotIn("0" * 31, str(raised.exception))


class PrivateReads(EdgeTest):
    def test_there_is_no_look_up(self) -> None:
        memcached, service = self.start_memcached(), self.start_service()
        memcached.set("coda1:" + PRODUCT, HEAD + BODY)
        nginx = self.start_nginx([service.path], [memcached.path], "--private-reads")
        self.assertEqual(nginx.get(PRODUCT, X_Request_Id="private").body, b'{"from":"here"}')
        self.assertEqual(nginx.log("private")["cache"], "")


class InvalidReplies(EdgeTest):
    """A server at Memcached's address that sends replies which Memcached never sends."""

    def listen(self, path: Path, replies: list[bytes]) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        path.chmod(0o777)
        server.listen(16)
        self.addCleanup(server.close)

        def serve() -> None:
            for reply in replies:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(5)
                    client.recv(4096)
                    client.sendall(b"EN\r\n" + reply)  # no identity

        threading.Thread(target=serve, daemon=True).start()

    def test_the_request_goes_to_the_service_after_any_of_them(self) -> None:
        key = b"coda1:" + PRODUCT.encode()
        replies = [
            b"ERROR\r\n",
            b"SERVER_ERROR out of memory\r\n",
            b"EN\r\nEN\r\n",
            b"VA",
            b"\x00" * 1000,
            b"x" * 100_000,
            b"VA 5 f4102444800 kcoda1:/other\r\nhello\r\n",
            b"VA 99999999999999999999 f4102444800 k" + key + b"\r\n",
            b"VA 1048577 f4102444800 k" + key + b"\r\n",
            b"VA -1 f4102444800 k" + key + b"\r\n",
            b"VA f4102444800 k" + key + b"\r\n",
            b"VA 5\r\nhello\r\n",
            b"VA 5 f4102444800\r\nhello\r\n",
            b"VA 5 f k" + key + b"\r\nhello\r\n",
            b"VA 5 fx k" + key + b"\r\nhello\r\n",
            b"VA 5 f99999999999999999999 k" + key + b"\r\nhello\r\n",
            b"VA 5 k" + key + b"\r\nhello\r\n",
            b"EN kcoda1:/other\r\n",
            b"ENOUGH\r\n",
            b"\r\n",
            b"VA 5 f0 k" + key + b"\r\nhello\r\n",
            b"VA 5 f4102444800 k" + key + b" W\r\nhello\r\n",
            b"VA 4 f4102444800 k" + key + b"\r\nhello\r\n",
            b"VALUE " + key + b" 0 5\r\nhello\r\nEND\r\n",
            b"VA \r\n",
            b"\n",
            b"",
        ]
        service = self.start_service()
        self.listen(self.folder / "invalid", replies)
        nginx = self.start_nginx([service.path], [self.folder / "invalid"], "--workers", "1")
        for i, _ in enumerate(replies):
            start = time.monotonic()
            self.assertEqual(nginx.get(PRODUCT).body, b'{"from":"here"}')
            self.assertLess(time.monotonic() - start, 2)
            time.sleep(0.55)  # longer than response_cache_failure_pause
        self.assertEqual(len(service.requests), len(replies))


if __name__ == "__main__":
    unittest.main()
