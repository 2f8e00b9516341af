"""What reaches the service, in what form and how often, and what clients see when it does not."""

import socket
import threading
import time
import unittest

from edge import ANSWER, BODY, EdgeTest, Request

WRITES = ("POST", "PUT", "PATCH", "DELETE")


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
            "Authorization": "Bearer x",
            "Content-Type": "application/json",
            "If-Match": '"1"',
            "If-None-Match": '"2"',
            "Idempotency-Key": "k",
            "X-Request-Id": "r-1",
            "traceparent": "00-a-b-01",
        }
        dropped = {
            "Accept": "text/csv",
            "Cookie": "abc",
            "Cache-Control": "What",
            "X-Forwarded-For": "10.0.0.1",
            "User-Agent": "me",
            "Foo": "bar",
        }
        sent = {name.replace("-", "_"): text for name, text in (kept | dropped).items()}
        self.nginx.ask("POST", "/api/v1/sync", b"{}", **sent)
        received = self.service.requests[0]
        self.assertEqual(
            received.headers,
            kept | {"Host": "codasync", "Connection": "keep-alive", "Content-Length": "2"},
        )
        self.assertEqual(received.body, b"{}")

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
                    + name.encode() + b":" + sent + b"\r\n\r\n"
                )
                received = self.service.requests[-1].headers
                self.assertIn(name, received)
                self.assertEqual(received[name].strip(), "")

    def test_a_condition_or_key_that_is_sent_twice_is_not_the_first_of_both(self) -> None:
        for name in ("If-Match", "Idempotency-Key"):
            before = len(self.service.requests)
            answer = self.raw(
                b"PATCH / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
                + name.encode() + b": a\r\n" + name.lower().encode() + b": b\r\n\r\n"
            )
            if b" 400 " not in answer[:20]:  # Nginx itself refuses some
                self.assertEqual(len(self.service.requests), before + 1)
                self.assertEqual(self.service.requests[-1].headers[name].strip(), "")

    def test_the_address_goes_on_as_it_was_sent(self) -> None:
        for uri in ("/a%2Fb//c/../d?x=%20&x=+", "/%C3%A4?q", "/a;v=1?"):
            self.nginx.get(uri)
            self.assertEqual(self.service.requests[-1].uri, uri)

    def test_a_request_keeps_its_well_formed_name(self) -> None:
        for name in ("a", "A.b_c-9", "x" * 128):
            self.assertEqual(
                self.nginx.get("/", X_Request_Id=name).headers.get_all("X-Request-Id"), [name]
            )
            self.assertEqual(self.service.requests[-1].headers["X-Request-Id"], name)

    def test_another_name_is_replaced(self) -> None:
        for name in ("", "a b", 'a"b', "x" * 129, "é"):
            answer = self.nginx.get("/", X_Request_Id=name)
            self.assertRegex(answer.headers["X-Request-Id"], "^[0-9a-f]{32}$")
            self.assertEqual(
                self.service.requests[-1].headers["X-Request-Id"], answer.headers["X-Request-Id"]
            )

    def test_no_name_is_given_twice(self) -> None:
        names = [self.nginx.get("/").headers["X-Request-Id"] for _ in range(100)]
        self.assertEqual(len(set(names)), 100)

    def test_the_log_is_json_whatever_clients_send(self) -> None:
        self.nginx.get("/a%22b", X_Request_Id="strange", User_Agent='quote " slash \\ tab \t')
        line = self.nginx.log("strange")
        self.assertEqual((line["uri"], line["status"], line["method"]), ("/a%22b", 200, "GET"))
        self.assertEqual(line["agent"], 'quote " slash \\ tab \t')
        self.assertNotIn("Bearer", str(line))

    def test_connections_to_the_service_are_kept(self) -> None:
        for _ in range(50):
            self.nginx.get("/")
        self.assertLessEqual(self.service.connections, 2)  # one for each worker

    def test_a_body_over_the_limit_is_a_problem_and_stays_outside(self) -> None:
        answer = self.nginx.ask("POST", "/api/v1/sync", b"x" * 1_000_001, X_Request_Id="large")
        self.assertEqual(answer.status, 413)
        self.assertEqual(answer.problem()["instance"], "large")
        self.assertEqual(self.nginx.ask("POST", "/api/v1/sync", b"x" * 1_000_000).status, 200)
        self.assertEqual(len(self.service.requests), 1)

    def test_what_nginx_refuses_is_a_problem(self) -> None:
        for sent, status in (
            (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),  # no Host
            (b"nonsense\r\n\r\n", 400),
            (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n", 431),
            (b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        ):
            answer = self.raw(sent)
            self.assertIn(b"HTTP/1.1 %d " % status, answer[:20])
            self.assertIn(b"Content-Type: application/problem+json\r\n", answer)
            self.assertIn(b"X-Request-Id: ", answer)
            self.assertIn(b'"status":%d,' % status, answer)
            self.assertEqual(b"\r\nAllow: GET, HEAD, " in answer, status == 405)  # RFC 9110, 15.5.6
        self.assertEqual(self.service.requests, [])

    def test_metrics_are_not_for_clients_however_they_ask(self) -> None:
        for uri in (
            "/metrics",
            "/metrics/",
            "//metrics",
            "/%6detrics",
            "/x/../metrics",
            "/./metrics?x",
            "/metrics%2F",
        ):
            answer = self.nginx.get(uri, X_Forwarded_For="127.0.0.1", Host="localhost")
            self.assertEqual(answer.status, 404, uri)
        self.assertEqual(self.service.requests, [])

    def test_the_answer_of_the_service_is_passed_on_with_its_status_and_body(self) -> None:
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
            answer = self.nginx.ask("POST", "/")
            self.assertEqual((answer.status, answer.body), (int(status[:3]), BODY))
            self.assertEqual(answer.headers.get_all("Retry-After"), ["7"])

    def test_a_changed_tag_in_the_answer_to_a_conditional_write_is_not_412(self) -> None:
        self.service.behave = lambda _: b'HTTP/1.1 200 OK\r\nETag: "2"\r\nContent-Length: 0\r\n\r\n'
        self.assertEqual(self.nginx.ask("PATCH", "/", b"{}", If_Match='"1"').status, 200)

    def test_a_write_goes_on_when_its_client_leaves(self) -> None:
        entered, leave = threading.Event(), threading.Event()

        def behave(request: Request) -> bytes | None:
            if request.method == "POST":
                entered.set()
                leave.wait(10)
                return ANSWER.replace(b"15", b"03") + b"old"
            return ANSWER + BODY

        self.service.behave = behave
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
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

    def test_every_method_finds_the_other_instance_when_one_is_gone(self) -> None:
        self.services[0].stop()
        for method in ("GET", "HEAD", *WRITES) * 3:
            answer = self.nginx.ask(method, "/a%2Fb?c", b"{}" if method in WRITES else None)
            self.assertEqual(answer.status, 200, method)
            last = self.services[1].requests[-1]
            self.assertEqual(
                (last.method, last.uri, last.body),
                (method, "/a%2Fb?c", b"{}" if method in WRITES else b""),
            )
        self.assertEqual(len(self.services[1].requests), 18)

    def test_a_read_that_broke_off_is_tried_again(self) -> None:
        self.services[0].behave = lambda _: None
        for _ in range(6):
            self.assertEqual(self.nginx.get("/").status, 200)

    def test_a_write_that_may_have_been_executed_is_never_sent_twice(self) -> None:
        for service in self.services:
            service.behave = lambda _: None
        for i, method in enumerate(WRITES):
            answer = self.nginx.ask(method, "/", b"{}", X_Request_Id=f"doubt-{i}")
            if len(self.received()) == i:  # both were still resting from the failure before
                self.fail("the write never reached anybody")
            self.assertEqual(len(self.received()), i + 1)
            self.assertEqual((answer.status, answer.headers["Retry-After"]), (502, "1"))
            self.assertIn("Idempotency-Key", str(answer.problem()["detail"]))
            self.assertEqual(answer.problem()["instance"], f"doubt-{i}")
            time.sleep(1.1)  # fail_timeout

    def test_without_any_instance_every_method_is_503_and_they_come_back(self) -> None:
        for service in self.services:
            service.stop()
        for method in ("GET", *WRITES) * 2:
            answer = self.nginx.ask(method, "/", X_Request_Id="none")
            self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"), method)
            self.assertEqual(answer.problem()["status"], 503)
        again = self.start_service("service-0")
        deadline = time.monotonic() + 10
        while self.nginx.get("/").status != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertGreater(len(again.requests), 0)


if __name__ == "__main__":
    unittest.main()
