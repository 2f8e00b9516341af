"""The limits of one client: what is refused, that others are not, and when it is allowed again."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from edge import BODY, MODULE, RESPONSE, ROOT, TOKEN, EdgeTest, Memcached, Nginx, Request, Service, eventually

ONE, OTHER = "127.0.0.2", "127.0.0.3"
LIST = "/api/v1/products?search=a"
NO_LIMIT = [word for name in ("requests", "reads", "costly", "writes", "bulk", "failed_tokens") for word in ("--limit", f"{name}=none")]


def token(number: int) -> str:
    return f"Bearer coda_{number:043}"


class Limits(EdgeTest):
    def start(self, *limits: str, options: tuple[str, ...] = ()) -> tuple[Nginx, Service]:
        """Starts Nginx with these limits and no others."""
        service = self.start_service()
        words = [word for limit in limits for word in ("--limit", limit)]
        return self.start_nginx([service.path], [], *NO_LIMIT, *words, *options), service

    def statuses(self, nginx: Nginx, count: int, method: str, uri: str, **how: str) -> list[int]:
        return [nginx.ask(method, uri, **how).status for _ in range(count)]

    def test_each_kind_of_request_has_its_own_rate(self) -> None:
        for name, method, uri in (
            ("reads", "GET", "/api/v1/shops/1?x"),
            ("costly", "GET", LIST),
            ("costly", "GET", "/api/v1/%70roducts"),
            ("costly", "GET", "/api/v1/overview?days=1"),
            ("costly", "GET", "/api/v1/imports"),
            ("costly", "HEAD", "/api/v1/stock-readings/1/history"),
            ("writes", "POST", "/api/v1/stock-readings"),
            ("writes", "DELETE", "/api/v1/stock-readings/1"),
            ("bulk", "POST", "/api/v1/sync"),
            ("bulk", "POST", "/api/v1/stock-readings/batch/"),
        ):
            with self.subTest(name=name, uri=uri):
                nginx, service = self.start(f"{name}=1/m,3")
                self.assertEqual(self.statuses(nginx, 5, method, uri, source=ONE), [200, 200, 200, 429, 429])
                self.assertEqual(len(service.requests), 3)
                self.doCleanups()
                self.setUp()

    def test_a_refused_client_does_not_change_what_others_get(self) -> None:
        nginx, _ = self.start("reads=1/m,3", "connections=5")
        self.statuses(nginx, 5, "GET", "/", source=ONE)
        self.assertEqual(self.statuses(nginx, 3, "GET", "/", source=OTHER), [200] * 3)

    def test_429_is_a_problem_and_says_when_to_try_again(self) -> None:
        nginx, _ = self.start("reads=2/s,2")
        self.statuses(nginx, 2, "GET", "/", source=ONE)
        response = nginx.get("/", source=ONE, X_Request_Id="refused")
        self.assertEqual(response.status, 429)
        problem = response.problem()
        self.assertEqual((problem["type"], problem["title"]), ("urn:codasync:problem:too-many-requests", "Too Many Requests"))
        self.assertEqual((problem["status"], problem["instance"]), (429, "refused"))
        self.assertEqual(response.headers.get_all("Retry-After"), ["1"])
        self.assertEqual(response.headers["RateLimit-Policy"], '"reads";q=2;w=1')
        self.assertRegex(response.headers["RateLimit"], '^"reads";r=0;t=1$')
        self.assertEqual(nginx.log("refused")["limit"], "reads")
        time.sleep(1)
        self.assertEqual(nginx.get("/", source=ONE).status, 200)

    def test_a_response_says_how_many_requests_are_left(self) -> None:
        nginx, _ = self.start("writes=1/m,10")
        left = [nginx.ask("POST", "/", b"{}", source=ONE).headers["RateLimit"] for _ in range(3)]
        self.assertEqual([re.match('^"writes";r=([0-9]+);t=', text)[1] for text in left], ["9", "8", "7"])

    def test_a_token_has_its_rate_from_all_addresses_together(self) -> None:
        nginx, _ = self.start("writes=1/m,3")
        for number in (2, 3, 4):
            self.assertEqual(nginx.ask("POST", "/", b"{}", source=f"127.0.0.{number}").status, 200)
        self.assertEqual(nginx.ask("POST", "/", b"{}", source="127.0.0.5").status, 429)
        self.assertEqual(nginx.ask("POST", "/", b"{}", source="127.0.0.5", Authorization=token(1)).status, 200)

    def test_too_many_reads_in_progress_are_refused_and_end_with_their_clients(self) -> None:
        nginx, service = self.start("costly=1000/s,1000,2")
        leave = threading.Event()
        self.addCleanup(leave.set)

        def behave(request: Request) -> bytes:
            if "slow" in request.uri:
                leave.wait(20)
            return RESPONSE + BODY

        service.behave = behave
        clients = [socket.create_connection(("127.0.0.1", nginx.port), source_address=(ONE, 0)) for _ in range(2)]
        for client in clients:
            client.sendall(f"GET {LIST}&slow HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(lambda: len(service.requests) == 2, "both are in progress")
        refused = nginx.get(LIST, source=ONE)
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (429, "1"))
        self.assertEqual(nginx.get(LIST, source=OTHER).status, 200)
        clients[0].close()
        eventually(lambda: nginx.get(LIST, source=ONE).status == 200, "a client that left has no read in progress")
        clients[1].close()

    def test_reads_beyond_those_in_progress_wait_for_their_turn(self) -> None:
        nginx, service = self.start("costly=1000/s,1000,2")

        def behave(_: Request) -> bytes:
            time.sleep(0.05)
            return RESPONSE + BODY

        service.behave = behave
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(nginx.get(LIST, source=ONE).status)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 20)

    def test_the_service_sees_that_the_client_of_a_read_has_left(self) -> None:
        nginx, service = self.start()
        gone = threading.Event()

        def behave(request: Request) -> bytes | None:
            if request.connection.recv(1) == b"":
                gone.set()
            return None

        service.behave = behave
        with socket.create_connection(("127.0.0.1", nginx.port)) as client:
            client.sendall(b"GET /api/v1/products?x HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: bool(service.requests), "the service has the read")
        self.assertTrue(gone.wait(10))

    def test_requests_that_the_cache_answers_count_as_requests_only(self) -> None:
        memcached: Memcached = self.start_memcached()
        service = self.start_service()
        memcached.set("coda1:/api/v1/shops/1", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}")
        nginx = self.start_nginx([service.path], [memcached.path], *NO_LIMIT, "--limit", "requests=1/m,8", "--limit", "reads=1/m,1")
        self.assertEqual(self.statuses(nginx, 10, "GET", "/api/v1/shops/1", source=ONE), [200] * 8 + [429] * 2)
        self.assertEqual(service.requests, [])
        self.assertIsNone(nginx.get("/api/v1/shops/1", source=OTHER).headers["RateLimit"])

    def test_tokens_that_fail_are_limited_and_known_ones_are_not(self) -> None:
        nginx, service = self.start("failed_tokens=1/m,5")
        good = token(7)
        service.behave = lambda request: (
            RESPONSE + BODY
            if request.headers.get("Authorization") == good
            else b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        )
        self.assertEqual(nginx.ask("POST", "/", b"{}", source=ONE, Authorization=good).status, 200)
        tried = [nginx.ask("POST", "/", b"{}", source=ONE, Authorization=token(100 + i)).status for i in range(7)]
        self.assertEqual(tried, [401] * 5 + [429] * 2)
        self.assertEqual(nginx.ask("POST", "/", b"{}", source=ONE, Authorization=good).status, 200)
        self.assertEqual(nginx.get("/", source=ONE).status, 401)  # the answer of this service; without a token it is not limited
        self.assertEqual(nginx.ask("POST", "/", b"{}", source=OTHER, Authorization=token(8)).status, 401)

    def test_signing_in_with_tokens_that_fail_is_limited_too(self) -> None:
        nginx, service = self.start("failed_tokens=1/m,3")
        service.behave = lambda _: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        tried = [nginx.ask("POST", "/api/v1/session", b"{}", source=ONE, Authorization="").status for _ in range(5)]
        self.assertEqual(tried, [401] * 3 + [429] * 2)
        # A session that has ended is counted, too.
        ended = {"Authorization": "", "Cookie": "codasync=" + TOKEN.removeprefix("Bearer ")}
        tried = [nginx.ask("POST", "/", b"{}", source=OTHER, **ended).status for _ in range(5)]
        self.assertEqual(tried, [401] * 3 + [429] * 2)

    def test_an_address_has_a_number_of_connections_and_others_have_their_own(self) -> None:
        nginx, _ = self.start("connections=4")
        held: list[socket.socket] = []
        self.addCleanup(lambda: [client.close() for client in held])
        for _ in range(40):  # two workers: each has its own number
            held.append(socket.create_connection(("127.0.0.1", nginx.port), source_address=(ONE, 0)))

        def answered() -> int:
            count = 0
            for client in held:
                try:
                    client.settimeout(10)
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    count += client.recv(4096).startswith(b"HTTP/1.1 200")
                except OSError:
                    pass
            return count

        self.assertIn(answered(), range(4, 9))
        self.assertEqual(self.statuses(nginx, 3, "GET", "/", source=OTHER), [200] * 3)
        for client in held:
            client.close()
        eventually(lambda: self.connects(nginx), "closed connections do not count")

    def connects(self, nginx: Nginx) -> bool:
        try:
            return nginx.get("/", source=ONE).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_streams_of_an_address_are_limited(self) -> None:
        nginx, service = self.start("streams=1")
        leave = threading.Event()
        self.addCleanup(leave.set)

        def behave(request: Request) -> bytes:
            leave.wait(20)
            return RESPONSE + BODY

        service.behave = behave
        clients = [socket.create_connection(("127.0.0.1", nginx.port), source_address=(ONE, 0)) for _ in range(12)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b"GET /api/v1/shops/1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        refused = 0

        def ten_are_refused() -> bool:
            nonlocal refused
            for client in clients:
                client.setblocking(False)
                try:
                    refused += client.recv(4096).startswith(b"HTTP/1.1 429")
                except BlockingIOError:
                    pass
            return refused >= 10  # each of the two workers takes one

        eventually(ten_are_refused, "further streams are refused")

    def test_a_balancer_names_the_client_and_a_client_cannot_name_another(self) -> None:
        nginx, _ = self.start("reads=1/m,2", options=("--trusted-proxy", "127.0.0.9"))
        balanced = {"source": "127.0.0.9"}
        for _ in range(2):
            self.assertEqual(nginx.get("/", **balanced, X_Forwarded_For="198.51.100.7").status, 200)
        self.assertEqual(nginx.get("/", **balanced, X_Forwarded_For="198.51.100.7").status, 429)
        self.assertEqual(nginx.get("/", **balanced, X_Forwarded_For="203.0.113.1, 198.51.100.7").status, 429)
        self.assertEqual(nginx.get("/", **balanced, X_Forwarded_For="198.51.100.8", X_Request_Id="named").status, 200)
        self.assertEqual(nginx.log("named")["client"], "198.51.100.8")
        # Not from the balancer: the header means nothing.
        self.assertEqual([nginx.get("/", source=ONE, X_Forwarded_For=f"198.51.100.{i}").status for i in range(3)], [200, 200, 429])

    def test_clients_of_a_unix_socket_are_one_client_or_unlimited(self) -> None:
        for number, (options, last) in enumerate((((), b" 429 "), (("--unlimited", "unix:"), b" 200 "))):
            path = self.folder / f"edge{number}.sock"

            def listen_there(text: str, path: Path = path) -> str:
                return text.replace("    listen ", f"    listen unix:{path};\n    listen ", 1)

            service = self.start_service(f"service{number}")
            self.start_nginx([service.path], [], *NO_LIMIT, "--limit", "reads=1/m,2", *options, edit=listen_there)
            for wanted in (b" 200 ", b" 200 ", last):
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(str(path))
                    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    self.assertIn(wanted, client.makefile("rb").readline())

    def test_addresses_of_one_ipv6_network_are_one_client(self) -> None:
        nginx, _ = self.start("reads=1/m,2", options=("--trusted-proxy", "127.0.0.9"))

        def status(client: str) -> int:
            return nginx.get("/", source="127.0.0.9", X_Forwarded_For=client).status

        self.assertEqual([status(f"2001:db8::{i}") for i in range(1, 4)], [200, 200, 429])
        self.assertEqual(status("2001:db8:0:1::1"), 200)
        self.assertEqual([status(f"::ffff:192.0.2.{i}") for i in (1, 1, 1, 2)], [200, 200, 429, 200])

    def test_ten_thousand_addresses_do_not_end_the_limits_of_one(self) -> None:
        nginx, _ = self.start("requests=1/m,3", options=("--trusted-proxy", "127.0.0.9"))
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, source_address=("127.0.0.9", 0))
        self.addCleanup(connection.close)
        statuses = []
        for i in range(10_000):
            client = "192.0.2.1" if i % 10 == 0 else f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"
            connection.request("GET", "/docs", headers={"X-Forwarded-For": client})
            response = connection.getresponse()
            response.read()
            if client == "192.0.2.1":
                statuses.append(response.status)
        self.assertEqual(set(statuses[:3]), {200})
        self.assertEqual(set(statuses[3:]), {429})

    def test_a_reload_keeps_the_rates(self) -> None:
        nginx, _ = self.start("reads=1/m,2")
        self.statuses(nginx, 2, "GET", "/", source=ONE)
        workers = self.workers(nginx)
        nginx.process.send_signal(signal.SIGHUP)
        eventually(lambda: bool(self.workers(nginx)) and not workers & self.workers(nginx), "the old workers end")
        self.assertEqual(nginx.get("/", source=ONE).status, 429)

    def test_a_worker_that_was_killed_leaves_no_client_without_a_place(self) -> None:
        nginx, _ = self.start("connections=3", "costly=1000/s,1000,2")
        for worker in self.workers(nginx):
            held = [socket.create_connection(("127.0.0.1", nginx.port), source_address=(ONE, 0)) for _ in range(6)]
            os.kill(worker, signal.SIGKILL)
            for client in held:
                client.close()
        eventually(lambda: self.connects(nginx), "new workers accept")
        self.assertEqual(self.statuses(nginx, 5, "GET", "/", source=ONE), [200] * 5)
        # end_nginx would report the killed workers.
        (nginx.folder / "error.log").write_text("")

    def workers(self, nginx: Nginx) -> set[int]:
        pid = nginx.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def test_a_limit_that_does_not_exist_or_has_another_form_is_refused(self) -> None:
        for words in (
            ["--limit", "typos=1/s,1"],
            ["--limit", "reads=5"],
            ["--limit", "reads=0/s,1"],
            ["--limit", "connections=1/s,1"],
            ["--unlimited", "10.0.0.1/8"],
            ["--trusted-proxy", "balancer"],
            ["--tls-certificate", "/x"],
        ):
            done = subprocess.run(
                [ROOT / "nginx/render", "--dir", self.folder / "no", "--module", MODULE, "--service", "unix:/x", *words],
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
