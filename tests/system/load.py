"""Load of writers and readers on a stack during a test."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Self

from stack import ROOT, Stack

PROGRAM = Path(os.environ.get("CODASYNC_WRITE_LOAD", str(ROOT / ".build" / "tests" / "bench" / "write_load")))


def new_readings(stack: Stack, count: int) -> list[int]:
    """Makes a shop with this number of readings of quantity 0. Returns: their ids."""
    env = stack.env()
    admin, staff = env["CODASYNC_ADMIN_TOKEN"], env["CODASYNC_STAFF_TOKEN"]
    status, shop = stack.request("/api/v1/shops/", {"name": f"Load {os.urandom(4).hex()}"}, admin)
    assert status == 201, shop
    ids = []
    for number in range(count):
        draft = {"shop": shop["id"], "GTIN": gtin(number), "name": "Load", "quantity": 0}
        status, reading = stack.request("/api/v1/stock-readings/", draft, staff)
        assert status == 201, reading
        ids.append(reading["id"])
    return ids


def gtin(number: int) -> str:
    """Returns: the GTIN-13 with this number in GS1's range for examples."""
    digits = f"952{number:09}"
    total = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def failed_requests(stack: Stack) -> str:
    """Returns: the log lines of Nginx and the service for the first failed requests."""
    edge = [line for line in (stack.folder / "nginx" / "access.log").read_text().splitlines() if json.loads(line)["status"] >= 400]
    ids = [json.loads(line)["request_id"] for line in edge[:5]]
    logs = "\n".join(file.read_text(errors="replace") for file in sorted((stack.folder / "logs").glob("service-*.log")))
    return "\n".join([*edge[:20], *(line for line in logs.splitlines() if any(one in line for one in ids))])


class Load:
    """tests/bench/write_load through Nginx while the context is active; `seen` has its results."""

    def __init__(self, stack: Stack, readings: list[int], writers: int, readers: int, *options: object) -> None:
        self.stack = stack
        self.readings = readings
        self.seen: dict[str, Any] = {}
        address = f"127.0.0.1:{stack.port}"
        self.words = ["--address", address, "--clients", writers, "--readers", readers, "--seconds", 600, *options]

    def __enter__(self) -> Self:
        versions = [(one, self.stack.request(f"/api/v1/stock-readings/{one}")[1]["version"]) for one in self.readings]
        self.process = subprocess.Popen(
            [PROGRAM, *map(str, self.words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.stack.env()},
        )
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{one} {version}\n" for one, version in versions))
        self.process.stdin.close()
        self.process.stdin = None
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        printed = self.process.communicate(timeout=60)[0]
        if printed:
            self.seen = json.loads(printed)
