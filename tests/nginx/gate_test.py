"""What Nginx refuses before a body arrives, how long a body may take, and what the log has of a client's texts."""

import json
import re
import socket
import time
import unittest

from edge import TOKEN, WRITES, EdgeTest, eventually

HEAD = b"POST /api/v1/stock-readings HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
MISSING = "This needs an access token: Authorization: Bearer <token>."
MALFORMED = "Invalid access token."


class Gate(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        self.nginx = self.start_nginx([self.service.path], [])

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.nginx.port), 20)
        self.addCleanup(client.close)
        return client

    def raw(self, sent: bytes) -> bytes:
        client = self.connect()
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))

    def test_a_write_without_a_token_is_401_and_is_not_passed_on(self) -> None:
        for method in WRITES:
            response = self.nginx.ask(method, "/api/v1/stock-readings", b"{}", Authorization="")
            self.assertEqual((response.status, response.headers["WWW-Authenticate"]), (401, "Bearer"), method)
            self.assertEqual(response.problem()["type"], "urn:codasync:problem:unauthorized")
            self.assertEqual(response.problem()["detail"], MISSING)
        self.assertEqual(self.service.requests, [])

    def test_a_token_that_the_service_cannot_have_made_is_401(self) -> None:
        for sent in (
            "Bearer coda_", "Bearer coda_short", TOKEN + "!", TOKEN + " x", TOKEN.replace("coda_", "coda-"),
            TOKEN.replace("A", "é"), "Bearer coda_" + "A" * 129,
        ):
            response = self.nginx.ask("POST", "/", b"{}", Authorization=sent)
            self.assertEqual((response.status, response.problem()["detail"]), (401, MALFORMED), sent)
        for sent in ("Basic YTpi", "Bearer", "Bearer ", TOKEN[7:], "Token " + TOKEN[7:], "Bearer\t" + TOKEN[7:]):
            response = self.nginx.ask("POST", "/", b"{}", Authorization=sent)
            self.assertEqual((response.status, response.problem()["detail"]), (401, MISSING), sent)
        self.assertEqual(self.service.requests, [])
        for sent in (TOKEN, TOKEN.replace("Bearer ", "bEARER   ")):
            self.assertEqual(self.nginx.ask("POST", "/", b"{}", Authorization=sent).status, 200, sent)

    def test_the_cookie_of_a_session_is_as_good_as_a_token(self) -> None:
        secret = TOKEN.removeprefix("Bearer ")
        for sent in (f"codasync={secret}", f"a=b; __Host-codasync={secret}", f"a=b;codasync={secret}; c=d"):
            self.assertEqual(self.nginx.ask("POST", "/", b"{}", Authorization="", Cookie=sent).status, 200, sent)
        for sent in ("codasync=", "codasync=x", f"other={secret}", f"xcodasync={secret}", secret):
            self.assertEqual(self.nginx.ask("POST", "/", b"{}", Authorization="", Cookie=sent).status, 401, sent)

    def test_signing_in_needs_no_token_and_has_a_short_body(self) -> None:
        for uri in ("/api/v1/session", "/api/v1/session/"):
            self.assertEqual(self.nginx.ask("POST", uri, b"x" * 8192, Authorization="").status, 200)
            self.assertEqual(self.nginx.ask("DELETE", uri, Authorization="").status, 200)
            self.assertEqual(self.nginx.ask("POST", uri, b"x" * 8193, Authorization="").status, 401)

    def test_it_is_401_before_the_body_arrives(self) -> None:
        for more in (b"", b"Authorization: Bearer x\r\n", b"Expect: 100-continue\r\n"):
            client = self.connect()
            client.sendall(HEAD + more + b"\r\n")
            began = time.monotonic()
            response = client.recv(65536)
            self.assertIn(b"HTTP/1.1 401 ", response[:20])
            self.assertNotIn(b"100 Continue", response)
            self.assertIn(b"Connection: close\r\n", response)
            self.assertLess(time.monotonic() - began, 5)

    def test_a_body_of_another_method_needs_a_token_too(self) -> None:
        sent = b"REPORT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
        self.assertIn(b" 401 ", self.raw(sent)[:20])

    def test_a_long_body_of_a_read_is_400(self) -> None:
        for method in ("GET", "HEAD", "OPTIONS"):
            for framing in (b"Content-Length: 8193", b"Transfer-Encoding: chunked"):
                sent = method.encode() + b" / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
                self.assertIn(b"HTTP/1.1 400 ", self.raw(sent)[:20])
        self.assertEqual(self.service.requests, [])

    def test_http_0_9_gets_an_error_with_a_header(self) -> None:
        for uri in (b"/api/v1/shops/1", b"/metrics", b"/docs"):
            self.assertTrue(self.raw(b"GET " + uri + b"\r\n\r\n").startswith(b"HTTP/1.1 400 "), uri)
        self.assertEqual(self.service.requests, [])

    def test_responses_have_the_headers_that_restrict_browsers(self) -> None:
        for response in (self.nginx.get("/"), self.nginx.ask("POST", "/", b"", Authorization=""), self.nginx.get("/metrics")):
            self.assertEqual(response.headers.get_all("X-Content-Type-Options"), ["nosniff"])
            self.assertEqual(response.headers.get_all("Referrer-Policy"), ["no-referrer"])
            self.assertEqual(response.headers.get_all("Content-Security-Policy"), ["default-src 'none'; frame-ancestors 'none'"])
            self.assertIsNone(response.headers["Strict-Transport-Security"])  # only with TLS


