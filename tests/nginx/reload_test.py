"""A reload of the configuration, for example for a new list of instances: no request is lost."""

import http.client
import signal
import threading
import time
import unittest
from pathlib import Path

from edge import TOKEN, EdgeTest, eventually

CLIENTS = 12
RELOADS = 6


class Client(threading.Thread):
    """Sends requests on one connection, and on a new one after a response with `Connection: close`."""

    def __init__(self, port: int, method: str, pause: float) -> None:
        super().__init__()
        self.port, self.method, self.pause = port, method, pause
        self.stop = threading.Event()
        self.responses = self.closed = 0
        self.failures: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.stop.wait(self.pause):
            try:
                writes = self.method == "POST"
                connection.request(self.method, "/", b"{}" if writes else None, {"Authorization": TOKEN} if writes else {})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            self.responses += 1
            self.closed += response.headers["Connection"] == "close"
            if response.status != 200:
                self.failures.append(str(response.status))
        connection.close()


class Reload(EdgeTest):
    def workers(self) -> set[int]:
        pid = self.nginx.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def reload(self) -> None:
        old = self.workers()
        self.nginx.process.send_signal(signal.SIGHUP)
        eventually(lambda: bool(self.workers()) and not old & self.workers(), "the old workers end")

    def test_no_request_of_clients_with_open_connections_fails(self) -> None:
        self.nginx = self.start_nginx([self.start_service().path], [])
        # Without a pause there is nearly always a request in flight; with one, connections are idle when the worker quits.
        clients = [
            Client(self.nginx.port, ("GET", "POST")[i % 2], 0.0 if i % 4 < 2 else 0.01 * i) for i in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            for _ in range(RELOADS):
                seen = sum(client.responses for client in clients)
                self.reload()
                eventually(lambda: sum(client.responses for client in clients) > seen + 200, "the load continues")
        finally:
            for client in clients:
                client.stop.set()
            for client in clients:
                client.join()
        self.assertEqual([failure for client in clients for failure in client.failures], [])
        self.assertGreater(sum(client.closed for client in clients), 0, "no client had to reconnect: this test shows nothing")

    def test_old_workers_end_soon_although_idle_clients_stay_connected(self) -> None:
        self.nginx = self.start_nginx([self.start_service().path], [])
        idle = http.client.HTTPConnection("127.0.0.1", self.nginx.port, timeout=20)
        idle.request("GET", "/")
        idle.getresponse().read()
        start = time.monotonic()
        self.reload()
        self.assertLess(time.monotonic() - start, 8)
        self.assertEqual(idle.sock.recv(1), b"")
        idle.close()


if __name__ == "__main__":
    unittest.main()
