"""POST /stock-readings/batch: a list of operations, each decided by itself."""

import unittest
import uuid
from typing import Any

from client import GTINS, Answer
from service import ServiceTest

BATCH = "/api/v1/stock-readings/batch"
LONG_AGO = "2026-01-01T00:00:00Z"


class Batch(ServiceTest):
    def item(self, op: str, gtin: str = GTINS[0], **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "op": op, "shop": self.shop, "GTIN": gtin} | fields

    def send(self, *items: dict[str, Any], token: str = "", **fields: Any) -> Answer:
        return self.service.send("POST", BATCH, {"items": list(items)} | fields, token or self.service.staff)

    def results(self, *items: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
        answer = self.send(*items, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        results = answer.json()["results"]
        self.assertEqual([each["id"] for each in results], [each.get("id") for each in items])
        return results

    def codes(self, *items: dict[str, Any], **fields: Any) -> list[str]:
        """Returns: the outcomes; for a rejected item the code of its problem."""
        return [each["problem"]["type"].rpartition(":")[2] if each["outcome"] == "rejected" else each["outcome"]
                for each in self.results(*items, **fields)]

    def reading(self, gtin: str = GTINS[0]) -> Any:
        return self.service.send("GET", f"/api/v1/shops/{self.shop}/stock/{gtin}").json()

    def test_each_item_has_a_result_with_the_reading_after_it(self) -> None:
        results = self.results(
            self.item("record", quantity=10, expiry_date="2027-01-01"), self.item("adjust", delta=-3, reason="sold"),
            self.item("record", GTINS[1], kind="check", expiry_date=None), self.item("remove"), self.item("record", GTINS[2], quantity=1),
        )
        self.assertEqual([each["outcome"] for each in results], ["applied"] * 5)
        self.assertEqual([each["reading"].get("quantity") for each in results], [10, 7, 0, None, 1])
        self.assertEqual([each["reading"]["version"] for each in results], [1, 2, 1, 3, 1])
        self.assertEqual(results[3]["reading"] | {"id": 0}, {
            "id": 0, "shop": self.shop, "GTIN": GTINS[0], "version": 3, "product_version": 1, "removed": True})
        history = self.service.send("GET", f"/api/v1/stock-readings/{results[0]['reading']['id']}/history", token=self.service.staff).json()
        self.assertEqual([each["id"] for each in history], [results[3]["event"], results[1]["event"], results[0]["event"]])

    def test_a_thousand_items_are_accepted_and_more_are_not(self) -> None:
        items = [self.item("record", GTINS[number % len(GTINS)], quantity=number) for number in range(1000)]
        self.assertEqual(set(self.codes(*items)), {"applied"})
        self.assertEqual(self.reading(GTINS[(999 - 3) % len(GTINS)])["version"], 167)
        answer = self.send(*items, self.item("remove"))
        self.assertEqual((answer.status, list(answer.json()["errors"])), (400, ["items"]))

    def test_the_same_request_again_changes_nothing(self) -> None:
        items = [self.item("record", quantity=5), self.item("adjust", delta=-1), self.item("remove", GTINS[1])]
        first = self.results(*items)
        again = self.results(*items)
        self.assertEqual([each["outcome"] for each in again], ["duplicate"] * 3)
        self.assertEqual([each["event"] for each in again], [each["event"] for each in first])
        self.assertEqual(self.reading()["version"], 2)
        self.assertEqual(self.codes(items[1], items[1], items[1] | {"delta": -2}), ["duplicate", "duplicate", "id-reused"])
        twice = self.item("adjust", delta=-1)
        self.assertEqual(self.codes(twice, twice), ["applied", "duplicate"])

    def test_an_id_belongs_to_its_token_or_its_device(self) -> None:
        device, item = str(uuid.uuid4()), self.item("adjust", delta=1) | {"id": "1"}
        self.assertEqual(self.codes(self.item("record", quantity=1), item), ["applied", "applied"])
        self.assertEqual(self.send(item, token=self.service.admin).json()["results"][0]["outcome"], "applied")
        self.assertEqual(self.codes(item, device=device), ["bad-fields"], "an operation of a device has a UUID")
        named = self.item("adjust", delta=1)
        self.assertEqual(self.codes(named, device=device), ["applied"])
        self.assertEqual(self.send(named, token=self.service.admin, device=device).json()["results"][0]["outcome"], "duplicate")
        self.assertEqual(self.codes(named, device=str(uuid.uuid4())), ["applied"])

    def test_one_bad_item_does_not_stop_the_others(self) -> None:
        bad = [
            self.item("record", "9520000000005"), self.item("record", quantity=-1), self.item("adjust"), self.item("adjust", delta=1, quantity=2),
            self.item("fly"), {"op": "remove", "shop": self.shop, "GTIN": GTINS[0]}, self.item("remove", observed_at="now"),
            self.item("record", bogus=1), self.item("record", kind="check"), self.item("remove") | {"id": 7}, self.item("record") | {"shop": None},
        ]
        answer = self.send(*bad, self.item("record", quantity=3))
        results = answer.json()["results"]
        self.assertEqual([each["outcome"] for each in results], ["rejected"] * len(bad) + ["applied"])
        for each in results[:-1]:
            self.assertEqual((each["problem"]["type"], each["problem"]["status"]), ("urn:codasync:problem:bad-fields", 400), each)
            self.assertTrue(each["problem"]["errors"], each)
        self.assertEqual(list(results[5]["problem"]["errors"]), ["id"])
        self.assertEqual(results[9]["id"], None)
        self.assertEqual(self.codes(self.item("record", "9520000000066"), self.item("record") | {"shop": 999_999}), ["unknown-product", "unknown-shop"])

    def test_problems_say_what_the_item_can_do(self) -> None:
        # An item has no id of a reading, and an adjustment no name.
        unknown, absent = self.results(self.item("adjust", "9520000000998", delta=1), self.item("remove", GTINS[3]), strict=True)[:2]
        self.assertEqual(absent["problem"]["detail"], "This stock reading does not exist, or it was removed.")
        self.assertEqual(unknown["problem"]["detail"], absent["problem"]["detail"])
        late = self.results(self.item("adjust", "9520000000998", delta=1))[0]
        self.assertEqual(late["problem"]["detail"], "There is no product with this GTIN. To create it, record it with its `name`.")

    def test_what_happened_stops_at_zero_and_a_strict_request_is_refused(self) -> None:
        self.service.record(self.shop, GTINS[0], quantity=2)
        self.assertEqual(self.codes(self.item("adjust", delta=-5), strict=True), ["below-zero"])
        self.assertEqual(self.reading()["quantity"], 2)
        self.assertEqual(self.codes(self.item("adjust", GTINS[1], delta=-5), self.item("remove", GTINS[2]), strict=True), ["not-found", "not-found"])
        sold = self.item("adjust", delta=-5, observed_at="2099-01-01T00:00:00Z")
        self.assertEqual(self.codes(sold, strict=True), ["applied"], "with observed_at it says what happened")
        self.assertEqual(self.reading()["quantity"], 0)
        self.assertEqual(self.codes(self.item("record", quantity=1), self.item("adjust", delta=-9)), ["applied", "applied"])
        self.assertEqual(self.reading()["quantity"], 0)

    def test_a_late_item_counts_at_its_time(self) -> None:
        self.service.record(self.shop, GTINS[0], quantity=2)
        self.assertEqual(self.codes(self.item("record", quantity=9, observed_at=LONG_AGO), self.item("adjust", delta=-1)), ["kept", "applied"])
        self.assertEqual(self.reading()["quantity"], 1)
        self.assertEqual(self.codes(self.item("remove", observed_at="1999-12-31T23:59:59Z")), ["too-old"])

    def test_an_adjustment_before_the_record_counts_when_the_record_arrives(self) -> None:
        self.assertEqual(self.codes(self.item("adjust", delta=-1, observed_at="2026-01-01T00:00:01Z")), ["kept"])
        self.assertEqual(self.reading().get("status"), 404)
        self.assertEqual(self.codes(self.item("record", quantity=5, observed_at=LONG_AGO)), ["applied"])
        self.assertEqual(self.reading()["quantity"], 4)

    def test_a_name_creates_an_unknown_product(self) -> None:
        items = [self.item("record", "9520000000080", quantity=1, name="New tea"), self.item("adjust", "9520000000080", delta=1)]
        self.assertEqual(self.codes(*items), ["applied", "applied"])
        self.assertEqual((self.reading("9520000000080")["name"], self.reading("9520000000080")["quantity"]), ("New tea", 2))

    def test_the_shops_of_the_token_hold_for_each_item(self) -> None:
        other = self.service.shop("other of the batch")
        token = self.service.token("staff", self.shop)
        answer = self.send(self.item("record"), self.item("record") | {"shop": other}, token=token).json()["results"]
        self.assertEqual([each["outcome"] for each in answer], ["applied", "rejected"])
        self.assertEqual(answer[1]["problem"]["type"], "urn:codasync:problem:forbidden")
        self.assertEqual(self.service.send("GET", f"/api/v1/shops/{other}/stock/{GTINS[0]}").status, 404)
        for wrong, status in (("", 401), ("coda_" + "x" * 43, 401)):
            self.assertEqual(self.service.send("POST", BATCH, {"items": []}, wrong).status, status)

    def test_the_request_as_a_whole_can_be_wrong(self) -> None:
        for body in ({}, {"items": {}}, {"items": [1]}, {"items": None}, {"items": [], "strict": 1}, {"items": [], "bogus": 1}, {"items": [], "device": "x"},
                     {"items": [], "device_time": LONG_AGO}):
            answer = self.service.send("POST", BATCH, body, self.service.staff)
            self.assertEqual((answer.status, answer.code), (400, "bad-fields"), body)
        conditional = self.service.send("POST", BATCH, {"items": []}, self.service.staff, If_Match="*")
        self.assertEqual((conditional.status, list(conditional.json()["errors"])), (400, ["If-Match"]))
        self.assertEqual(self.send().json(), {"clock_offset_ms": 0, "results": []})

    def test_an_undecided_item_has_no_result(self) -> None:
        self.service.record(self.shop, GTINS[0], quantity=1)
        with self.service.session() as session:
            session("begin")
            session(f"select from stock_readings where shop_id = {self.shop} for update")
            items = [self.item("record", quantity=2), self.item("record", GTINS[1], quantity=2)]
            answer = self.send(*items)
            alone = self.send(items[0])
            session("rollback")
        self.assertEqual([(each["id"], each["outcome"]) for each in answer.json()["results"]], [(items[1]["id"], "applied")])
        self.assertEqual((alone.status, alone.code), (503, "unavailable"), "nothing was decided")
        self.assertEqual(self.codes(*items), ["applied", "duplicate"])


if __name__ == "__main__":
    unittest.main()
