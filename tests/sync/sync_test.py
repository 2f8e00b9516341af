"""POST /sync: the operations of a device, and the changes of its shop."""

import datetime
import unittest
import uuid
from typing import Any

from client import GTINS, Answer
from service import ServiceTest

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def at(seconds: int, clock: int = 0) -> str:
    """A time after the beginning of the day before; `clock`: seconds that the clock of the device is ahead."""
    return (NOW - datetime.timedelta(days=1) + datetime.timedelta(seconds=seconds + clock)).isoformat().replace("+00:00", "Z")


class Sync(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.device = str(uuid.uuid4())

    def operation(self, kind: str | None, seconds: int, gtin: str = GTINS[0], **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "GTIN": gtin, "observed_at": at(seconds)} | ({"kind": kind} if kind else {}) | fields

    def send(self, *operations: dict[str, Any], token: str = "", **fields: Any) -> Answer:
        body = {"device": self.device, "shop": self.shop, "operations": list(operations)} | fields
        return self.service.send("POST", "/api/v1/sync", body, token or self.service.staff)

    def sync(self, *operations: dict[str, Any], **fields: Any) -> Any:
        answer = self.send(*operations, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def outcomes(self, *operations: dict[str, Any], **fields: Any) -> list[str]:
        """Returns: the outcomes; for a rejected operation the code of its problem."""
        return [each["problem"]["type"].rpartition(":")[2] if each["outcome"] == "rejected" else each["outcome"]
                for each in self.sync(*operations, **fields)["results"]]

    def reading(self, gtin: str = GTINS[0]) -> Any:
        return self.service.send("GET", f"/api/v1/shops/{self.shop}/stock/{gtin}").json()

    def test_dates_of_codes_have_the_century_of_the_corrected_time(self) -> None:
        # The first device begins in 1970 after its battery was empty; the second one is far ahead.
        code = f"(01){GTINS[0].zfill(14)}(17)270131"
        for clock in ("1970-01-02T00:00:00Z", "2099-07-01T12:00:00Z", "9999-12-31T23:59:59Z"):
            for corrected in (True, False):
                with self.subTest(clock, corrected=corrected):
                    if not corrected and clock < "2000":
                        continue  # without the clock of the device its time is true, and too old
                    self.device = str(uuid.uuid4())
                    operation = {"id": str(uuid.uuid4()), "kind": "check", "codes": [code], "observed_at": clock}
                    fields = {"device_time": clock} if corrected else {}
                    self.assertIn(self.outcomes(operation, **fields)[0], ("applied", "kept"))
                    self.assertEqual(self.reading()["expiry_date"], "2027-01-31")
        old = {"id": str(uuid.uuid4()), "kind": "check", "codes": [code], "observed_at": "1970-01-02T00:00:00Z"}
        self.assertEqual(self.outcomes(old), ["too-old"])

    def test_it_records_all_kinds_and_answers_with_changes(self) -> None:
        answer = self.sync(
            self.operation("sighting", 1, expiry_date="2027-01-05"), self.operation("check", 2, expiry_date="2027-02-01", quantity=9),
            self.operation("count", 3, quantity=8), self.operation("adjust", 4, delta=-3), self.operation(None, 5, GTINS[1], quantity=2),
            self.operation("remove", 6, GTINS[1]),
        )
        self.assertEqual([each["outcome"] for each in answer["results"]], ["applied"] * 6)
        self.assertEqual((self.reading()["expiry_date"], self.reading()["quantity"]), ("2027-02-01", 5))
        self.assertEqual(self.reading(GTINS[1]).get("status"), 404)
        self.assertEqual(answer["clock_offset_ms"], 0)
        self.assertEqual(answer["shop"]["id"], self.shop)
        after = self.sync(since=answer["next"])
        seen = {each["GTIN"]: each for each in answer["changes"] + after["changes"]}
        self.assertEqual(seen[GTINS[0]]["quantity"], 5)
        self.assertFalse(after["more"])
        self.assertEqual(self.sync(since=after["next"])["changes"], [])

    def test_operations_count_once_in_any_order_and_with_another_token(self) -> None:
        operations = [self.operation("count", 1, quantity=10), self.operation("adjust", 2, delta=-3), self.operation("adjust", 3, delta=-2)]
        self.sync(*reversed(operations))
        self.assertEqual(self.reading()["quantity"], 5)
        again = self.send(*operations, token=self.service.admin).json()["results"]
        self.assertEqual([each["outcome"] for each in again], ["duplicate"] * 3)
        self.assertEqual(self.outcomes(operations[1] | {"delta": -4}), ["id-reused"])
        self.assertEqual(self.outcomes(operations[1] | {"GTIN": GTINS[1]}), ["id-reused"])
        self.assertEqual(self.reading()["quantity"], 5)
        self.device = str(uuid.uuid4())
        self.assertEqual(self.outcomes(operations[1]), ["applied"], "the id of another device")

    def test_a_void_can_come_before_its_target(self) -> None:
        count, sale = self.operation("count", 1, quantity=10), self.operation("adjust", 2, delta=-3)
        void = self.operation("void", 3, voids_operation=sale["id"], reason="a typing error")
        self.assertEqual(self.outcomes(void), ["kept"])
        self.assertEqual(self.reading().get("status"), 404, "nothing is recorded yet")
        self.assertEqual(self.outcomes(void, count, sale), ["duplicate", "applied", "kept"])
        self.assertEqual(self.reading()["quantity"], 10)
        self.assertEqual(self.outcomes(sale, self.operation("void", 4, voids_operation=sale["id"])), ["duplicate", "kept"])
        history = self.service.send("GET", f"/api/v1/stock-readings/{self.reading()['id']}/history", token=self.service.staff).json()
        self.assertTrue(next(each for each in history if each["kind"] == "adjust")["voided_by"])
        self.assertRegex(self.service.deep_check(), r"(?m)^Ledger .* 0 differed")

    def test_a_void_in_the_same_request_before_and_after_its_target(self) -> None:
        count, sale, other = self.operation("count", 1, quantity=10), self.operation("adjust", 2, delta=-3), self.operation("adjust", 2, delta=-4)
        self.assertEqual(self.outcomes(
            self.operation("void", 5, voids_operation=sale["id"]), count, sale, other, self.operation("void", 6, voids_operation=other["id"]),
        ), ["kept", "applied", "kept", "applied", "applied"])
        self.assertEqual(self.reading()["quantity"], 10)

    def test_a_removal_can_be_taken_back_by_its_event(self) -> None:
        removal = self.operation("remove", 2)
        results = self.sync(self.operation("count", 1, quantity=4), removal)["results"]
        self.assertTrue(results[1]["reading"]["removed"])
        self.assertEqual(self.outcomes(self.operation("void", 3, voids=results[1]["event"])), ["applied"])
        self.assertEqual((self.reading()["quantity"], self.reading()["version"]), (4, 3))

    def test_a_void_has_no_effect_on_another_reading_or_device(self) -> None:
        count = self.operation("count", 1, quantity=4)
        event = self.sync(count, self.operation("count", 1, GTINS[1], quantity=1))["results"][0]["event"]
        self.assertEqual(self.outcomes(self.operation("void", 2, GTINS[1], voids_operation=count["id"])), ["not-found"])
        self.assertEqual(self.outcomes(self.operation("void", 2, GTINS[1], voids=event)), ["not-found"])
        void = self.operation("void", 2, voids_operation=count["id"])
        self.assertEqual(self.outcomes(void, self.operation("void", 3, voids_operation=void["id"])), ["applied", "event-not-voidable"])
        early = self.operation("void", 2, GTINS[2], voids_operation=str(uuid.uuid4()))
        self.assertEqual(self.outcomes(early), ["kept"])
        target = self.operation("count", 1, GTINS[3], quantity=3) | {"id": early["voids_operation"]}
        self.assertEqual(self.outcomes(target), ["applied"], "the void is of another reading")
        live = self.service.record(self.shop, GTINS[4])
        self.assertEqual(self.outcomes(self.operation("void", 9, GTINS[4], voids="01a22755-a3c3-7428-b835-d2367ce9ef59")), ["not-found"], live)

    def test_a_void_waits_only_for_what_can_arrive_later(self) -> None:
        self.outcomes(self.operation("count", 1, quantity=4))
        for target in (str(uuid.uuid4()), str(uuid.uuid1()), "ffffffff-ffff-7fff-bfff-ffffffffffff", str(uuid.UUID(int=0))):
            self.assertEqual(self.outcomes(self.operation("void", 2, voids=target)), ["not-found"], target)
        self.assertEqual(self.outcomes(self.operation("void", 2, voids="b2d5c5a5-8c2f-8d03-ae85-140bdcb754e8")), ["kept"], "it can be a name")

    def test_a_void_that_waited_for_a_void_has_no_effect_and_is_not_shown_as_one(self) -> None:
        count, wrong = self.operation("count", 1, quantity=4), self.operation("count", 2, quantity=99)
        void = self.operation("void", 3, voids_operation=wrong["id"])
        self.assertEqual(self.outcomes(self.operation("void", 4, voids_operation=void["id"]), count, wrong, void),
                         ["kept", "applied", "applied", "applied"])
        self.assertEqual(self.reading()["quantity"], 4)
        history = self.service.send("GET", f"/api/v1/stock-readings/{self.reading()['id']}/history", token=self.service.staff).json()
        self.assertEqual([(each["kind"], each["voided_by"]) for each in history],
                         [("void", None), ("void", None), ("count", history[1]["id"]), ("count", None)])
        self.assertRegex(self.service.deep_check(), r"(?m)^Ledger .* 0 differed")

    def test_the_clock_of_a_device_is_corrected_and_its_offset_is_stored(self) -> None:
        count = self.operation("count", 0, quantity=4)
        count["observed_at"] = at(100, 3600)
        ahead = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
        answer = self.sync(count, device_time=ahead)
        self.assertAlmostEqual(answer["clock_offset_ms"], -3_600_000, delta=3_000)
        counted = datetime.datetime.fromisoformat(self.reading()["counted_at"].replace("Z", "+00:00"))
        expected = NOW - datetime.timedelta(days=1) + datetime.timedelta(seconds=100)
        self.assertLess(abs((counted - expected).total_seconds()), 3)
        for ahead_by, same in ((3603, True), (3590, False)):
            later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead_by)).isoformat()
            self.assertEqual(self.sync(device_time=later)["clock_offset_ms"] == answer["clock_offset_ms"], same, ahead_by)
        self.assertEqual(self.sync()["clock_offset_ms"], 0, "without its clock the times are correct")

    def test_a_clock_that_is_days_off_is_said_in_the_answer(self) -> None:
        ahead = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).isoformat()
        self.assertAlmostEqual(self.sync(device_time=ahead)["clock_offset_ms"], -3 * 86_400_000, delta=3_000)

    def test_operations_before_the_floor_are_refused_one_by_one(self) -> None:
        old = self.operation("count", 1, quantity=4) | {"observed_at": "1999-12-31T23:59:59Z"}
        answer = self.sync(old, self.operation("count", 2, quantity=5))
        self.assertEqual([each["outcome"] for each in answer["results"]], ["rejected", "applied"])
        self.assertIn("2000-01-01", answer["results"][0]["problem"]["detail"])

    def codes(self, kind: str | None, *codes: Any, **fields: Any) -> dict[str, Any]:
        operation = self.operation(kind, 1, codes=list(codes)) | fields
        del operation["GTIN"]
        return operation

    def test_an_operation_can_have_codes_instead_of_a_gtin(self) -> None:
        pack = f"]d201{GTINS[0].zfill(14)}17270131" + "10ABC\x1d2177"
        count = self.codes("count", f"]E0{GTINS[1]}", quantity=7)
        answer = self.sync(self.codes(None, pack), count, self.codes("check", f"https://id.gs1.org/01/{GTINS[2].zfill(14)}?15=270203"),
                           self.codes("adjust", GTINS[1], delta=-2) | {"observed_at": at(2)}, self.codes("count", f"(01){GTINS[3].zfill(14)}(17)270101", quantity=1))
        self.assertEqual([each["outcome"] for each in answer["results"]], ["applied"] * 5, answer["results"])
        self.assertEqual([answer["results"][0]["reading"][name] for name in ("GTIN", "expiry_date", "date_kind")], [GTINS[0], "2027-01-31", "use_by"])
        self.assertEqual((self.reading(GTINS[1])["quantity"], self.reading(GTINS[1])["expiry_date"]), (5, None))
        self.assertEqual((self.reading(GTINS[2])["expiry_date"], self.reading(GTINS[2])["date_kind"]), ("2027-02-03", "best_before"))
        self.assertEqual((self.reading(GTINS[3])["expiry_date"], self.reading(GTINS[3])["quantity"]), (None, 1), "a count has no date")
        with_gtin = {name: value for name, value in count.items() if name != "codes"} | {"GTIN": GTINS[1]}
        self.assertEqual(self.outcomes(with_gtin), ["duplicate"], "the same content")
        scanned = self.codes("sighting", f"{GTINS[4]}", "(17)270109")
        self.assertEqual(self.outcomes(scanned, self.codes("void", GTINS[4], voids_operation=scanned["id"]) | {"observed_at": at(3)}), ["applied", "applied"])
        self.assertEqual(self.outcomes(self.codes("count", "04252614", quantity=1, upc_e=True)), ["unknown-product"], "the GTIN-12 of a UPC-E")

    def test_codes_have_the_same_century_whenever_they_arrive(self) -> None:
        codes = f"(01){GTINS[0].zfill(14)}(17)610101"
        old, new = self.codes("check", codes) | {"observed_at": "2010-06-01T00:00:00Z"}, self.codes("check", codes)
        results = self.sync(old, new)["results"]
        self.assertEqual(list(results[0]["problem"]["errors"]), ["codes"], "of 2010, 61 is 1961")
        self.assertEqual(results[1]["reading"]["expiry_date"], "2061-01-01")

    def test_codes_with_errors_reject_their_operation_and_say_why(self) -> None:
        good = f"(01){GTINS[0].zfill(14)}"
        wrong = [
            self.codes("sighting"), self.codes("sighting", ""), self.codes("sighting", "hello"), self.codes("sighting", "4006381333930"),
            self.codes("sighting", "(17)270131"), self.codes("sighting", good, "(17)271399"), self.codes("sighting", *[good] * 17),
            self.codes("sighting", "1" * 2001), self.codes("sighting", 7), self.codes("sighting", None), self.codes("sighting") | {"codes": None},
            self.codes("sighting") | {"codes": good}, self.codes("sighting", f"{good}(17)991231"),
        ]
        fields = [self.codes("sighting", good) | {"GTIN": GTINS[0]}, self.codes("sighting", f"{good}(17)270131", expiry_date="2027-01-30"),
                  self.codes("sighting", f"{good}(17)270131", date_kind="best_before"), self.codes("check", f"{good}(17)270131", date_kind="use_by"),
                  self.codes("check", good), self.codes("count", good), self.codes("sighting", good, separator="x")]
        answer = self.sync(*wrong, *fields, self.codes("count", good, quantity=5))
        for operation, each in zip(wrong + fields, answer["results"], strict=False):
            self.assertEqual((each["outcome"], each.get("problem", {}).get("type")), ("rejected", "urn:codasync:problem:bad-fields"), (operation, each))
            if operation in wrong:
                self.assertIn("codes", each["problem"]["errors"], each)
        self.assertEqual([list(each["problem"]["errors"]) for each in answer["results"][len(wrong):-1]],
                         [["GTIN"], ["expiry_date"], ["date_kind"], ["date_kind"], ["expiry_date"], ["quantity"], ["separator"]])
        self.assertEqual(answer["results"][-1]["outcome"], "applied", "the others are recorded")
        self.assertIn("byte", answer["results"][2]["problem"]["errors"]["codes"][0])
        two = self.codes("sighting", good, f"(01){GTINS[1].zfill(14)}")
        self.assertEqual(self.outcomes(two), ["conflicting-codes"])

    def test_thousands_of_codes_in_a_request(self) -> None:
        operations = [self.codes("sighting", *[f"]d201{GTINS[number % 4].zfill(14)}17270131"] * 16) for number in range(900)]
        answer = self.send(*operations)
        self.assertEqual((answer.status, {each["outcome"] for each in answer.json()["results"]}), (200, {"applied", "kept"}))
        self.assertEqual(self.send(*[self.codes("sighting", GTINS[0])] * 1001).status, 400, "too many operations")
        self.assertEqual(self.send(*[self.codes("sighting", *["x" * 1999] * 16)] * 40).status, 413, "more than a MiB")

    def test_a_void_of_the_event_of_another_shop_is_refused(self) -> None:
        other = self.service.shop("other of the void")
        reading = self.service.record(other, GTINS[0], quantity=3)
        history = f"/api/v1/stock-readings/{reading['id']}/history"
        event = self.service.send("GET", history, token=self.service.staff).json()[0]["id"]
        self.sync(self.operation("count", 1, quantity=1))
        self.assertEqual(self.outcomes(self.operation("void", 2, voids=event)), ["not-found"])
        token = self.service.token("staff", self.shop)
        for method, path in (("GET", history), ("DELETE", f"{history}/{event}")):
            self.assertEqual(self.service.send(method, path, token=token).status, 403, method)
        self.assertEqual(self.service.send("GET", history, token=self.service.staff).json()[0].get("voided_by"), None)
        self.assertEqual(self.service.send("GET", f"/api/v1/shops/{other}/stock/{GTINS[0]}").json()["quantity"], 3)

    def test_a_cursor_of_another_database_must_start_again(self) -> None:
        # As after a restore: the same cluster, database and shop, with another history.
        cursor = self.sync()["next"]
        before = self.service.sql("select feed_epoch from ledger_settings")
        self.service.sql("update ledger_settings set feed_epoch = gen_random_uuid()")
        self.addCleanup(self.service.sql, f"update ledger_settings set feed_epoch = '{before}'")
        count = self.operation("count", 1, quantity=1)
        answer = self.send(count, since=cursor)
        self.assertEqual((answer.status, answer.code), (410, "resync-required"))
        self.assertEqual(self.outcomes(count), ["duplicate"])

    def test_the_operations_of_a_closed_month_are_refused_and_younger_ones_are_not(self) -> None:
        floor = self.service.sql("select ledger_floor from ledger_settings")
        self.service.sql("update ledger_settings set ledger_floor = '2026-03-01 00:00+00'")
        self.addCleanup(self.service.sql, f"update ledger_settings set ledger_floor = '{floor}'")
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("sighting", {"expiry_date": "2027-01-01"}), ("check", {"expiry_date": None}), ("count", {"quantity": 1}), ("adjust", {"delta": 1}),
            ("remove", {}), ("void", {"voids_operation": str(uuid.uuid4())})]
        old = [self.operation(kind, 1, **fields) | {"observed_at": "2026-02-28T23:59:59Z"} for kind, fields in kinds]
        answer = self.sync(*old, self.operation("count", 1, quantity=2) | {"observed_at": "2026-03-01T00:00:00Z"})
        for each in answer["results"][:-1]:
            self.assertEqual((each["outcome"], each["problem"]["type"]), ("rejected", "urn:codasync:problem:too-old"), each)
            self.assertIn("2026-03-01", each["problem"]["detail"])
        self.assertEqual(answer["results"][-1]["outcome"], "applied")

    def test_bad_operations_do_not_stop_the_others(self) -> None:
        bad = [
            self.operation("count", 1), self.operation("adjust", 1), self.operation("void", 1), self.operation("fly", 1),
            self.operation("void", 1, voids="x"), self.operation("void", 1, voids=str(uuid.uuid4()), voids_operation=str(uuid.uuid4())),
            self.operation("count", 1, quantity=1) | {"id": "1"}, self.operation("sighting", 1) | {"observed_at": None},
            self.operation("remove", 1, delta=1), self.operation("sighting", 1, shop=self.shop),
        ]
        self.assertEqual(self.outcomes(*bad, self.operation("count", 2, quantity=5)), ["bad-fields"] * len(bad) + ["applied"])

    def test_each_field_of_an_operation_that_has_no_null_is_refused_with_it(self) -> None:
        record = {"name": "Tea", "expiry_date": "2027-01-01", "date_kind": "use_by", "quantity": 3}
        target = {"voids_operation": str(uuid.uuid4())}
        event = self.sync(self.operation("count", 1, quantity=4))["results"][0]["event"]
        operations: list[tuple[str, dict[str, Any]]] = [
            ("sighting", record), ("check", record), ("count", {"name": "Tea", "quantity": 3}), ("adjust", {"delta": 1, "reason": "sold"}),
            ("remove", {"reason": "sold"}), ("void", target | {"reason": "sold"}), ("void", {"voids": event, "reason": "sold"})]
        for kind, fields in operations:
            for name in ("id", "kind", "GTIN", "observed_at", *fields):
                is_value = name in ("date_kind", "reason") or (name == "quantity" and kind != "count")
                with self.subTest(kind, field=name):
                    answer = self.sync(self.operation(kind, 2, **fields) | {name: None})["results"][0]
                    self.assertEqual(answer["outcome"] != "rejected", is_value, answer)
                    if not is_value:
                        self.assertEqual(answer["problem"]["type"], "urn:codasync:problem:bad-fields")
        both = self.sync(self.operation("void", 2, voids=None, **target), self.operation("void", 2, voids=event, voids_operation=None))["results"]
        self.assertEqual([list(each["problem"]["errors"]) for each in both], [["voids"], ["voids", "voids_operation"]])

    def test_the_request_as_a_whole_can_be_wrong(self) -> None:
        good = {"device": self.device, "shop": self.shop}
        for wrong in ({"device": None}, {"device": "x"}, {"shop": None}, {"since": "x"}, {"limit": 0}, {"limit": 1001}, {"operations": 1},
                      {"operations": [[]]}, {"device_time": "now"}, {"bogus": 1}):
            answer = self.service.send("POST", "/api/v1/sync", good | wrong, self.service.staff)
            self.assertEqual((answer.status, answer.code, list(answer.json()["errors"])), (400, "bad-fields", list(wrong)), wrong)
        self.assertEqual(self.send(*[self.operation("remove", 1)] * 1001).status, 400)
        self.assertEqual(self.send(shop=999_999).status, 404)
        self.assertEqual(self.send(token="wrong").status, 401)

    def test_a_token_of_other_shops_may_neither_write_nor_read(self) -> None:
        other = self.service.shop("other of the sync")
        token = self.service.token("staff", other)
        answer = self.send(self.operation("count", 1, quantity=1), token=token)
        self.assertEqual((answer.status, answer.code), (403, "forbidden"))
        self.assertEqual(self.reading().get("status"), 404)

    def test_a_revoked_token_rejects_no_operation(self) -> None:
        token = self.service.send("POST", "/api/v1/tokens", {"name": "Lost", "role": "staff"}, self.service.admin).json()
        self.assertEqual(self.send(token=token["token"]).status, 200)
        self.service.send("DELETE", f"/api/v1/tokens/{token['id']}", token=self.service.admin)
        answer = self.send(self.operation("count", 1, quantity=1), token=token["token"])
        self.assertEqual((answer.status, answer.code), (401, "unauthorized"), "the device keeps its operations")

    def test_an_old_cursor_is_410_and_the_operations_are_not_lost(self) -> None:
        cursor = self.sync()["next"]
        self.service.record(self.shop, GTINS[1])
        self.service.sql("update ledger_settings set purged_below = pg_snapshot_xmin(pg_current_snapshot())")
        self.addCleanup(self.service.sql, "update ledger_settings set purged_below = '0'")
        count = self.operation("count", 1, quantity=1)
        answer = self.send(count, since=cursor)
        self.assertEqual((answer.status, answer.code), (410, "resync-required"))
        self.assertEqual(self.outcomes(count), ["duplicate"], "it is recorded; without a result it is sent again")


if __name__ == "__main__":
    unittest.main()
