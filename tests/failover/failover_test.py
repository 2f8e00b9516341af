"""No acknowledged write is lost with the primary, and no read is older than an acknowledged write."""

import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import uuid
from pathlib import Path

from cluster import Cluster
from edge import ROOT, Memcached, Nginx, eventually

PROGRAM = os.environ.get("CODASYNC_PROGRAM", str(ROOT / ".build/api/codasync"))
GTINS = ("9520000000004", "9520000000011", "9520000000028", "9520000000035")
BEFORE = 400  # acknowledged writes before the primary is killed
AFTER = 400


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """One connection to one address, opened again after a failure. Threads: one."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, method: str, path: str, body: dict[str, object] | None = None, key: str = "") -> tuple[int, dict]:
        """Returns: the status, 0 without a response, and the JSON."""
        headers = dict(self.headers)
        if key:
            headers["Idempotency-Key"] = key
        text = None
        if body is not None:
            text = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.connection.request(method, path, text, headers)
            response = self.connection.getresponse()
            content = response.read()
            if response.will_close:
                self.close()
            return response.status, json.loads(content) if content else {}
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return 0, {}


class Reading:
    """A reading that one writer increments, and its acknowledged writes."""

    def __init__(self, gtin: str) -> None:
        self.gtin = gtin
        self.id = 0
        self.acknowledged = 0  # the newest acknowledged version
        self.keys: list[str] = []  # of all acknowledged writes
        self.pause = 0.0  # the longest time until a write succeeded


class FailoverTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="codasync-failover.")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o777)
        self.cluster = Cluster(self.folder)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.memcached = Memcached(self.folder / "memcached")
        self.addCleanup(self.memcached.stop)
        self.codasync("migrate")
        self.token = self.codasync("token", "create", "--name", "test", "--role", "admin").strip()
        self.ports = [free_port(), free_port()]
        for number, port in enumerate(self.ports):
            self.start_service(number, port)
        self.nginx = Nginx(
            self.folder / "nginx",
            [self.folder / f"service-{number}" for number in range(2)],
            [self.memcached.path],
        )
        self.addCleanup(self.nginx.stop)
        self.clients: list[Client] = []
        self.addCleanup(lambda: [client.close() for client in self.clients])
        self.client = self.new_client(self.ports[0])
        self.assertEqual(self.client.send("POST", "/api/v1/shops", {"name": "North"})[0], 201)

    def new_client(self, port: int) -> Client:
        client = Client(port, self.token)
        self.clients.append(client)
        return client

    def environment(self, **more: str) -> dict[str, str]:
        return os.environ | {
            "CODASYNC_POSTGRES_URL": self.cluster.url,
            "CODASYNC_MEMCACHED_SERVERS": f"unix:{self.memcached.path}",
            "CODASYNC_POSTGRES_STATEMENT_TIMEOUT": "2s",
            "CODASYNC_POSTGRES_LOCK_TIMEOUT": "500ms",
            "CODASYNC_POSTGRES_CONNECT_TIMEOUT": "2s",
        } | more

    def codasync(self, *words: str) -> str:
        done = subprocess.run(
            [PROGRAM, *words], env=self.environment(), capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start_service(self, number: int, port: int) -> None:
        path = self.folder / f"service-{number}"
        listen = f"127.0.0.1:{port},unix:{path}"
        with open(self.folder / "service.log", "ab") as log:
            process = subprocess.Popen(
                [PROGRAM, "serve"], env=self.environment(CODASYNC_SERVER_LISTEN=listen), stdout=log, stderr=log
            )
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        eventually(lambda: self.ready(port), "the service is ready", 60)
        path.chmod(0o777)

    @staticmethod
    def ready(port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def create(self, gtin: str) -> Reading:
        reading = Reading(gtin)
        status, body = self.client.send(
            "POST", "/api/v1/stock-readings", {"shop": 1, "GTIN": gtin, "name": "Tea", "quantity": 0}
        )
        self.assertEqual(status, 201, body)
        reading.id = int(body["id"])
        reading.acknowledged = int(body["version"])
        return reading

    def test_no_acknowledged_write_is_lost_and_no_old_version_is_read_when_the_standby_is_promoted(self) -> None:
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        readings = [self.create(gtin) for gtin in GTINS]
        stop = threading.Event()
        stop_reading = threading.Event()
        stale: list[str] = []
        reads = [0, 0]  # before the promotion, after it
        promoted = threading.Event()

        def write(reading: Reading, port: int) -> None:
            client = self.new_client(port)
            for number in itertools.count():
                key = f"{reading.gtin}-{number}"
                began = time.monotonic()
                while True:
                    status, body = client.send("POST", f"/api/v1/stock-readings/{reading.id}/adjust", {"delta": 1}, key)
                    if status == 200:
                        break
                    if time.monotonic() > began + 120:
                        return
                    time.sleep(0.01)
                reading.pause = max(reading.pause, time.monotonic() - began)
                reading.acknowledged = int(body["version"])
                reading.keys.append(key)
                if stop.is_set():
                    return

        def read(number: int) -> None:
            generator = random.Random(seed + number)
            clients = [self.new_client(port) for port in (*self.ports, self.nginx.port, self.nginx.port)]
            while not stop_reading.is_set():
                reading = generator.choice(readings)
                path = generator.choice(
                    (f"/api/v1/stock-readings/{reading.id}", f"/api/v1/shops/1/stock/{reading.gtin}")
                )
                at_least = reading.acknowledged
                after = promoted.is_set()
                status, body = generator.choice(clients).send("GET", path)
                if status != 200:
                    continue
                reads[after] += 1
                if int(body["version"]) < at_least:
                    stale.append(f"{path}: {body['version']} after {at_least}")

        threads = [threading.Thread(target=write, args=(r, self.ports[i % 2])) for i, r in enumerate(readings)]
        readers = [threading.Thread(target=read, args=(i,)) for i in range(4)]
        for thread in (*threads, *readers):
            thread.start()

        def written() -> int:
            return sum(len(reading.keys) for reading in readings)

        eventually(lambda: written() >= BEFORE and reads[0] >= BEFORE, "the load runs", 120)
        untouched = self.create("9520000000042")
        self.memcached.set("coda1:/api/v1/shops/1", b"HTTP/1.1 200 OK\r\n\r\n{\"name\":\"of the lost primary\"}")
        self.cluster.one.kill()
        at_kill = written()
        self.cluster.promote()
        promoted.set()
        eventually(lambda: written() >= at_kill + AFTER and reads[1] >= AFTER, "the service continues with the new primary", 120)
        stop.set()
        for thread in threads:
            thread.join(130)
        stop_reading.set()
        for thread in readers:
            thread.join(70)

        print(f"{written()} writes acknowledged, {at_kill} before the primary was killed; reads {reads};"
              f" longest pause {max(reading.pause for reading in readings):.1f} s")
        self.assertEqual(stale, [])
        query = self.cluster.two.query
        for reading in readings:
            # Every write was acknowledged in the end, under its own key, and counts once.
            self.assertEqual(query(f"select quantity from stock_readings where id = {reading.id}"), str(len(reading.keys)))
            stored = query(f"select count(*) from idempotency_keys join stock_operations using (name) where reading_id = {reading.id}")
            self.assertEqual(stored, str(len(reading.keys)))
            self.assertEqual(query(f"select version from stock_readings where id = {reading.id}"), str(reading.acknowledged))
        self.assertEqual(query(f"select count(*) from stock_readings where id = {untouched.id}"), "1")
        self.assertEqual(query("select state || timeline from cache_slots"), "up00000002")
        # Each process clears its own caches of ids when it looks next, independent of which one emptied the slot.
        log = self.folder / "service.log"
        eventually(lambda: log.read_text().count("the database has another history") == 2, "both processes cleared their caches", 60)
        self.assertEqual(self.new_client(self.nginx.port).send("GET", "/api/v1/shops/1")[1]["name"], "North")

    def test_a_write_that_the_standby_does_not_have_is_neither_acknowledged_nor_visible(self) -> None:
        reading = self.create(GTINS[0])
        self.cluster.two.kill()
        key = str(uuid.uuid4())
        path = f"/api/v1/stock-readings/{reading.id}"
        status, body = self.client.send("POST", path + "/adjust", {"delta": 1}, key)
        self.assertIn(status, (503, 504), body)
        self.assertEqual(self.new_client(self.ports[1]).send("GET", path)[1]["quantity"], 0)
        self.cluster.two.start()
        responses: list[tuple[int, dict]] = []

        def acknowledged() -> bool:
            responses.append(self.client.send("POST", path + "/adjust", {"delta": 1}, key))
            return responses[-1][0] == 200

        eventually(acknowledged, "the write is acknowledged when the standby runs again", 60)
        self.assertEqual(responses[-1][1]["quantity"], 1)
        self.assertEqual(self.cluster.two.query("select quantity from stock_readings"), "1")


if __name__ == "__main__":
    unittest.main()
