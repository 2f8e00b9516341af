"""GET /shops/{id}/stream: the changes of a shop as they happen."""

import contextlib
import http.client
import os
import random
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from client import GTINS
from service import PROGRAM, Service, ServiceTest, free_port

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))
from stream import Event, Refused, Stream  # noqa: E402

CLIENTS = 1000


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def thread_count(process: subprocess.Popen[bytes]) -> int:
    return len(list(Path(f"/proc/{process.pid}/task").iterdir()))


class Instance:
    """Another process of the same service."""

    def __init__(self, service: Service, *more_addresses: str, **settings: str) -> None:
        self.service = service
        self.port = free_port()
        self.settings = {"CODASYNC_SERVER_LISTEN": ",".join((self.address, *more_addresses))} | settings
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with open(Path(self.service.folder.name) / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve"], env=self.service.environment | self.settings, stderr=log)
        eventually(self.is_ready, "the instance is ready")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, "the instance ended"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/readyz").status == 200
        return False

    def get(self, path: str, method: str = "GET") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            response.body = response.read()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").body.decode().splitlines()  # type: ignore[attr-defined]
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def end(self) -> None:
        """Stops it, if it still runs. It has to end with status 0."""
        if self.process.poll() is None:
            status = self.stop()
            assert status == 0, f"the instance ended with status {status}"


class Copy:
    """A client's copy of a shop, and all the events that it got."""

    def __init__(self) -> None:
        self.rows: dict[int, Any] = {}
        self.places: list[str] = []

    def apply(self, event: Event) -> None:
        self.places.append(event.id)
        row = event.data
        known = self.rows.get(row["id"])
        if known is None or version_of(row) > version_of(known):
            self.rows[row["id"]] = row

    def present(self) -> list[Any]:
        return [self.rows[number] for number in sorted(self.rows) if "removed" not in self.rows[number]]


def version_of(row: Any) -> tuple[int, int]:
    return row["version"], row["product_version"]


class StreamTest(ServiceTest):
    def open(self, shop: int = 0, address: str = "", **options: str) -> tuple[Stream, Iterator[Event]]:
        """Returns: a stream whose first event was read, and its further events, without heartbeats."""
        stream = Stream(address or f"127.0.0.1:{self.service.port}", shop or self.shop, timeout=20, **options)
        self.addCleanup(stream.close)
        events = iter(stream)
        self.first = next(events)
        return stream, (event for event in events if event.name)

    def instance(self, *more_addresses: str, **settings: str) -> Instance:
        instance = Instance(self.service, *more_addresses, **settings)
        self.addCleanup(instance.end)
        return instance

    def remove(self, reading: int) -> None:
        self.assertEqual(self.service.send("DELETE", f"/api/v1/stock-readings/{reading}", token=self.service.staff).status, 204)

    def count(self, reading: int, quantity: int) -> None:
        answer = self.service.send("PATCH", f"/api/v1/stock-readings/{reading}", {"quantity": quantity}, self.service.staff)
        self.assertEqual(answer.status, 200, answer.body)


class Changes(StreamTest):
    def test_it_begins_with_the_position_and_has_the_same_changes_as_the_feed(self) -> None:
        before = self.service.record(self.shop, GTINS[0])
        stream, events = self.open()
        self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.headers["Cache-Control"], "no-store")
        self.assertEqual(stream.headers["X-Accel-Buffering"], "no")
        self.assertRegex(stream.headers["X-Request-Id"], "^[0-9a-f-]{36}$")
        self.assertGreaterEqual(stream.retry, 1)
        epoch = self.service.changes(self.shop).json()["epoch"]
        self.assertEqual((self.first.name, self.first.data), ("position", {"epoch": epoch, "shop": self.shop}))
        self.assertEqual(self.all_changes(self.first.id)[0], [], "what was there before is not a change")

        self.count(before["id"], 7)
        self.service.record(self.shop, GTINS[1], quantity=1, expiry_date="2026-12-24")
        found = [next(events), next(events)]
        expected, _ = self.all_changes(self.first.id)
        self.assertEqual([event.data for event in found], expected)
        self.assertEqual({event.name for event in found}, {"reading"})
        for event, later in zip(found, (expected[1:], []), strict=True):
            self.assertEqual(self.all_changes(event.id)[0], later, "an event's id is the cursor after it")

    def test_renames_and_removals_are_changes(self) -> None:
        gtin = "9520000000066"
        self.service.product(gtin, "Tea")
        reading = self.service.record(self.shop, gtin)
        _, events = self.open()
        self.service.product(gtin, "Green tea")
        event = next(events)
        self.assertEqual((event.data["name"], version_of(event.data)), ("Green tea", (1, 2)))
        self.remove(reading["id"])
        tombstone = {"id": reading["id"], "shop": self.shop, "GTIN": gtin, "version": 2, "product_version": 2, "removed": True}
        self.assertEqual(next(events).data, tombstone)

    def test_other_shops_are_not_in_it(self) -> None:
        other = self.service.shop("other of the stream")
        _, events = self.open()
        self.service.record(other, GTINS[0])
        reading = self.service.record(self.shop, GTINS[0])
        self.assertEqual(next(events).data["id"], reading["id"])

    def test_it_continues_after_the_last_event(self) -> None:
        _, events = self.open()
        reading = self.service.record(self.shop, GTINS[0], quantity=1)
        last = next(events).id
        self.service.record(self.shop, GTINS[1])
        self.remove(reading["id"])
        for options in ({"last_event_id": last}, {"since": last}, {"since": self.first.id, "last_event_id": last}):
            with self.subTest(options):
                _, again = self.open(**options)
                self.assertEqual((self.first.name, self.first.id), ("position", last))
                self.assertEqual([next(again).data.get("removed") for _ in range(2)], [None, True])

    def test_it_continues_the_pages_of_the_feed(self) -> None:
        self.service.record(self.shop, GTINS[0], quantity=1)
        _, cursor = self.all_changes()
        self.service.record(self.shop, GTINS[1], quantity=2)
        _, events = self.open(since=cursor)
        self.assertEqual(next(events).data["GTIN"], GTINS[1])

    def test_a_change_that_commits_late_is_not_missed(self) -> None:
        late = self.service.record(self.shop, GTINS[0])["id"]
        _, events = self.open()
        with self.service.session() as session:
            session("begin")
            session(f"insert into changes (shop_id, reading_id) values ({self.shop}, {late})")
            self.service.record(self.shop, GTINS[1])
            session("commit")
        self.assertEqual([next(events).data["GTIN"] for _ in range(2)], GTINS[:2])

    def test_only_the_wanted_products_are_sent(self) -> None:
        _, events = self.open(GTIN=f"{GTINS[1]},0{GTINS[2]}")
        for gtin in GTINS[:4]:
            self.service.record(self.shop, gtin)
        self.assertEqual([next(events).data["GTIN"] for _ in range(2)], GTINS[1:3])

    def test_a_quiet_stream_has_heartbeats_that_move_the_position(self) -> None:
        stream, _ = self.open(GTIN=GTINS[0])
        self.service.record(self.shop, GTINS[1])
        heartbeat = next(iter(stream))  # after 15 s
        self.assertEqual((heartbeat.name, heartbeat.data), ("", None))
        self.assertEqual(self.all_changes(heartbeat.id)[0], [])
        self.assertEqual(len(self.all_changes(self.first.id)[0]), 1)

    def test_the_removal_of_the_shop_ends_it(self) -> None:
        _, events = self.open()
        self.service.record(self.shop, GTINS[0])
        answer = self.service.send("DELETE", f"/api/v1/shops/{self.shop}?cascade=true", token=self.service.admin)
        self.assertEqual(answer.status, 204, answer.body)
        list(events)
        with self.assertRaises(Refused) as refused:
            self.open()
        self.assertEqual(refused.exception.status, 404)


