"""Requests that two parsers may read differently, and what the log has of them."""

import json
import time

from frame import Stage, Tally, attack, status_of

HOST = b"Host: s\r\n"
# It deletes the first shop if a server takes it for a request of its own.
HIDDEN = b"DELETE /api/v1/shops/1?cascade=true HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer %s\r\n\r\n"


def chunked(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)


def shapes(hidden: bytes, token: bytes) -> list[bytes]:
    """Returns: requests with an end that is not certain."""
    post = b"POST /api/v1/stock-readings HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + token + b"\r\n"
    get = b"GET /api/v1/shops/1 HTTP/1.1\r\n" + HOST
    size = b"%d" % len(hidden)
    framings = [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding: chunked\r\nContent-Length: " + size + b"\r\n\r\n0\r\n\r\n" + hidden,
        b"Content-Length: 0\r\nContent-Length: " + size + b"\r\n\r\n" + hidden,
        b"Content-Length: 0, " + size + b"\r\n\r\n" + hidden,
        b"Content-Length: +" + size + b"\r\n\r\n" + hidden,
        b"Content-Length: 0x10\r\n\r\n" + hidden,
        b"Content-Length: 18446744073709551616\r\n\r\n" + hidden,
        b"Content-Length : " + size + b"\r\n\r\n" + hidden,
        b"X: 1\r\n Content-Length: " + size + b"\r\n\r\n" + hidden,
        b"Content_Length: " + size + b"\r\n\r\n" + hidden[:0],
        b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding:\tchunked\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding:\x0bchunked\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding: identity, chunked\r\n\r\n" + chunked(hidden),
        b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden,
        b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + hidden,
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + hidden,
        b"Transfer-Encoding: chunked\r\n\r\n0;a=b\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: " + size + b"\r\n\r\n",
        b"X: 1\rContent-Length: " + size + b"\r\n\r\n",
        b"X: \0\r\n\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 0\r\n\r\n",
        b"Expect: 100-continue\r\nContent-Length: " + size + b"\r\n\r\n" + hidden,
        b"Expect: nothing\r\nContent-Length: " + size + b"\r\n\r\n" + hidden,
    ]
    return [
        *(head + framing for head in (post, get) for framing in framings),
        post.replace(b"\r\n", b"\n") + b"Content-Length: " + size + b"\n\n" + hidden,
        b"GET /api/v1/shops/1\r\n\r\n" + hidden,
        b"GET /api/v1/shops/1 HTTP/1.1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/v1/shops/1 HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET /api/v1/shops/1 HTTP/1.1\r\n" + HOST + b"Host: other\r\n\r\n",
        b"GET /api/v1/shops/1 HTTP/1.1\r\n\r\n",
        b"GET http://other/api/v1/shops/1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 2000 + b"\r\n",
        b"\r\n" * 2000 + get + b"\r\n",
    ]


@attack(refuses=True)
def requests_that_two_parsers_may_read_differently(stage: Stage) -> Tally:
    """At Nginx and at the direct address: none is taken for two, none is 500 or 502, and each server continues."""
    tally, lasts = Tally(), stage.deadline()
    token = stage.token("admin").encode()
    while True:
        for address in (stage.edge, stage.direct):
            for shape in shapes(HIDDEN % token, token):
                response = stage.raw(shape, address, timeout=0.5)
                tally.attempts += 1
                status = status_of(response)
                tally.refused += 400 <= status < 500 or status in (501, 505)
                tally.admit(f"{shape[:60]!r} got {status}", int(status in (500, 502) or response.count(b"HTTP/1.1 204 ") > 0))
                if response and not response.startswith(b"HTTP/1."):
                    tally.admit(f"{shape[:60]!r} got a response without a head")
        present, _ = stage.stack.request("/api/v1/shops/1?")
        tally.admit("the shop was deleted", int(present != 200))
        if not lasts():
            return tally


@attack()
def texts_for_the_log(stage: Stage) -> Tally:
    """Bytes that are not UTF-8, control characters, long texts and secrets, in addresses and headers."""
    tally, lasts = Tally(), stage.deadline()
    log = stage.stack.folder / "nginx" / "access.log"
    before = log.stat().st_size
    secret = b"coda_" + b"S3cr3t" * 8
    texts = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b'"\\', b"\x01", b"\x7f", b"a" * 6000, b'"' * 6000, "ä😀".encode(), secret)
    for text in texts * (1 if stage.short else 1000):
        for head in (
            b"GET /" + text + b"?access_token=" + secret + b" HTTP/1.1\r\n" + HOST,
            b"GET / HTTP/1.1\r\n" + HOST + b"User-Agent: " + text + b"\r\ntraceparent: " + text + b"\r\n",
            b"GET /?password=S3cr3t HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + text + b"\r\n",
        ):
            stage.raw(head + b"Connection: close\r\n\r\n")
            tally.attempts += 1
        if not stage.short and not lasts():
            break
    time.sleep(2)  # Nginx writes its log each second
    for line in log.read_bytes()[before:].splitlines():
        tally.admit(f"a line of {len(line)} bytes", int(len(line) > 4096))
        tally.admit("a secret in the log", int(b"S3cr3t" in line))
        try:
            json.loads(line.decode())
        except ValueError as error:
            tally.admit(f"a line that is not JSON: {error}")
    return tally
