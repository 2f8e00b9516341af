"""GET /changes: the change feed of a shop."""

import time
import unittest

from client import GTINS
from service import ServiceTest


class Changes(ServiceTest):
    def test_it_begins_with_all_readings_and_continues_with_the_changes(self) -> None:
        readings = [self.service.record(self.shop, gtin, quantity=number) for number, gtin in enumerate(GTINS)]
        found, cursor = self.all_changes(limit=2)
        self.assertEqual([each["id"] for each in found], [each["id"] for each in readings])
        for change, reading in zip(found, readings, strict=True):
            self.assertEqual(change.pop("product_version"), 1)
            reading.pop("outcome")
            self.assertEqual(change, reading)
        self.assertEqual(self.all_changes(cursor)[0], [])
        self.service.record(self.shop, GTINS[3], quantity=9)
        found, cursor = self.all_changes(cursor)
        self.assertEqual([(each["GTIN"], each["quantity"], each["version"]) for each in found], [(GTINS[3], 9, 2)])
        self.assertEqual(self.all_changes(cursor)[0], [])

    def test_the_head_describes_the_shop(self) -> None:
        shop = self.service.send("GET", f"/api/v1/shops/{self.shop}").json()
        answer = self.service.changes(self.shop).json()
        self.assertEqual(answer["shop"], shop)
        self.assertRegex(answer["epoch"], "^[0-9a-f]{16}$")
        self.assertEqual(answer["behind_ms"], 0)

    def test_a_reading_that_changed_often_is_in_a_page_once(self) -> None:
        _, cursor = self.all_changes()
        for quantity in range(5):
            self.service.record(self.shop, GTINS[0], quantity=quantity)
        found, _ = self.all_changes(cursor)
        self.assertEqual([each["quantity"] for each in found], [4])
        small, _ = self.all_changes(cursor, limit=1)
        self.assertEqual({each["version"] for each in small}, {5}, "as it is now, on each page")

    def test_changes_during_the_snapshot_are_not_missed(self) -> None:
        for gtin in GTINS[:3]:
            self.service.record(self.shop, gtin, quantity=1)
        page = self.service.changes(self.shop, limit=2).json()
        self.service.record(self.shop, GTINS[0], quantity=7)
        found, _ = self.all_changes(page["next"], limit=2)
        self.assertIn((GTINS[0], 7), [(each["GTIN"], each["quantity"]) for each in found])

    def test_a_removed_reading_is_a_tombstone_also_after_its_product_is_deleted(self) -> None:
        gtin = "9520000000066"
        self.service.product(gtin, "Sold out")
        reading = self.service.record(self.shop, gtin)
        _, cursor = self.all_changes()
        self.service.send("DELETE", f"/api/v1/stock-readings/{reading['id']}", token=self.service.staff)
        self.assertEqual(self.service.send("DELETE", f"/api/v1/products/{gtin}", token=self.service.admin).status, 204)
        found, _ = self.all_changes(cursor)
        self.assertEqual(found, [{"id": reading["id"], "shop": self.shop, "GTIN": gtin, "version": 2, "product_version": 2, "removed": True}])
        self.assertEqual(self.all_changes()[0], [], "a snapshot has only what is present")

    def test_a_rename_is_a_change_of_each_reading_of_the_product(self) -> None:
        gtin = "9520000000073"
        self.service.product(gtin, "Tea")
        other = self.service.shop("other of the rename")
        cursors = {}
        for shop in (self.shop, other):
            self.service.record(shop, gtin)
            cursors[shop] = self.all_changes(shop=shop)[1]
        self.service.product(gtin, "Green tea")
        for shop, cursor in cursors.items():
            found, _ = self.all_changes(cursor, shop=shop)
            self.assertEqual([(each["name"], each["version"], each["product_version"]) for each in found], [("Green tea", 1, 2)])

    def test_a_change_that_commits_late_is_not_missed_and_the_lag_is_shown(self) -> None:
        late = self.service.record(self.shop, GTINS[0])["id"]
        _, cursor = self.all_changes()
        with self.service.session() as session:
            session("begin")
            session(f"insert into changes (shop_id, reading_id) values ({self.shop}, {late})")
            self.service.record(self.shop, GTINS[1])
            time.sleep(2.5)
            page = self.service.changes(self.shop, cursor).json()
            self.assertEqual(page["changes"], [], "the other transaction is older and still runs")
            self.assertFalse(page["more"])
            self.assertGreaterEqual(page["behind_ms"], 2000)
            self.assertLess(page["behind_ms"], 10_000)
            lag = next(line for line in self.service.send("GET", "/metrics").body.splitlines() if line.startswith("codasync_feed_behind_seconds "))
            self.assertGreaterEqual(float(lag.split()[1]), 2)
            session("commit")
        found, _ = self.all_changes(page["next"])
        self.assertEqual([each["GTIN"] for each in found], GTINS[:2])
        self.assertEqual(self.service.changes(self.shop).json()["behind_ms"], 0)

    def test_a_cursor_of_deleted_changes_must_start_again(self) -> None:
        _, cursor = self.all_changes()
        self.service.record(self.shop, GTINS[0])
        self.service.sql("update ledger_settings set purged_below = pg_snapshot_xmin(pg_current_snapshot())")
        self.addCleanup(self.service.sql, "update ledger_settings set purged_below = '0'")
        answer = self.service.changes(self.shop, cursor)
        self.assertEqual((answer.status, answer.code), (410, "resync-required"), answer.body)
        self.assertEqual(len(self.all_changes()[0]), 1)

    def test_a_cursor_of_another_epoch_or_shop_must_start_again(self) -> None:
        answer = self.service.changes(self.shop).json()
        other = self.service.shop("other of the cursor")
        self.assertEqual(self.service.changes(other, answer["next"]).status, 410)
        before = self.service.sql("select feed_epoch from ledger_settings")
        self.service.sql("update ledger_settings set feed_epoch = gen_random_uuid()")
        self.addCleanup(self.service.sql, f"update ledger_settings set feed_epoch = '{before}'")
        self.assertEqual(self.service.changes(self.shop, answer["next"]).code, "resync-required")
        self.assertNotEqual(self.service.changes(self.shop).json()["epoch"], answer["epoch"])

    def test_what_is_no_cursor_is_refused(self) -> None:
        cursor = self.service.changes(self.shop).json()["next"]
        changed = cursor[:10] + ("A" if cursor[10] != "A" else "B") + cursor[11:]
        for text in ("x", changed, cursor[:-4], "MTA", cursor + cursor):
            answer = self.service.changes(self.shop, text)
            self.assertEqual((answer.status, list(answer.json()["errors"])), (400, ["since"]), text)

    def test_one_existing_shop_is_required(self) -> None:
        for query in ("", "?shop=1,2", "?shop=", "?shop=0"):
            answer = self.service.send("GET", "/api/v1/changes" + query)
            self.assertEqual((answer.status, list(answer.json()["errors"])), (400, ["shop"]), query)
        self.assertEqual(self.service.changes(999_999).status, 404)
        self.service.send("DELETE", f"/api/v1/shops/{self.shop}", token=self.service.admin)
        self.assertEqual(self.service.changes(self.shop).status, 404)

    def test_expired_follows_the_clock_of_the_shop(self) -> None:
        self.service.record(self.shop, GTINS[0], expiry_date="2026-03-01")
        self.service.record(self.shop, GTINS[1], expiry_date="2099-03-01")
        expected = [self.service.send("GET", f"/api/v1/shops/{self.shop}/stock/{gtin}").json()["expired"] for gtin in GTINS[:2]]
        self.assertEqual([each["expired"] for each in self.all_changes()[0]], expected)


if __name__ == "__main__":
    unittest.main()
