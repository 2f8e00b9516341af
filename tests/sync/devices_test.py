"""Devices that are offline for a while, writers and long transactions beside them, a service that is killed, a change log that is purged, rows that
are repaired, and a database that is restored from a backup: at the end all have the same state, which a fold of all accepted operations gives too.
The fold is meaning() of tests/model/data_core.py, which shares no code with the service.

CODASYNC_TEST_SEED selects the operations; CODASYNC_SYNC_STEPS their number (by hand also large).
"""

import contextlib
import datetime
import hashlib
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
import unittest
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client import GTINS
from service import ServiceTest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "clients"), str(TESTS / "model")]
from data_core import NEVER, Event, meaning  # noqa: E402
from device import Device, TryLater, over_http  # noqa: E402

SEED = int(os.environ.get("CODASYNC_TEST_SEED", random.SystemRandom().randrange(10**9)))
STEPS = int(os.environ.get("CODASYNC_SYNC_STEPS", "400"))
USED = GTINS[:4]
STRICTNESS = {"use_by": 0, "sell_by": 1, "best_before": 2, None: 3}
DATE_KINDS = {"u": 0, "s": 1, "b": 2, "": 3}
BEFORE, BACKED_UP, RESTORED = range(3)  # eras of the database
KINDS = {"s": "sighting", "c": "check", "q": "count", "a": "adjust", "r": "remove", "v": "void"}


class Lossy:
    """The network of a device: it loses requests and answers, and sends requests twice."""

    def __init__(self, send: Any, chance: random.Random) -> None:
        self.send, self.chance = send, chance
        self.offline, self.reliable = False, False
        self.sent: list[dict[str, Any]] = []  # for repetitions

    def __call__(self, body: dict[str, Any]) -> Any:
        if self.offline or (not self.reliable and self.chance.random() < 0.1):
            raise OSError("no network")
        answer = self.send(body)
        if body["operations"]:
            self.sent.append(body)
        if not self.reliable and self.chance.random() < 0.15:
            raise OSError("the answer is lost")
        return answer

    def repeat_an_old_request(self) -> None:
        """As a delayed copy would arrive, with its operations in another order."""
        if self.sent:
            body = dict(self.chance.choice(self.sent))
            body["operations"] = self.chance.sample(body["operations"], len(body["operations"]))
            self.send(body)


class Beside(threading.Thread):
    """Works on the same readings beside the devices, until it is stopped."""

    def __init__(self, test: "Devices", chance: random.Random) -> None:
        super().__init__()
        self.test, self.chance, self.stopping = test, chance, threading.Event()

    def stop(self) -> None:
        self.stopping.set()
        self.join()


class LongTransactions(Beside):
    """Renames a product in a transaction that stays open for a while; younger transactions commit before it."""

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            with contextlib.suppress(BrokenPipeError), self.test.service.session() as session:
                gtin = self.chance.choice(USED)
                session("begin; set local lock_timeout = '5s'")
                session(f"update products set name = 'Long {number}', version = version + 1 where gtin = {gtin};"
                        f"insert into changes (shop_id, reading_id) select shop_id, id from stock_readings where gtin = {gtin}")
                self.stopping.wait(self.chance.uniform(0.1, 1.0))
                session("commit")
                self.test.service.empty_cache()  # the service has written nothing
            self.stopping.wait(self.chance.random())


class LiveWriter(Beside):
    """Sends operations without a device. `accepted`: their ids, with the era in which each was sent last."""

    def __init__(self, test: "Devices", chance: random.Random) -> None:
        super().__init__(test, chance)
        self.accepted: dict[str, int] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            gtin = self.chance.choice(USED)
            fields: dict[str, Any] = self.chance.choice([
                {"op": "record", "quantity": self.chance.randrange(9)},
                {"op": "record", "expiry_date": f"2027-01-{self.chance.randrange(1, 29):02}"},
                {"op": "adjust", "delta": self.chance.choice([-3, -1, 2])},
                {"op": "remove"},
            ])
            item = {"id": uuid.UUID(int=self.chance.getrandbits(128)).hex, "shop": self.test.shop, "GTIN": gtin} | fields
            for _ in range(400):  # until it is decided, also after the last step
                if self.send(item):
                    break
                time.sleep(0.05)
            time.sleep(self.chance.random() / 20)

    def send(self, item: dict[str, Any]) -> bool:
        """Returns: whether it was decided."""
        era = self.test.era
        try:
            answer = self.test.service.send("POST", "/api/v1/stock-readings/batch", {"items": [item]}, self.test.service.staff)
            results = answer.json()["results"] if answer.status == 200 else []
        except (OSError, ValueError, http.client.HTTPException):
            return False
        if results:
            self.accepted[item["id"]] = era
        return bool(results)