class Refusals(StreamTest):
    def refusal(self, shop: int | str = 0, last_event_id: str = "", **query: str) -> Refused:
        with self.assertRaises(Refused) as refused:
            Stream(f"127.0.0.1:{self.service.port}", shop or self.shop, last_event_id=last_event_id, **query)  # type: ignore[arg-type]
        return refused.exception

    def test_unknown_shops_are_not_found(self) -> None:
        for shop in (999_999, "x", "-1"):
            self.assertEqual(self.refusal(shop).status, 404)

    def test_invalid_parameters_and_cursors_are_named(self) -> None:
        for number in range(2):
            self.service.record(self.shop, GTINS[number])
        in_snapshot = self.service.changes(self.shop, limit=1).json()["next"]
        cursor = self.all_changes()[1]
        damaged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        for text in ("x", damaged, in_snapshot, cursor * 2):
            for name, refused in (("since", self.refusal(since=text)), ("Last-Event-ID", self.refusal(last_event_id=text))):
                self.assertEqual((refused.status, list(refused.problem["errors"])), (400, [name]), text)
        for name, value in (("GTIN", "4006381333932"), ("GTIN", f"{GTINS[0]},x"), ("GTIN", ""), ("limit", "10"), ("bogus", "1"), ("cursor", "x")):
            with self.subTest(f"{name}={value}"):
                refused = self.refusal(**{name: value})
                self.assertEqual((refused.status, list(refused.problem["errors"])), (400, [name]))

    def test_other_methods_are_refused_and_head_has_no_body(self) -> None:
        path = f"/api/v1/shops/{self.shop}/stream"
        self.assertEqual(self.service.send("POST", path, {}, self.service.admin).status, 405)
        answer = self.service.send("HEAD", path)
        self.assertEqual((answer.status, answer.body), (200, ""))

    def test_a_position_that_is_not_available_is_replaced(self) -> None:
        old = self.service.changes(self.shop).json()["next"]
        self.service.record(self.shop, GTINS[0])
        other = self.service.shop("other of the position")
        for change, undo in (
            ("purged_below = pg_snapshot_xmin(pg_current_snapshot())", "purged_below = '0'"),
            ("feed_epoch = gen_random_uuid()", ""),
        ):
            self.service.sql(f"update ledger_settings set {change}")
            _, events = self.open(last_event_id=old)
            if undo:
                self.service.sql(f"update ledger_settings set {undo}")
            self.assertEqual((self.first.name, self.first.data["shop"]), ("resync", self.shop))
            self.assertEqual(self.all_changes(self.first.id)[0], [], "the new position is now")
            reading = self.service.record(self.shop, GTINS[1], quantity=random.randrange(1, 10**6))
            self.assertEqual(next(events).data["quantity"], reading["quantity"])
        self.open(other, last_event_id=old)
        self.assertEqual((self.first.name, self.first.data["shop"]), ("resync", other))

    def test_open_streams_get_a_new_position_after_a_restore(self) -> None:
        _, events = self.open()
        self.service.sql("update ledger_settings set feed_epoch = gen_random_uuid()")
        event = next(events)
        self.assertEqual((event.name, event.data["epoch"]), ("resync", self.service.changes(self.shop).json()["epoch"]))
        self.service.record(self.shop, GTINS[0])
        self.assertEqual(next(events).name, "reading")


