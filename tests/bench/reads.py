"""Measures the rate of reading one product through Nginx: from a file, from Memcached, from the service and from the database.

All paths are measured in every round, one after the other, so that a noisy machine affects all of them. The ratios of the
medians count.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_URI = "/api/v1/products/4006381333931"
SAMPLE_BODY = (
    b'{"GTIN":"4006381333931","name":"Highlighter yellow, box of ten","brand":"Example","category":"office",'
    b'"restricted":false,"updated_at":"2026-01-01T08:00:00.000000Z"}'
)
SAMPLE_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "1"\r\nCache-Control: no-cache\r\n\r\n'

# The fastest configuration of Nginx for a short file (sendfile costs one more packet), with the headers of the response.
STATIC = """
location = /static{uri} {{
  alias {file};
  sendfile off;
  open_file_cache max=16;
  open_file_cache_valid 60s;
  default_type application/json;
  etag off;
  max_ranges 0;
  add_header Last-Modified "";
  add_header ETag '{etag}';
  add_header Cache-Control no-cache;
  add_header X-Request-Id $codasync_request_id always;
  add_header X-Content-Type-Options nosniff always;
}}
"""


@dataclass
class ReadPath:
    """One path for reading the product."""

    name: str
    url: str
    target: float | None = None  # of the file's speed
    requests: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def measure(path: ReadPath, options: argparse.Namespace) -> None:
    printed = subprocess.run(
        [
            "wrk",
            "-t",
            "1",
            "-c",
            str(options.clients),
            "-d",
            f"{options.seconds}s",
            "--latency",
            path.url,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(f"{path.name} returned errors:\n{printed}")
    path.requests.append(float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]))
    path.p50.append(milliseconds(re.search(r"^\s+50%\s+(\S+)", printed, re.MULTILINE)[1]))
    path.p99.append(milliseconds(re.search(r"^\s+99%\s+(\S+)", printed, re.MULTILINE)[1]))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url: str) -> tuple[bytes, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read(), response.headers["ETag"]


class Bench:
    """Starts the measured processes as the owner of the stack's folder, and ends them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.build = options.dir / "program" if options.dir else options.build
        self.started: list[subprocess.Popen[bytes]] = []
        self.owner = {}
        if os.geteuid() == 0:  # servers never run as root
            there = options.dir.stat() if options.dir else None
            uid, gid = (
                (there.st_uid, there.st_gid) if there and there.st_uid != 0 else (65534, 65534)
            )
            self.owner = {"user": uid, "group": gid, "extra_groups": []}
        self.give_away(folder)

    def give_away(self, *paths: Path) -> None:
        for path in paths:
            if self.owner:
                os.chown(path, self.owner["user"], self.owner["group"])

    def start(self, *command: str, **environment: str) -> None:
        self.started.append(subprocess.Popen(command, env=os.environ | environment, **self.owner))

    def stop(self) -> None:
        for process in reversed(self.started):
            process.terminate()
            process.wait(30)

    def wait_for(self, address: str) -> None:
        family, target = socket.AF_UNIX, address.removeprefix("unix:")
        if not address.startswith("unix:"):
            host, port = address.rsplit(":", 1)
            family, target = socket.AF_INET, (host, int(port))
        for _ in range(500):
            with socket.socket(family) as probe:
                if probe.connect_ex(target) == 0:
                    return
            time.sleep(0.02)
        sys.exit(f"no server responds at {address}")

    def nginx(self, name: str, services: list[str], memcached: list[str], include: str = "", on_socket: bool = False) -> str:
        """Returns: the address of an Nginx from the project's template, on a port or a Unix socket."""
        place = self.folder / name
        place.mkdir()
        address = f"unix:{place}/socket" if on_socket else f"127.0.0.1:{free_port()}"
        # A copy, because the user of Nginx may not be allowed to read the build folder.
        module = shutil.copy(self.build / "nginx/ngx_http_response_cache_module.so", place)
        command = [
            str(ROOT / "nginx/render"),
            "--dir",
            str(place),
            "--listen",
            address,
            "--module",
            module,
            "--workers",
            self.options.workers,
        ]
        if include:
            (self.folder / "include").write_text(include)
            command += ["--include", str(self.folder / "include")]
        for service in services:
            command += ["--service", service]
        for slot in memcached:
            command += ["--memcached", slot]
        conf = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.give_away(place, *place.iterdir())
        self.start("nginx", "-e", str(place / "error.log"), "-c", conf)
        self.wait_for(address)
        return address

    def instance(self, name: str, settings: str, *command: object) -> str:
        """Returns: the address of an instance that `command` starts with these settings."""
        address = f"unix:{self.folder}/{name}"
        file = self.folder / f"{name}.toml"
        file.write_text(settings)
        file.chmod(0o600)
        self.give_away(file)
        self.start(*map(str, command), "--config", str(file), CODASYNC_SERVER_LISTEN=address)
        self.wait_for(address)
        return address

    def memcached(self) -> str:
        path = self.folder / "memcached"
        self.start("memcached", "-s", str(path), "-m", "64", "-t", "2", "-R", "200")
        self.wait_for(f"unix:{path}")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            value = SAMPLE_HEAD + SAMPLE_BODY
            client.sendall(
                b"set coda1:%s 4102444800 0 %d\r\n%s\r\n" % (SAMPLE_URI.encode(), len(value), value)
            )
            assert client.recv(100) == b"STORED\r\n"
        return f"unix:{path}"

    def static(self, uri: str, body: bytes, etag: str) -> str:
        file = self.folder / "product.json"
        file.write_bytes(body)
        return STATIC.format(uri=uri, file=file, etag=etag)

    def edge_paths(self) -> list[ReadPath]:
        """Measures Nginx and Memcached only; no running stack is needed."""
        include = self.static(SAMPLE_URI, SAMPLE_BODY, '"1"')
        edge = self.nginx("edge", [f"unix:{self.folder}/no-service"], [self.memcached()], include)
        return [
            ReadPath("Nginx, a file of the same bytes", f"http://{edge}/static{SAMPLE_URI}"),
            ReadPath("Nginx, from Memcached", f"http://{edge}{SAMPLE_URI}", 0.75),
        ]

    def behind_nginx(self) -> tuple[list[str], list[str]]:
        """Returns: the instances and the Memcacheds of the running stack."""
        conf = (self.options.dir / "nginx/nginx.conf").read_text()
        return (
            re.findall(r"^\s+server (\S+) max_fails", conf, re.MULTILINE),
            re.findall(r"^\s+response_cache_server (\S+);", conf, re.MULTILINE),
        )

    def stack_paths(self) -> list[ReadPath]:
        """Measures the instances and the Memcached of a running stack (config/up), behind separate Nginx processes."""
        services, memcached = self.behind_nginx()
        env = dict(
            line.split("=", 1) for line in (self.options.dir / "env").read_text().splitlines()
        )
        with urllib.request.urlopen(
            env["CODASYNC_URL"] + "/api/v1/products/?limit=1", timeout=10
        ) as response:
            gtin = re.search(rb'"GTIN":\s*"(\d+)"', response.read())[1].decode()
        uri = f"/api/v1/products/{gtin}"
        body, etag = fetch(env["CODASYNC_URL"] + uri)

        edge = self.nginx("edge", services, memcached, self.static(uri, body, etag))
        without_look_up = self.nginx("service", services, [])
        settings = (self.options.dir / "codasync.toml").read_text()
        uncached = re.sub(r"(?m)^servers = .*$", "servers = []", settings)
        alone = self.instance("uncached", uncached, self.build / "api/codasync", "serve")
        database = self.nginx("database", [alone], [])
        return [
            ReadPath("Nginx, a file of the same bytes", f"http://{edge}/static{uri}"),
            ReadPath("Nginx, from Memcached", f"http://{edge}{uri}", 0.75),
            ReadPath("the service, from Memcached", f"http://{without_look_up}{uri}", 0.4),
            ReadPath("the service, from Postgres", f"http://{database}{uri}"),
        ]


