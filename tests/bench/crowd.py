"""Clients that keep connections open beside a load: idle ones, slow readers, slow writers, people who open pages.

    crowd.py idle|readers|writers|pages HOST:PORT NUMBER PATH [TOKEN]

`idle` requests PATH once, waits, and requests it again at the end. `readers` request PATH and read a KiB a second. `writers` send a POST
of `{"delta":1}` to PATH, a byte every half second. `pages` request the page at PATH and all files that it names, once a second. It prints "ready" when all are connected. When its standard input ends, it
prints one JSON object: `connected`, `answered` (complete responses with a status below 400), `failed` (others, and lost connections).
"""

import asyncio
import json
import re
import resource
import socket
import struct
import sys

BODY = b'{"delta":1}'
READ_BYTES, READ_SECONDS = 1024, 1.0
WRITE_SECONDS = 0.5
PAGE_SECONDS = 1.0
AT_ONCE = 200  # connections that are being opened
ANSWER_SECONDS = 30.0


class Crowd:
    def __init__(self, kind: str, address: str, number: int, path: str, token: str) -> None:
        self.kind, self.number, self.path, self.token = kind, number, path, token
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.ended = asyncio.Event()
        self.opening = asyncio.Semaphore(AT_ONCE)
        self.all_connected = asyncio.Event()
        self.connected = self.answered = self.failed = 0

    async def run(self) -> None:
        clients = [asyncio.create_task(self.client()) for _ in range(self.number)]
        await self.all_connected.wait()
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        self.ended.set()
        await asyncio.wait(clients, timeout=ANSWER_SECONDS)
        print(json.dumps({"connected": self.connected, "answered": self.answered, "failed": self.failed}), flush=True)

    async def client(self) -> None:
        first = True
        try:
            async with self.opening:
                reader, writer = await self.connect()
                if self.kind == "idle":
                    await self.answer(reader, writer)
                self.count()
                first = False
            # At its end the connection is reset, so that no port waits for late packets.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            kinds = {"idle": self.idle, "readers": self.read_slowly, "writers": self.write_slowly, "pages": self.open_pages}
            await kinds[self.kind](reader, writer)
            writer.close()
        except (OSError, EOFError, asyncio.TimeoutError):
            self.failed += 1
            if first:
                self.count()

    def count(self) -> None:
        self.connected += 1
        if self.connected == self.number:
            self.all_connected.set()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket()
        connection.setblocking(False)
        if self.kind == "readers":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(connection, (self.host, self.port))
        return await asyncio.open_connection(sock=connection, limit=READ_BYTES if self.kind == "readers" else 2**16)

    def request(self, method: str = "GET", more: str = "", path: str = "") -> bytes:
        return f"{method} {path or self.path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes | None = None) -> bytes:
        """Returns: the body."""
        if request != b"":
            writer.write(request or self.request())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        body = await asyncio.wait_for(reader.readexactly(int(length[1]) if length else 0), ANSWER_SECONDS)
        if int(head[9:12]) < 400:
            self.answered += 1
        else:
            self.failed += 1
        return body

    async def idle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answered -= 1  # only the last answer counts
        await self.ended.wait()
        async with self.opening:
            await self.answer(reader, writer)

    async def read_slowly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.request())
        received, length = b"", None
        while not self.ended.is_set():
            part = await reader.read(READ_BYTES)
            if not part:
                raise EOFError
            received += part
            head = received.find(b"\r\n\r\n")
            if length is None and head >= 0:
                length = head + 4 + int(re.search(rb"(?i)\r\ncontent-length: (\d+)", received)[1])  # type: ignore[index]
            if length is not None and len(received) >= length:
                self.answered += 1
                received, length = received[length:], None
                writer.write(self.request())
            await self.pause(READ_SECONDS)

    async def write_slowly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = self.request("POST", f"Content-Type: application/json\r\nAuthorization: Bearer {self.token}\r\nContent-Length: {len(BODY)}\r\n")
        while not self.ended.is_set():
            writer.write(head)
            for byte in BODY:
                await self.pause(WRITE_SECONDS)
                writer.write(bytes([byte]))
            await self.answer(reader, writer, request=b"")

    async def open_pages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        files = [file.decode() for file in re.findall(rb'"(/assets/[^"]+)"', await self.answer(reader, writer))]
        if not files:
            raise EOFError
        requests = [self.request(path=path, more="Accept-Encoding: gzip\r\n") for path in (self.path, *files)]
        now = asyncio.get_running_loop().time
        while not self.ended.is_set():
            began = now()
            for request in requests:
                await self.answer(reader, writer, request)
            await self.pause(max(0.0, began + PAGE_SECONDS - now()))

    async def pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except asyncio.TimeoutError:
            pass


def main() -> None:
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kind, address, number, path = sys.argv[1:5]

    async def run() -> None:
        await Crowd(kind, address, int(number), path, "".join(sys.argv[5:])).run()

    asyncio.run(run())


if __name__ == "__main__":
    main()
