"""Who may use the endpoints for scanners, devices and live views."""

import unittest
import uuid
from typing import Any

from client import GTINS
from service import Service, ServiceTest


class Access(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = self.service.shop("other of " + self.id())
        self.own, self.foreign = self.service.token("staff", self.shop), self.service.token("staff", self.other)
        self.reading = self.service.record(self.shop, GTINS[0], quantity=3)

    def statuses(self, method: str, path: str, body: Any = None) -> dict[str, int]:
        """Returns: the status for each kind of client."""
        tokens = {"no token": "", "unknown token": "coda_" + "x" * 43, "staff of another shop": self.foreign, "staff of the shop": self.own,
                  "staff": self.service.staff, "admin": self.service.admin}
        return {name: self.service.send(method, path, body, token).status for name, token in tokens.items()}

    def test_writes_are_for_staff_of_the_shop(self) -> None:
        operation = {"id": str(uuid.uuid4()), "kind": "count", "GTIN": GTINS[0], "quantity": 3, "observed_at": "2026-01-01T00:00:00Z"}
        history = f"/api/v1/stock-readings/{self.reading['id']}/history"
        event = self.service.send("GET", history, token=self.service.staff).json()[0]["id"]
        for method, path, body, done in (
            ("POST", "/api/v1/scan", {"shop": self.shop, "codes": [f"(01){GTINS[0].zfill(14)}(17)270131"]}, 200),
            ("POST", "/api/v1/scan", {"shop": self.shop, "codes": [GTINS[0]], "dry_run": True}, 200),
            ("POST", "/api/v1/sync", {"device": str(uuid.uuid4()), "shop": self.shop, "operations": [operation]}, 200),
            ("POST", "/api/v1/sync", {"device": str(uuid.uuid4()), "shop": self.shop}, 200),
            ("GET", f"/api/v1/shops/{self.shop}/thresholds", None, 200),
            ("GET", history, None, 200),
            ("DELETE", f"{history}/{event}", None, 204),
        ):
            with self.subTest(path, body=body):
                own = done if method != "DELETE" else 403  # an event of another token (access_rules_test.py)
                self.assertEqual(self.statuses(method, path, body), {
                    "no token": 401, "unknown token": 401, "staff of another shop": 403, "staff of the shop": own, "staff": done, "admin": done})

    def test_the_items_of_a_batch_are_for_staff_of_their_shop(self) -> None:
        def outcomes(token: str) -> list[str]:
            items = [{"id": str(uuid.uuid4()), "op": op, "shop": shop, "GTIN": GTINS[0]} | fields
                     for shop in (self.shop, self.other)
                     for op, fields in (("record", {"quantity": 1}), ("adjust", {"delta": 1}), ("remove", {}))]
            answer = self.service.send("POST", "/api/v1/stock-readings/batch", {"items": items}, token)
            self.assertEqual(answer.status, 200)
            return [each["problem"]["type"].rpartition(":")[2] if each["outcome"] == "rejected" else each["outcome"]
                    for each in answer.json()["results"]]

        self.assertEqual(outcomes(self.own), ["applied"] * 3 + ["forbidden"] * 3)
        self.assertEqual(outcomes(self.foreign), ["forbidden"] * 3 + ["applied"] * 3)
        self.assertEqual(outcomes(self.service.admin), ["applied"] * 6)
        for token, status in (("", 401), ("coda_" + "x" * 43, 401)):
            self.assertEqual(self.service.send("POST", "/api/v1/stock-readings/batch", {"items": []}, token).status, status)

    def test_the_shop_of_a_device_is_not_visible_through_a_cursor_of_another_one(self) -> None:
        cursor = self.service.changes(self.shop).json()["next"]
        answer = self.service.send("POST", "/api/v1/sync", {"device": str(uuid.uuid4()), "shop": self.other, "since": cursor}, self.foreign)
        self.assertEqual((answer.status, answer.code), (410, "resync-required"))

    def test_settings_and_the_audit_are_for_admins(self) -> None:
        for method, path, body in (("PUT", f"/api/v1/shops/{self.shop}/thresholds", {"days": 3, "stale_days": 14}), ("GET", "/api/v1/audit", None),
                                   ("GET", f"/api/v1/audit?subject=shop&subject_id={self.shop}", None)):
            with self.subTest(path):
                found = self.statuses(method, path, body)
                self.assertEqual(found, {"no token": 401, "unknown token": 401, "staff of another shop": 403, "staff of the shop": 403, "staff": 403, "admin": 200})

    def test_the_feed_and_the_work_list_are_public(self) -> None:
        for path in (f"/api/v1/changes?shop={self.shop}", f"/api/v1/shops/{self.shop}/work-list"):
            self.assertEqual(set(self.statuses("GET", path).values()), {200}, path)


class WithoutPublicReads(unittest.TestCase):
    def test_the_feed_and_the_work_list_require_a_token(self) -> None:
        service = Service(CODASYNC_API_PUBLIC_READS="false")
        self.addCleanup(service.stop)
        shop = service.shop("closed")
        for path in (f"/api/v1/changes?shop={shop}", f"/api/v1/shops/{shop}/work-list"):
            found = [service.send("GET", path, token=token).status for token in ("", "coda_" + "x" * 43, service.staff, service.admin)]
            self.assertEqual(found, [401, 401, 200, 200], path)


if __name__ == "__main__":
    unittest.main()
