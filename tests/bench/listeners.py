"""Clients of a stream of changes beside a load.

    listeners.py HOST:PORT NUMBER PATH

Prints "ready" when all have the first event. When its standard input ends, it prints a JSON object: `events` (received by all), and
`arrivals`, for each version of a reading the times in ns (the monotonic clock of the machine) at which the clients received it.
"""

import json
import re
import resource
import selectors
import socket
import sys
import time
from collections import defaultdict

VERSION = re.compile(rb'"version":(\d+),"observed_at"')
FIRST = b"event: position"
OVERLAP = 40  # of two parts, so that a version at their border is found


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    address, number, path = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = address.rsplit(":", 1)
    events, waiting = 0, int(number)
    arrivals: dict[int, list[int]] = defaultdict(list)
    with selectors.DefaultSelector() as selector:
        for _ in range(int(number)):
            client = socket.create_connection((host, int(port)))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            selector.register(client, selectors.EVENT_READ, [b""])
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    print(json.dumps({"events": events, "arrivals": arrivals}), flush=True)
                    return
                part = key.fileobj.recv(2**16)  # type: ignore[union-attr]
                if not part:
                    sys.exit("a stream ended")
                now = time.monotonic_ns()
                rest = key.data[0]
                text = rest + part
                if waiting and FIRST in text:
                    waiting -= 1
                    if waiting == 0:
                        print("ready", flush=True)
                end = 0
                for found in VERSION.finditer(text):
                    arrivals[int(found[1])].append(now)
                    events += 1
                    end = found.end()
                key.data[0] = text[max(end, len(text) - OVERLAP):]


if __name__ == "__main__":
    main()
