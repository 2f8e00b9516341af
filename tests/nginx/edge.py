"""The servers of these tests: Nginx from the template, Memcached, and a test service that counts its requests."""

import ctypes
import http.client
import json
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = os.environ.get(
    "CODASYNC_NGINX_MODULE", str(ROOT / ".build/nginx/ngx_http_response_cache_module.so")
)
# The library that a build with AddressSanitizer has to load before Nginx. Nginx itself is not instrumented, and does not
# free its configuration at its end.
PRELOAD = os.environ.get("CODASYNC_NGINX_PRELOAD", "")
LEAKS_ALLOWED = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
ENVIRONMENT = {**os.environ, "LD_PRELOAD": PRELOAD, **LEAKS_ALLOWED} if PRELOAD else None
# A token that the service could have made; without one, writes do not reach it.
TOKEN = "Bearer coda_" + "A" * 43
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Servers never run as root: root starts them as the user `nobody`.
UNPRIVILEGED = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def eventually(holds: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Waits until a condition is true; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


SODIUM = ctypes.CDLL("libsodium.so.23")
SEAL_SIZE = 16
PUBLIC_KEY = bytes(SEAL_SIZE)  # of Nginx and the service without a file of keys
LATE = 4_102_444_800  # in 2100


def siphash(key: bytes, text: bytes) -> bytes:
    """Returns: SipHash-2-4 of 128 bits."""
    result = ctypes.create_string_buffer(SEAL_SIZE)
    SODIUM.crypto_shorthash_siphashx24(result, text, ctypes.c_ulonglong(len(text)), key)
    return result.raw


def sealed(key: str, content: bytes, expiry: int = LATE, of_installation: bytes = PUBLIC_KEY, realm: bytes = b"o") -> bytes:
    """Returns: an entry in the format of cache/entry_seal.hpp."""
    derived = siphash(of_installation, realm + expiry.to_bytes(4, "little") + key.encode())
    return siphash(derived, content) + content


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Memcached:
    """One Memcached on a Unix socket, with the commands that a test needs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["memcached", "-s", str(self.path), "-a", "700", "-m", "64", "-U", "0"], **UNPRIVILEGED
        )
        eventually(lambda: connects(self.path), "Memcached listens")

    def set(self, key: str, content: bytes, expiry: int = LATE) -> None:
        """Stores an entry as the service does; `expiry` in seconds since 1970."""
        self.set_bytes(key, sealed(key, content, expiry), expiry)

    def set_bytes(self, key: str, value: bytes, expiry: int = LATE) -> None:
        """Stores any bytes."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            client.sendall(b"set %s %d 0 %d\r\n%s\r\n" % (key.encode(), expiry, len(value), value))
            reply = client.recv(100)
        if reply != b"STORED\r\n":
            raise AssertionError(f"set {key}: {reply!r}")

    def ask(self, command: str) -> bytes:
        """Returns: the reply to a command with one line."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            client.sendall(command.encode() + b"\r\n")
            return client.recv(1000)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Request:
    """One request as the service received it."""

    def __init__(self, head: bytes, body: bytes, connection: socket.socket) -> None:
        self.connection = connection
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.uri, _ = lines[0].split(" ")
        self.headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        self.body = body


RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: of-the-service\r\nContent-Length: 15\r\n\r\n"
BODY = b'{"from":"here"}'


class Service:
    """A test server in place of an instance of the service. Stores every request, and sends what `behave` returns.

    `behave(request)` returns the bytes of the response, or an iterator of its pieces, after which the connection is closed; None
    closes the connection without one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[Request] = []
        self.connections = 0
        self.behave: Callable[[Request], bytes | Iterator[bytes] | None] = lambda request: (
            RESPONSE if request.method == "HEAD" else RESPONSE + BODY
        )
        service = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                service.connections += 1
                while (head := self.read_head()) is not None:
                    length = next(
                        (
                            int(line.split(b":")[1])
                            for line in head.lower().split(b"\r\n")
                            if line.startswith(b"content-length:")
                        ),
                        0,
                    )
                    request = Request(head, self.rfile.read(length), self.connection)
                    service.requests.append(request)
                    response = service.behave(request)
                    if response is None:
                        return
                    if not isinstance(response, bytes):
                        for piece in response:
                            self.wfile.write(piece)
                        return
                    self.wfile.write(response)

            def read_head(self) -> bytes | None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline(65536)
                    if not line:
                        return None
                    head += line
                return head[:-4]

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass  # Nginx may close a connection at any time

        self.server = Server(str(path), Handler)
        path.chmod(0o777)
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.path.unlink()


class Response:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def problem(self) -> dict[str, object]:
        assert self.headers["Content-Type"] == "application/problem+json", self.headers[
            "Content-Type"
        ]
        return json.loads(self.body)


class Nginx:
    """An Nginx from the template on a free port; `edit` may change the text of the configuration."""

    def __init__(
        self,
        folder: Path,
        services: list[Path],
        memcached: list[Path],
        *options: str,
        edit: Callable[[str], str] = lambda text: text,
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        folder.mkdir()
        # A copy, because the user of Nginx may not be allowed to read the build folder.
        command = [
            str(ROOT / "nginx/render"),
            "--dir",
            str(folder),
            "--module",
            shutil.copy(MODULE, folder),
            "--listen",
            f"127.0.0.1:{self.port}",
            "--workers",
            "2",
            "--unlimited",
            "127.0.0.1",  # the tests of limits use other addresses
            *options,
        ]
        for path in services:
            command += ["--service", f"unix:{path}"]
        for path in memcached:
            command += ["--memcached", f"unix:{path}"]
        self.conf = subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()
        Path(self.conf).write_text(edit(Path(self.conf).read_text()))
        if UNPRIVILEGED:
            for path in (folder, *folder.iterdir()):
                os.chown(path, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
        self.process = subprocess.Popen(
            ["nginx", "-e", str(folder / "error.log"), "-c", self.conf],
            env=ENVIRONMENT,
            **UNPRIVILEGED,
        )
        eventually(self.listens, "Nginx listens")

    def listens(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError("Nginx ended: " + (self.folder / "error.log").read_text())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(
        self, method: str, uri: str, body: bytes | None = None, source: str = "127.0.0.1", **headers: str
    ) -> Response:
        """Sends one request on a new connection from the address `source`; writes have a token. Header names: underscores become
        dashes.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(source, 0))
        if method in WRITES:
            headers.setdefault("Authorization", TOKEN)
        try:
            connection.request(
                method, uri, body, {name.replace("_", "-"): text for name, text in headers.items()}
            )
            return Response(connection.getresponse())
        finally:
            connection.close()

    def get(self, uri: str, **headers: str) -> Response:
        return self.ask("GET", uri, **headers)

    def log(self, request_id: str) -> dict[str, object]:
        """Returns: the line of the access log about this request."""
        found: list[dict[str, object]] = []

        def written() -> bool:
            lines = (self.folder / "access.log").read_text().splitlines()
            found[:] = [line for line in map(json.loads, lines) if line["request_id"] == request_id]
            return bool(found)

        eventually(written, f"a line about {request_id}")
        assert len(found) == 1, found
        return found[0]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class EdgeTest(unittest.TestCase):
    """Has a folder for sockets and logs, and stops every server at the end."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="edge-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o777)

    def start_memcached(self, name: str = "memcached") -> Memcached:
        memcached = Memcached(self.folder / name)
        self.addCleanup(memcached.stop)
        return memcached

    def start_service(self, name: str = "service") -> Service:
        service = Service(self.folder / name)
        self.addCleanup(service.server.server_close)
        self.addCleanup(service.server.shutdown)
        return service

    def start_nginx(
        self,
        services: list[Path],
        memcached: list[Path],
        *options: str,
        edit: Callable[[str], str] = lambda text: text,
    ) -> Nginx:
        number = len(list(self.folder.glob("nginx*")))
        nginx = Nginx(self.folder / f"nginx{number}", services, memcached, *options, edit=edit)
        self.addCleanup(self.end_nginx, nginx)
        return nginx

    def end_nginx(self, nginx: Nginx) -> None:
        nginx.stop()
        text = (nginx.folder / "error.log").read_text()
        for failure in ("[alert]", "[emerg]", "exited on signal"):
            self.assertNotIn(failure, text)
        self.assertNotRegex(text, r"\[warn\].* in \S+\.conf:\d+", "a warning about the configuration")