class BodyTime(EdgeTest):
    def test_a_body_that_takes_too_long_ends_its_connection(self) -> None:
        service = self.start_service()
        nginx = self.start_nginx([service.path], [], edit=lambda text: re.sub(r"request_body_time \d+s", "request_body_time 1s", text))
        with socket.create_connection(("127.0.0.1", nginx.port), 20) as client:
            client.sendall(HEAD + f"X-Request-Id: slow\r\nAuthorization: {TOKEN}\r\n\r\n".encode())
            began = time.monotonic()
            ended = False
            while not ended and time.monotonic() - began < 15:
                try:
                    client.sendall(b"x")
                    client.settimeout(0.1)
                    ended = client.recv(1) == b""
                except TimeoutError:
                    pass
                except OSError:
                    ended = True
            self.assertTrue(ended)
            self.assertGreater(time.monotonic() - began, 0.9)
        self.assertEqual(nginx.log("slow")["status"], 408)
        self.assertEqual(service.requests, [])
        self.assertEqual(nginx.ask("POST", "/", b"x" * 900_000).status, 200)


class Log(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        self.nginx = self.start_nginx([self.service.path], [])

    def line(self, head: bytes) -> tuple[bytes, dict[str, str]]:
        """Sends a request. Returns: its line in the log, as bytes and as JSON."""
        log = self.nginx.folder / "access.log"
        before = log.stat().st_size
        with socket.create_connection(("127.0.0.1", self.nginx.port), 20) as client:
            client.sendall(head + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
            while client.recv(65536):
                pass
        eventually(lambda: log.stat().st_size > before, "a line in the log")
        added = log.read_bytes()[before:]
        return added, json.loads(added.decode())

    def test_it_is_utf_8_for_any_bytes(self) -> None:
        for sent in (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xc2\x85"):
            _, line = self.line(b"GET /" + sent + b" HTTP/1.1\r\nUser-Agent: " + sent + b"x")
            self.assertRegex(line["uri"], r"^/\?+$")
            self.assertRegex(line["agent"], r"^\?+x$")
        _, line = self.line("GET /ä€😀 HTTP/1.1\r\nUser-Agent: ä€😀".encode())
        self.assertEqual((line["uri"], line["agent"]), ("/ä€😀", "ä€😀"))

    def test_a_line_is_limited_whatever_the_request_has(self) -> None:
        for sent in (b"\x01", b"\\", b'"', b"\xff", b"a"):
            written, _ = self.line(
                b"GET /" + sent.replace(b"\x01", b"%01") * 2000 + b" HTTP/1.1\r\nUser-Agent: " + sent * 6000 + b"\r\ntraceparent: " + sent * 6000
            )
            self.assertLess(len(written), 4000)

    def test_it_has_no_secrets(self) -> None:
        secret = "coda_" + "A1-_" * 10
        for query in (f"access_token={secret}", "access_token=other&x=1", f"a={secret}&b=2", "Password=hunter2", "x=1&api_key=hunter2;"):
            written, line = self.line(f"GET /api/v1/shops?{query} HTTP/1.1\r\nUser-Agent: {secret}\r\nAuthorization: Bearer {secret}".encode())
            for word in ("A1-_", "hunter2", "other"):
                self.assertNotIn(word, written.decode())
            self.assertIn("***", line["uri"])
            self.assertEqual(line["agent"], "coda_***")
        _, line = self.line(b"GET /api/v1/shops?tokens=1&search=a&limit=2 HTTP/1.1")
        self.assertEqual(line["uri"], "/api/v1/shops?tokens=1&search=a&limit=2")

    def test_the_error_log_has_no_secrets_either(self) -> None:
        secret = "coda_" + "A1-_" * 10
        self.service.stop()
        self.nginx.get(f"/%ff?access_token={secret}", User_Agent=secret, Referer=secret, Authorization=f"Bearer {secret}", X_Request_Id="lost")
        text = (self.nginx.folder / "error.log").read_text()  # valid UTF-8
        self.assertIn('request: "GET /%ff?access_token=***"', text)
        self.assertNotIn("A1-_", text)


if __name__ == "__main__":
    unittest.main()