class Devices(ServiceTest):
    era: int
    transactions: LongTransactions

    def setUp(self) -> None:
        super().setUp()
        print(f"CODASYNC_TEST_SEED={SEED}", flush=True)
        self.chance = random.Random(SEED)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        send = over_http(f"http://127.0.0.1:{self.service.port}", self.service.staff)
        self.devices: list[Device] = []
        self.networks: list[Lossy] = []
        for number, skew in enumerate((0, 2, -20, 400, -3000)):
            network = Lossy(send, random.Random(self.chance.getrandbits(64)))
            clock = (lambda wrong: lambda: time.time() + wrong)(skew)
            self.networks.append(network)
            self.devices.append(Device(Path(folder.name) / f"{number}.json", self.shop, network, clock))

    def operate(self, device: Device) -> None:
        chance, gtin = self.chance, self.chance.choice(USED)
        mine = [name for name, operation in device.operations.items() if operation["GTIN"] == gtin and operation["kind"] != "void"]
        date = f"2027-01-{chance.randrange(10, 14)}"
        kind = chance.choice([None, "use_by", "best_before"])
        match chance.choice(["sighting", "sighting", "check", "empty", "count", "adjust", "adjust", "adjust", "remove", "void", "tie"]):
            case "sighting":
                device.sighting(gtin, date, date_kind=kind)
            case "check":
                device.check(gtin, date, date_kind=kind, quantity=chance.choice([None, 3, 7]))
            case "empty":
                device.check(gtin, None)
            case "count":
                device.count(gtin, chance.randrange(8))
            case "adjust":
                device.adjust(gtin, chance.choice([-3, -2, -1, 1, 4]))
            case "remove":
                device.remove(gtin)
            case "void" if mine:
                device.void(gtin, chance.choice(mine))
            case "tie":  # several operations of one second, as programs with whole seconds send them
                first = len(device.waiting)
                device.count(gtin, chance.randrange(5))
                device.adjust(gtin, -2)
                device.check(gtin, date)
                moment = device.operations[device.waiting[first]]["observed_at"][:19] + "Z"
                for name in device.waiting[first:]:
                    device.operations[name]["observed_at"] = moment

    def go_online(self, number: int) -> None:
        device, network = self.devices[number], self.networks[number]
        if self.chance.random() < 0.5:
            self.chance.shuffle(device.waiting)  # voids before their targets
        try:
            device.synchronise()
            if self.chance.random() < 0.3:
                network.repeat_an_old_request()
        except OSError:
            pass

    def kill_during_requests(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """`meanwhile` is called while the service is down."""
        threads = [threading.Thread(target=self.go_online, args=(number,)) for number in range(len(self.devices))]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.random() / 10)
        self.service.kill()
        for thread in threads:
            thread.join()
        meanwhile()
        self.service.start()

    def back_up(self) -> None:
        self.transactions.stop()  # a copy requires that there are no sessions
        self.service.back_up()
        self.era = BACKED_UP
        self.start_transactions()

    def restore(self) -> None:
        """The database is what it was at the backup: it has none of the operations since then."""
        self.transactions.stop()
        self.service.restore()
        self.era = RESTORED
        self.start_transactions()

    def purge(self) -> None:
        """The service deletes the changes until now when it starts."""
        self.service.sql("insert into change_marks (day, xid) select current_date - 31, pg_snapshot_xmin(pg_current_snapshot())"
                         " on conflict (day) do update set xid = excluded.xid")

    def damage_and_repair(self) -> None:
        gtin = self.chance.choice(USED)
        self.service.sql("update stock_readings set expiry_date = '2030-12-31', date_kind = null, quantity = 999, plain = 999, lowest = 999,"
                         f" quantity_since = coalesce(quantity_since, observed_at) where shop_id = {self.shop} and gtin = {gtin} and present")
        for number in range(len(self.devices)):
            self.networks[number].offline = False
            self.go_online(number)  # some read the damaged row
        self.assertRegex(self.service.deep_check("--repair"), r"(?m)^Ledger .* (\d+) differed, \1 repaired")

    def wait_for_a_write(self, writer: LiveWriter) -> None:
        """Waits until a write of this era was decided: after a restart the slots of the cache are checked first, which takes some seconds."""
        deadline = time.monotonic() + 30
        while self.era not in set(writer.accepted.values()):
            self.assertLess(time.monotonic(), deadline, "no write was decided")
            time.sleep(0.05)

    def start_transactions(self) -> None:
        self.transactions = LongTransactions(self, random.Random(self.chance.getrandbits(64)))
        self.transactions.start()

    def test_all_have_the_state_that_a_fold_of_all_operations_gives(self) -> None:
        for gtin in USED:
            self.service.record(self.shop, gtin, quantity=5)
        events_before = len(self.events())
        self.era = BEFORE
        writer = LiveWriter(self, random.Random(self.chance.getrandbits(64)))
        writer.start()
        self.start_transactions()
        incidents = {STEPS * (number + 1) // 8: incident for number, incident in enumerate((
            self.kill_during_requests, self.damage_and_repair, lambda: self.kill_during_requests(self.back_up),
            lambda: self.kill_during_requests(self.purge), lambda: self.kill_during_requests(self.restore),
            lambda: self.kill_during_requests(self.purge), self.damage_and_repair))}
        try:
            for step in range(STEPS):
                if step in incidents:
                    incidents[step]()
                    self.wait_for_a_write(writer)
                    continue
                number = self.chance.randrange(len(self.devices))
                match self.chance.random():
                    case r if r < 0.75:
                        self.operate(self.devices[number])
                    case r if r < 0.95:
                        self.networks[number].offline = self.chance.random() < 0.4
                        self.go_online(number)
                    case _:
                        self.restart_device(number)
        finally:
            writer.stop()
            self.transactions.stop()
        self.assertNotEqual(self.service.sql("select purged_below from ledger_settings"), "0")
        self.assertEqual({era for era in writer.accepted.values()}, {BEFORE, BACKED_UP, RESTORED})
        self.catch_up()
        self.commit_after_younger_transactions()
        self.catch_up()
        events = self.events()
        self.check_that_nothing_is_lost(events, writer, events_before)
        self.compare(events)
        self.assertRegex(self.service.deep_check(), r"(?m)^Ledger .* 0 differed")

    def restart_device(self, number: int) -> None:
        old = self.devices[number]
        self.devices[number] = Device(old.file, self.shop, self.networks[number], old.clock)

    def commit_after_younger_transactions(self) -> None:
        """No later change shows what the devices would miss of this one."""
        with self.service.session() as session:
            gtins = ",".join(USED)
            session(f"begin; update products set name = 'Last ' || gtin, version = version + 1 where gtin in ({gtins});"
                    f"insert into changes (shop_id, reading_id) select shop_id, id from stock_readings where gtin in ({gtins})")
            self.service.sql("select pg_current_xact_id()")
            self.catch_up()
            session("commit")
        self.service.empty_cache()

    def catch_up(self) -> None:
        for network in self.networks:
            network.offline, network.reliable = False, True
        deadline = time.monotonic() + 30
        for device in self.devices * 2:  # the second time they read what the others sent
            while True:
                self.assertLess(time.monotonic(), deadline)
                try:
                    device.synchronise()
                except TryLater:
                    time.sleep(0.1)
                else:
                    break
        for device in self.devices:
            self.assertEqual((device.waiting, device.complete), ([], True))

    def events(self) -> list[dict[str, Any]]:
        """The whole ledger of the shop."""
        return json.loads(self.service.sql(
            "select coalesce(json_agg(json_build_object('id', e.id, 'GTIN', lpad(r.gtin::text, 13, '0'), 'kind', e.kind, 'at', micros_of(e.observed_at),"
            " 'date', e.expiry_date, 'date_kind', coalesce(e.date_kind::text, ''), 'quantity', e.quantity, 'delta', e.delta, 'voids', e.voids)), '[]')"
            f" from stock_events e join stock_readings r on r.id = e.reading_id where r.shop_id = {self.shop}"))

    def check_that_nothing_is_lost(self, events: list[dict[str, Any]], writer: LiveWriter, events_before: int) -> None:
        """Each operation of a device is in the ledger once, with its content; and nothing else is there but what the writer sent. Of that, only what
        was accepted between the backup and the restore can be missing: the writer does not send it again."""
        by_name = {event["id"]: event for event in events}
        self.assertEqual(len(by_name), len(events))
        expected = 0
        for device in self.devices:
            for name, operation in device.operations.items():
                result = device.outcomes[name]
                self.assertIn(result["outcome"], ("applied", "kept", "duplicate", "rejected"))
                if result["outcome"] == "rejected":
                    self.assertIn(result["problem"]["type"].rpartition(":")[2], ("not-found", "event-not-voidable"), operation)
                    self.assertEqual(operation["kind"], "void", operation)
                    continue
                expected += 1
                event = by_name[name_of("operation", device.id, name)]
                self.assertEqual(event["id"], result["event"])
                self.assertEqual(KINDS[event["kind"]], operation["kind"])
                self.assertEqual(event["GTIN"], operation["GTIN"])
                for field in ("quantity", "delta"):
                    self.assertEqual(event[field], operation.get(field), (field, operation))
                self.assertEqual(event["date"], operation.get("expiry_date"), operation)
                self.assertEqual(DATE_KINDS[event["date_kind"]], STRICTNESS[operation.get("date_kind")], operation)
                if operation["kind"] == "void":
                    self.assertEqual(event["voids"], name_of("operation", device.id, operation["voids_operation"]))
        token = self.service.send("GET", "/api/v1/tokens/self", token=self.service.staff).json()["id"]
        for item, era in writer.accepted.items():
            there = name_of("item", str(token), item) in by_name
            self.assertTrue(there or era == BACKED_UP, (item, era))
            expected += there
        self.assertEqual(len(events), events_before + expected)

    def compare(self, events: list[dict[str, Any]]) -> None:
        for gtin in USED:
            expected = meaning([
                Event(each["id"], KINDS[each["kind"]], each["at"],
                      (int(each["date"].replace("-", "")), DATE_KINDS[each["date_kind"]]) if each["date"] else None,
                      each["quantity"], each["delta"] or 0, each["voids"] or "")
                for each in events if each["GTIN"] == gtin
            ])
            answer = self.service.send("GET", f"/api/v1/shops/{self.shop}/stock/{gtin}")
            self.assertEqual(answer.status, 200 if expected.present else 404, (gtin, expected, answer.body))
            for device in self.devices:
                known = device.copy.get(gtin, {"removed": True})
                self.assertEqual("removed" not in known, expected.present, (gtin, known, expected))
                if not expected.present:
                    continue
                reading = answer.json()
                self.assertEqual({name: known[name] for name in reading}, reading, gtin)
                self.assertEqual(known["quantity"], expected.quantity, gtin)
                date = (int(known["expiry_date"].replace("-", "")), STRICTNESS[known["date_kind"]]) if known["expiry_date"] else None
                self.assertEqual(date, expected.date, gtin)
                self.assertEqual(micros_of(known["checked_at"]), expected.looked_at, gtin)
                self.assertEqual(micros_of(known["counted_at"]), expected.counted_at, gtin)


def name_of(*parts: str) -> str:
    """The name of an operation (storage/README.md): a UUID of version 8 of the first 16 bytes of SHA-256."""
    digest = bytearray(hashlib.sha256(b"".join(part.encode() + b"\0" for part in ("codasync", *parts))).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def micros_of(text: str | None) -> int:
    if text is None:
        return NEVER
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1_000_000 + 0.5)


if __name__ == "__main__":
    unittest.main()
