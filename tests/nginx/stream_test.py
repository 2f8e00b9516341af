"""Streams of events: each piece is passed on at once, and both ends notice when the other one leaves."""

import queue
import signal
import socket
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

from edge import EdgeTest, Request, eventually

PATH = "/api/v1/shops/1/stream"
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


class Client:
    """A client of raw bytes, so that it sees whether the body is complete."""

    def __init__(self, test: "Streams", path: str = PATH, headers: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", test.nginx.port), timeout=20)
        test.addCleanup(self.socket.close)
        self.seen = b""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode())

    def read_until(self, text: bytes) -> None:
        while text not in self.seen:
            piece = self.socket.recv(65536)
            assert piece, self.seen
            self.seen += piece

    def rest(self) -> bytes:
        """Returns: everything, when the connection has ended."""
        while piece := self.socket.recv(65536):
            self.seen += piece
        return self.seen


class Streams(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        self.pieces: queue.Queue[bytes | None] = queue.Queue()
        self.service.behave = self.stream
        self.nginx = self.start_nginx([self.service.path], [])

    def stream(self, _: Request) -> Iterator[bytes]:
        yield HEAD
        while (piece := self.pieces.get()) is not None:
            yield piece

    def workers(self) -> set[int]:
        pid = self.nginx.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def test_each_piece_arrives_before_the_next_one_is_sent(self) -> None:
        client = Client(self)
        for number in range(5):
            text = b"data: %d\n\n" % number
            self.pieces.put(chunk(text))
            client.read_until(text)
        self.pieces.put(END)
        self.pieces.put(None)
        client.read_until(END)
        self.assertIn(b"Cache-Control: no-store", client.seen)
        self.assertNotIn(b"X-Accel-Buffering", client.seen)

    def test_the_service_gets_the_position(self) -> None:
        client = Client(self, PATH + "?GTIN=96385074", "Last-Event-ID: abc\r\n")
        client.read_until(b"\r\n\r\n")
        request = self.service.requests[0]
        self.assertEqual((request.uri, request.headers["Last-Event-ID"]), (PATH + "?GTIN=96385074", "abc"))
        self.pieces.put(None)

    def test_a_client_that_leaves_is_seen_by_the_service_at_once(self) -> None:
        received: queue.Queue[bytes] = queue.Queue()

        def wait(request: Request) -> Iterator[bytes]:
            yield HEAD
            received.put(request.connection.recv(1))

        self.service.behave = wait
        client = Client(self)
        client.read_until(b"\r\n\r\n")
        client.socket.close()
        self.assertEqual(received.get(timeout=20), b"", "the end of the connection, although nothing was sent to the client")

    def test_a_reload_ends_streams_complete_and_the_old_workers_soon(self) -> None:
        def greet(_: Request) -> Iterator[bytes]:
            yield HEAD
            yield chunk(b"data: x\n\n")
            yield from iter(self.pieces.get, None)

        self.service.behave = greet
        clients = [Client(self) for _ in range(5)]
        for client in clients:
            client.read_until(b"data: x\n\n")
        old = self.workers()
        start = time.monotonic()
        self.nginx.process.send_signal(signal.SIGHUP)
        for client in clients:
            self.assertTrue(client.rest().endswith(END), client.seen)
        eventually(lambda: bool(self.workers()) and not old & self.workers(), "the old workers end")
        self.assertLess(time.monotonic() - start, 8)
        Client(self).read_until(b"data: x\n\n")
        for _ in range(len(clients) + 1):
            self.pieces.put(None)

    def test_a_reload_does_not_cut_other_responses(self) -> None:
        self.service.behave = lambda _: iter([HEAD.replace(b"text/event-stream", b"text/csv"), *self.slow_rows()])
        client = Client(self, "/api/v1/export")
        client.read_until(b"row 0")
        self.nginx.process.send_signal(signal.SIGHUP)
        client.read_until(b"row 29")
        client.read_until(END)

    def slow_rows(self) -> Iterator[bytes]:
        for number in range(30):
            yield chunk(b"row %d\n" % number)
            time.sleep(0.05)
        yield END

    def test_a_stream_that_the_service_breaks_is_broken_for_the_client(self) -> None:
        client = Client(self)
        self.pieces.put(chunk(b"data: x\n\n"))
        client.read_until(b"data: x\n\n")
        self.pieces.put(None)
        self.assertFalse(client.rest().endswith(END))


if __name__ == "__main__":
    unittest.main()
