"""Which requests the service gets, in what form and how often, and which errors clients get."""

import socket
import threading
import time
import unittest

from edge import BODY, RESPONSE, TOKEN, WRITES, EdgeTest, Request

WITH_TOKEN = b"Authorization: " + TOKEN.encode() + b"\r\n"


class BehindLoadBalancer(EdgeTest):
    def test_the_scheme_is_https_whatever_a_client_says(self) -> None:
        service = self.start_service()
        nginx = self.start_nginx([service.path], [], "--https")
        nginx.get("/", Cookie="a=b", X_Forwarded_Proto="http")
        self.assertEqual(service.requests[-1].headers["X-Forwarded-Proto"], "https")


class Proxy(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        self.nginx = self.start_nginx([self.service.path], [])

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.nginx.port), 20) as client:
            client.sendall(sent)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def test_the_service_gets_the_headers_it_reads_and_no_others(self) -> None:
        kept = {
            "Authorization": TOKEN,
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "If-Match": '"1"',
            "If-None-Match": '"2"',
            "Idempotency-Key": "k",
            "X-Request-Id": "r-1",
            "traceparent": "00-a-b-01",
            "Cookie": "codasync=abc; other=1",
            "Origin": "http://shop.example:8080",
            "Sec-Fetch-Site": "same-origin",
        }
        dropped = {
            "Accept": "text/csv",
            "Cache-Control": "What",
            "X-Forwarded-For": "10.0.0.1",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "User-Agent": "me",
            "Foo": "bar",
        }
        sent = {name.replace("-", "_"): text for name, text in (kept | dropped).items()}
        self.nginx.ask("POST", "/api/v1/sync", b"{}", **sent)
        received = self.service.requests[0]
        self.assertEqual(
            received.headers,
            kept
            | {"Host": "codasync", "Connection": "keep-alive", "Content-Length": "2"}
            | {"X-Forwarded-Host": f"127.0.0.1:{self.nginx.port}", "X-Forwarded-Proto": "http"},
        )
        self.assertEqual(received.body, b"{}")

    def test_the_service_gets_the_accept_header_of_an_export(self) -> None:
        accept = "text/csv;q=0.1, application/x-ndjson"
        for uri in ("/api/v1/export/products", "/api/v1/export/events/?shop=1", "/api/v1/%65xport/products"):
            self.nginx.get(uri, Accept=accept)
            self.assertEqual(self.service.requests[-1].headers["Accept"], accept, uri)
        for uri in ("/api/v1/shops", "/api/v1/shops?/api/v1/export/", "/x/api/v1/export/products"):
            self.nginx.get(uri, Accept=accept)
            self.assertNotIn("Accept", self.service.requests[-1].headers, uri)

    def test_absent_headers_stay_absent(self) -> None:
        self.nginx.get("/healthz")
        self.assertEqual(
            set(self.service.requests[0].headers), {"Host", "Connection", "X-Request-Id"}
        )

    def test_an_empty_condition_or_key_is_not_an_absent_one(self) -> None:
        for name in ("If-Match", "Idempotency-Key"):
            for sent in (b"", b" ", b" \t "):
                self.raw(
                    b"PATCH / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
                    + WITH_TOKEN + name.encode() + b":" + sent + b"\r\n\r\n"
                )
                received = self.service.requests[-1].headers
                self.assertIn(name, received)
                self.assertEqual(received[name].strip(), "")

    def test_a_condition_or_key_that_is_sent_twice_is_not_the_first_of_both(self) -> None:
        for name in ("If-Match", "Idempotency-Key"):
            before = len(self.service.requests)
            response = self.raw(
                b"PATCH / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
                + WITH_TOKEN + name.encode() + b": a\r\n" + name.lower().encode() + b": b\r\n\r\n"
            )
            if b" 400 " not in response[:20]:  # Nginx itself refuses some
                self.assertEqual(len(self.service.requests), before + 1)
                self.assertEqual(self.service.requests[-1].headers[name].strip(), "")

    def test_the_address_is_passed_on_as_it_was_sent(self) -> None:
        for uri in ("/a%2Fb//c/../d?x=%20&x=+", "/%C3%A4?q", "/a;v=1?"):
            self.nginx.get(uri)
            self.assertEqual(self.service.requests[-1].uri, uri)

    def test_a_well_formed_request_id_is_kept(self) -> None:
        for name in ("a", "A.b_c-9", "x" * 128):
            self.assertEqual(
                self.nginx.get("/", X_Request_Id=name).headers.get_all("X-Request-Id"), [name]
            )
            self.assertEqual(self.service.requests[-1].headers["X-Request-Id"], name)

    def test_another_request_id_is_replaced(self) -> None:
        for name in ("", "a b", 'a"b', "x" * 129, "é"):
            response = self.nginx.get("/", X_Request_Id=name)
            self.assertRegex(response.headers["X-Request-Id"], "^[0-9a-f]{32}$")
            self.assertEqual(
                self.service.requests[-1].headers["X-Request-Id"], response.headers["X-Request-Id"]
            )

    def test_no_request_id_is_used_twice(self) -> None:
        ids = [self.nginx.get("/").headers["X-Request-Id"] for _ in range(100)]
        self.assertEqual(len(set(ids)), 100)

    def test_the_log_is_json_for_any_request(self) -> None:
        self.nginx.get("/a%22b", X_Request_Id="quotes", User_Agent='quote " slash \\ tab \t')
        line = self.nginx.log("quotes")
        self.assertEqual((line["uri"], line["status"], line["method"]), ("/a%22b", 200, "GET"))
        self.assertEqual(line["agent"], 'quote " slash \\ tab ?')
        self.assertNotIn("Bearer", str(line))

    def test_connections_to_the_service_are_kept(self) -> None:
        for _ in range(50):
            self.nginx.get("/")
        self.assertLessEqual(self.service.connections, 2)  # one for each worker

    def test_a_body_over_the_limit_is_a_problem_and_is_not_passed_on(self) -> None:
        response = self.nginx.ask("POST", "/api/v1/sync", b"x" * 1_000_001, X_Request_Id="large")
        self.assertEqual(response.status, 413)
        self.assertEqual(response.problem()["instance"], "large")
        self.assertEqual(self.nginx.ask("POST", "/api/v1/sync", b"x" * 1_000_000).status, 200)
        self.assertEqual(len(self.service.requests), 1)

    def test_a_request_that_nginx_refuses_gets_a_problem(self) -> None:
        for sent, status in (
            (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),  # no Host
            (b"nonsense\r\n\r\n", 400),
            (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n", 431),
            (b"TRACE /api/v1/shops HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
            (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ):
            response = self.raw(sent)
            self.assertIn(b"HTTP/1.1 %d " % status, response[:20])
            self.assertIn(b"Content-Type: application/problem+json\r\n", response)
            self.assertIn(b"X-Request-Id: ", response)
            self.assertIn(b'"status":%d,' % status, response)
            self.assertEqual(b"\r\nAllow: GET, HEAD, " in response, status == 405)  # RFC 9110, 15.5.6
        self.assertEqual(self.service.requests, [])

    def test_clients_get_no_metrics_under_any_form_of_the_address(self) -> None:
        for uri in (
            "/metrics",
            "/metrics/",
            "//metrics",
            "/%6detrics",
            "/x/../metrics",
            "/./metrics?x",
            "/metrics%2F",
        ):
            response = self.nginx.get(uri, X_Forwarded_For="127.0.0.1", Host="localhost")
            self.assertEqual(response.status, 404, uri)
        self.assertEqual(self.service.requests, [])

    def test_the_response_of_the_service_is_passed_on_with_its_status_and_body(self) -> None:
        for status in (
            b"400 Bad Request",
            b"404 Not Found",
            b"409 Conflict",
            b"503 Service Unavailable",
            b"500 Oops",
        ):
            self.service.behave = lambda _, status=status: (
                b"HTTP/1.1 "
                + status
                + b"\r\nContent-Type: application/problem+json\r\nRetry-After: 7\r\n"
                b"Content-Length: 15\r\n\r\n" + BODY
            )
            response = self.nginx.ask("POST", "/")
            self.assertEqual((response.status, response.body), (int(status[:3]), BODY))
            self.assertEqual(response.headers.get_all("Retry-After"), ["7"])

    def test_a_new_tag_in_the_response_to_a_conditional_write_is_not_412(self) -> None:
        self.service.behave = lambda _: b'HTTP/1.1 200 OK\r\nETag: "2"\r\nContent-Length: 0\r\n\r\n'
        self.assertEqual(self.nginx.ask("PATCH", "/", b"{}", If_Match='"1"').status, 200)

    def test_a_write_continues_when_its_client_disconnects(self) -> None:
        entered, leave = threading.Event(), threading.Event()

        def behave(request: Request) -> bytes | None:
            if request.method == "POST":
                entered.set()
                leave.wait(10)
                return RESPONSE.replace(b"15", b"03") + b"old"
            return RESPONSE + BODY

        self.service.behave = behave
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + WITH_TOKEN + b"Content-Length: 0\r\n\r\n")
            self.assertTrue(entered.wait(10))
        leave.set()
        for _ in range(20):
            self.assertEqual(self.nginx.get("/").body, BODY)


class Instances(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.services = [self.start_service(f"service-{i}") for i in range(2)]
        self.nginx = self.start_nginx([service.path for service in self.services], [])

    def received(self) -> list[Request]:
        return [request for service in self.services for request in service.requests]

    def test_every_method_uses_the_other_instance_when_one_has_ended(self) -> None:
        self.services[0].stop()
        for method in ("GET", "HEAD", *WRITES) * 3:
            response = self.nginx.ask(method, "/a%2Fb?c", b"{}" if method in WRITES else None)
            self.assertEqual(response.status, 200, method)
            last = self.services[1].requests[-1]
            self.assertEqual(
                (last.method, last.uri, last.body),
                (method, "/a%2Fb?c", b"{}" if method in WRITES else b""),
            )
        self.assertEqual(len(self.services[1].requests), 18)

    def test_a_read_without_a_response_is_tried_again(self) -> None:
        self.services[0].behave = lambda _: None
        for _ in range(6):
            self.assertEqual(self.nginx.get("/").status, 200)

    def test_a_write_that_may_have_been_executed_is_never_sent_twice(self) -> None:
        for service in self.services:
            service.behave = lambda _: None
        for i, method in enumerate(WRITES):
            response = self.nginx.ask(method, "/", b"{}", X_Request_Id=f"doubt-{i}")
            if len(self.received()) == i:  # both were still paused after the failure before
                self.fail("no instance got the write")
            self.assertEqual(len(self.received()), i + 1)
            self.assertEqual((response.status, response.headers["Retry-After"]), (502, "1"))
            self.assertIn("Idempotency-Key", str(response.problem()["detail"]))
            self.assertEqual(response.problem()["instance"], f"doubt-{i}")
            time.sleep(1.1)  # fail_timeout

    def test_without_any_instance_every_method_is_503_until_one_is_back(self) -> None:
        for service in self.services:
            service.stop()
        for method in ("GET", *WRITES) * 2:
            response = self.nginx.ask(method, "/", X_Request_Id="none")
            self.assertEqual((response.status, response.headers["Retry-After"]), (503, "1"), method)
            self.assertEqual(response.problem()["status"], 503)
        again = self.start_service("service-0")
        deadline = time.monotonic() + 10
        while self.nginx.get("/").status != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertGreater(len(again.requests), 0)


if __name__ == "__main__":
    unittest.main()