def print_table(paths: list[ReadPath], options: argparse.Namespace) -> bool:
    """Returns: whether every target is reached."""
    print(
        f"{options.rounds} interleaved rounds of {options.seconds} s, {options.clients} clients, "
        f"{options.workers} Nginx workers, {os.cpu_count()} cores; medians\n"
    )
    print(
        f"{'read through Nginx':34}{'requests/s':>11}{'of the file':>12}{'required':>9}{'p50 ms':>8}{'p99 ms':>8}"
    )
    base = statistics.median(paths[0].requests)
    reached = True
    for path in paths:
        speed = statistics.median(path.requests)
        required = "" if path.target is None else f"{path.target:.2f}"
        reached = reached and (path.target is None or speed / base >= path.target)
        print(
            f"{path.name:34}{speed:11.0f}{speed / base:12.2f}{required:>9}"
            f"{statistics.median(path.p50):8.2f}{statistics.median(path.p99):8.2f}"
        )
    return reached


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run reads", description=__doc__)
    parser.add_argument(
        "--dir",
        type=Path,
        help="state folder of a running stack (config/up); without it only the paths "
        "that need no service are measured",
    )
    parser.add_argument("--build", type=Path, default=ROOT / ".build", help="without --dir")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each path in each round")
    parser.add_argument(
        "--clients", type=int, default=64, help="connections that send requests without a pause"
    )
    parser.add_argument("--workers", default="auto", help="of Nginx")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(options, Path(folder))
        try:
            paths = bench.stack_paths() if options.dir else bench.edge_paths()
            expected = fetch(paths[0].url)
            for path in paths:
                if fetch(path.url) != expected:
                    sys.exit(f"{path.name} returns another body than the file")
            for _ in range(options.rounds):
                for path in paths:
                    measure(path, options)
        finally:
            bench.stop()
    sys.exit(0 if print_table(paths, options) else 1)


if __name__ == "__main__":
    main()