class Instances(StreamTest):
    def test_a_write_at_one_instance_is_seen_at_the_others(self) -> None:
        other = self.instance()
        _, here = self.open()
        _, there = self.open(address=other.address)
        delays = []
        for quantity in range(20):
            self.service.record(self.shop, GTINS[0], quantity=quantity)
            committed = time.monotonic()
            for events in (here, there):
                self.assertEqual(next(events).data["quantity"], quantity)
            delays.append(time.monotonic() - committed)
        print(f"seen at both instances after {sorted(delays)[10] * 1000:.0f} ms (median), at most {max(delays) * 1000:.0f} ms")
        self.assertLess(max(delays), 5)

    def test_nothing_is_lost_or_repeated_beside_writers_and_kills(self) -> None:
        seed = int(os.environ.get("CODASYNC_TEST_SEED") or random.randrange(2**31))
        print(f"CODASYNC_TEST_SEED={seed}")
        chance = random.Random(seed)
        instance = self.instance()
        _, start = self.all_changes()
        copy, position, kills = Copy(), start, 0
        done = threading.Event()

        def write(seed: int) -> None:
            own = random.Random(seed)
            while not done.is_set():
                with contextlib.suppress(AssertionError):  # 503 on a busy machine
                    reading = self.service.record(self.shop, own.choice(GTINS), quantity=own.randrange(100))
                    if own.random() < 0.1:
                        self.service.send("DELETE", f"/api/v1/stock-readings/{reading['id']}", token=self.service.staff)

        writers = [threading.Thread(target=write, args=(chance.random(),)) for _ in range(3)]
        for writer in writers:
            writer.start()
        try:
            while kills < 5:
                stream = Stream(instance.address, self.shop, last_event_id=position, timeout=20)
                wanted = chance.randrange(1, 60)
                for event in stream:
                    self.assertNotEqual(event.name, "resync")
                    position = event.id
                    if event.name == "reading":
                        copy.apply(event)
                        wanted -= 1
                        if wanted == 0:
                            instance.kill()  # what was sent before still arrives
                stream.close()
                kills += 1
                instance.start()
        finally:
            done.set()
            for writer in writers:
                writer.join()
        expected, end = self.all_changes()
        changed = {row["id"]: row for row in self.all_changes(start)[0]}  # with what was removed
        with Stream(instance.address, self.shop, last_event_id=position, timeout=20) as stream:
            for event in stream:
                if event.name == "reading":
                    copy.apply(event)
                if copy.rows == changed:
                    break
        self.assertEqual(len(copy.places), len(set(copy.places)), "no event came twice")
        self.assertEqual(copy.present(), expected)
        self.assertEqual(copy.rows, changed)
        self.assertGreater(len(copy.places), 50)
        self.assertTrue(end)

    def test_a_stop_ends_each_stream_complete_and_soon(self) -> None:
        instance = self.instance()
        sockets = [self.raw(instance.port) for _ in range(50)]
        quiet = self.raw(instance.port)
        for each in (*sockets, quiet):
            self.read_until(each, b"event: position")
        reading = self.service.record(self.shop, GTINS[0])
        started = time.monotonic()
        for each in sockets:
            self.read_until(each, f'"id":{reading["id"]}'.encode())
        self.assertEqual(instance.stop(), 0)
        self.assertLess(time.monotonic() - started, 8)
        for each in (*sockets, quiet):
            rest = b""
            while piece := each.recv(65536):
                rest += piece
            self.assertTrue(rest.endswith(b"0\r\n\r\n"), rest)

    def raw(self, port: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.addCleanup(client.close)
        client.sendall(f"GET /api/v1/shops/{self.shop}/stream HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        return client

    def read_until(self, client: socket.socket, text: bytes) -> None:
        seen = b""
        while text not in seen:
            piece = client.recv(65536)
            self.assertTrue(piece, seen)
            seen += piece


class Limits(StreamTest):
    def test_more_streams_than_allowed_are_refused_and_places_become_free(self) -> None:
        instance = self.instance(CODASYNC_API_STREAMS_MAX="2")
        first, _ = self.open(address=instance.address)
        self.open(address=instance.address)
        with self.assertRaises(Refused) as refused:
            self.open(address=instance.address)
        self.assertEqual((refused.exception.status, refused.exception.problem["type"]), (503, "urn:codasync:problem:unavailable"))
        self.assertGreater(refused.exception.retry_after, 0)
        self.assertEqual(instance.metric("codasync_streams"), 2)
        first.close()
        eventually(lambda: instance.metric("codasync_streams") == 1, "the place of a client that left is free")
        self.open(address=instance.address)

    def test_a_thousand_streams_need_no_further_threads(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
        instance = self.instance()
        self.open(address=instance.address)
        threads = thread_count(instance.process)
        request = f"GET /api/v1/shops/{self.shop}/stream HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        with contextlib.ExitStack() as opened, selectors.DefaultSelector() as selector:
            for _ in range(CLIENTS):
                client = opened.enter_context(socket.create_connection(("127.0.0.1", instance.port)))
                client.sendall(request)
                selector.register(client, selectors.EVENT_READ, bytearray())
            wanted = b"event: position"
            for text in (wanted, b'"quantity":77'):
                waiting = CLIENTS
                while waiting:
                    ready = selector.select(20)
                    self.assertTrue(ready, f"{waiting} clients wait for {text!r}")
                    for key, _ in ready:
                        had = text in key.data
                        key.data.extend(key.fileobj.recv(65536))  # type: ignore[union-attr]
                        waiting -= text in key.data and not had
                if text == wanted:
                    self.service.record(self.shop, GTINS[0], quantity=77)
            self.assertEqual(thread_count(instance.process), threads)
            self.assertEqual(instance.metric("codasync_streams"), CLIENTS + 1)
        eventually(lambda: instance.metric("codasync_streams") == 1, "all places are free")

    def test_a_client_that_does_not_read_is_dropped_and_continues_after_its_last_event(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/socket"
        # A Unix socket, because its buffer does not grow.
        instance = self.instance(f"unix:{path}", CODASYNC_SERVER_WRITE_TIMEOUT="500ms")
        for gtin in GTINS:
            self.service.record(self.shop, gtin, quantity=1)
        before = self.all_changes()[1]
        _, others = self.open(address=instance.address)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(path)
            client.sendall(f"GET /api/v1/shops/{self.shop}/stream HTTP/1.0\r\nLast-Event-ID: {before}\r\n\r\n".encode())
            received = client.recv(65536)
            # More than the buffers have room for, in many transactions, so that most are events of their own.
            self.service.sql(
                "do $$ begin for i in 1..8000 loop insert into changes (shop_id, reading_id) select shop_id, id from stock_readings"
                f" where shop_id = {self.shop}; commit; end loop; end $$"
            )
            eventually(lambda: instance.metric("codasync_streams_dropped_total") == 1, "the client is dropped")
            self.count(self.service.changes(self.shop).json()["changes"][0]["id"], 99)
            while piece := client.recv(65536):
                received += piece
        ids = [line[4:] for line in received.decode().split("\n\n")[-2].splitlines() if line.startswith("id: ")]
        _, events = self.open(address=instance.address, last_event_id=ids[-1])
        copy = Copy()
        while not any(row["quantity"] == 99 for row in copy.rows.values()):
            copy.apply(next(events))
        for event in others:  # it was not delayed
            if event.data and event.data.get("quantity") == 99:
                break


class Private(StreamTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.private = Instance(cls.service, CODASYNC_API_PUBLIC_READS="false")
        cls.addClassCleanup(cls.private.kill)

    def test_it_needs_a_token_like_every_read(self) -> None:
        for token in ("", "coda_" + "x" * 43):
            with self.assertRaises(Refused) as refused:
                self.open(address=self.private.address, token=token)
            self.assertEqual(refused.exception.status, 401)
        other = self.service.shop("other of the token")
        for token in (self.service.admin, self.service.staff, self.service.token("staff", other)):
            _, events = self.open(address=self.private.address, token=token)
            self.service.record(self.shop, GTINS[0], quantity=random.randrange(10**6))
            self.assertEqual(next(events).name, "reading")

    def test_it_ends_with_its_token(self) -> None:
        admin = self.service.admin
        made = self.service.send("POST", "/api/v1/tokens", {"name": "phone", "role": "staff"}, admin).json()
        _, events = self.open(address=self.private.address, token=made["token"])
        self.service.record(self.shop, GTINS[0], quantity=1)
        self.assertEqual(next(events).name, "reading")
        self.assertEqual(self.service.send("DELETE", f"/api/v1/tokens/{made['id']}", token=admin).status, 204)
        self.service.record(self.shop, GTINS[0], quantity=2)
        self.assertEqual(list(events), [])
        with self.assertRaises(Refused) as refused:
            self.open(address=self.private.address, token=made["token"])
        self.assertEqual(refused.exception.status, 401)


if __name__ == "__main__":
    unittest.main()
