"""Measures how many codes one core parses in a second; with --dir also the rate of POST /scan beside POST /stock-readings.

The clients send to the service through Nginx, over TCP, with one connection each: scans of a pack with a GTIN and a date, plain
recordings of the same date, and dry runs of the scans, which write nothing. The variants alternate; medians of the rounds count.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from writes import ROOT, Stack

GTIN = "9520000000011"
PACK = f"]d2010{GTIN}17270131" + "10ABC123\x1d2177"


def run(stack: Stack, path: str, body: dict[str, object], clients: int, seconds: float) -> float:
    """Returns: requests in a second."""
    counts = [0] * clients
    failures: list[str] = []
    text = json.dumps(body)
    headers = {"Authorization": f"Bearer {stack.env['CODASYNC_STAFF_TOKEN']}", "Content-Type": "application/json"}
    end = time.monotonic() + seconds

    def client(index: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(stack.port))
        while time.monotonic() < end:
            connection.request("POST", path, text, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status not in (200, 201):
                failures.append(f"{response.status} {answer.decode()}")
                return
            counts[index] += 1

    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(failures[0])
    return sum(counts) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run scan", description=__doc__)
    parser.add_argument("--dir", type=Path, help="state folder of a running stack (config/up --detach)")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    status = subprocess.run([ROOT / ".build/tests/bench/parse_codes"], check=False).returncode
    if options.dir is None or status != 0:
        sys.exit(status)
    stack = Stack(options.dir)
    record = {"shop": 1, "GTIN": GTIN, "name": "Oats", "expiry_date": "2027-01-31", "date_kind": "use_by"}
    scan = {"shop": 1, "codes": [PACK], "name": "Oats"}
    variants: dict[str, tuple[str, dict[str, object]]] = {
        "POST /stock-readings": ("/api/v1/stock-readings", record),
        "POST /scan": ("/api/v1/scan", scan),
        "POST /scan, dry run": ("/api/v1/scan", scan | {"dry_run": True}),
    }
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, (path, body) in variants.items():
            rates[name].append(run(stack, path, body, options.clients, options.seconds))
    for name, each in rates.items():
        print(f"{name:24}{statistics.median(each):10,.0f} requests/s")


if __name__ == "__main__":
    main()
