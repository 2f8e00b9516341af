"""Normal traffic of several shops, for frame.py: traffic.py PORT, with the variables of the stack's env file.

Each client has an address, a connection and a rhythm of its own. It reads what is in the cache, what is not, and lists, and it
writes. For each line on standard input it prints what was seen since the last one, as JSON: requests, errors, and the 99th
percentile of their times in milliseconds.
"""

import http.client
import itertools
import json
import os
import random
import sys
import threading
import time

CLIENTS = 6
PAUSE = 0.05  # seconds between two requests of a client
SHOP = 1


class Seen:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.times: list[float] = []
        self.errors: list[str] = []

    def add(self, seconds: float, error: str) -> None:
        with self.lock:
            self.times.append(seconds)
            if error:
                self.errors.append(error)

    def take(self) -> dict[str, object]:
        with self.lock:
            times, errors = sorted(self.times), self.errors
            self.times, self.errors = [], []
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)] if times else 0.0
        return {"requests": len(times), "errors": errors[:20], "p99": p99 * 1000}


def client(number: int, port: int, reading: int, seen: Seen) -> None:
    token = os.environ["CODASYNC_STAFF_TOKEN"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(f"127.0.0.{20 + number}", 0))
    chance = random.Random(number)
    for step in itertools.count():
        time.sleep(PAUSE * chance.uniform(0.5, 1.5))
        method, path, body, headers = "GET", f"/api/v1/shops/{SHOP}", None, {}
        if step % 10 == 1:
            path = f"/api/v1/stock-readings?limit=20&shop={SHOP}"
        elif step % 10 == 2:
            path = f"/api/v1/changes?shop={SHOP}&limit=5"  # not cached
        elif step % 10 == 3:
            method, path, body = "POST", f"/api/v1/stock-readings/{reading}/adjust", json.dumps({"delta": 1})
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        elif step % 2 == 0:
            path = f"/api/v1/stock-readings/{reading}"
        began = time.monotonic()
        error = ""
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                error = f"{method} {path}: {response.status} {text[:300]!r}"
        except (OSError, http.client.HTTPException) as failure:
            error = f"{method} {path}: {failure!r}"
            connection.close()
        seen.add(time.monotonic() - began, error)


def new_reading(port: int) -> int:
    """Returns: the id of a reading that was counted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    draft = {"shop": SHOP, "GTIN": "9521000000018", "name": "Normal traffic", "quantity": 1}
    headers = {"Authorization": f"Bearer {os.environ['CODASYNC_STAFF_TOKEN']}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/stock-readings", json.dumps(draft), headers)
    return int(json.loads(connection.getresponse().read())["id"])


def main() -> None:
    port = int(sys.argv[1])
    seen = Seen()
    reading = new_reading(port)
    for number in range(CLIENTS):
        threading.Thread(target=client, args=(number, port, reading, seen), daemon=True).start()
    for _ in sys.stdin:
        print(json.dumps(seen.take()), flush=True)


if __name__ == "__main__":
    main()
