"""The rules of api/README.md, "Access", that are more than a status: shops and lifetime of tokens, deleted products, voids, the last use."""

import datetime
import re
import time
import unittest
import uuid
import zlib
from typing import Any

from access import Place
from client import Answer
from service import Service, ServiceTest

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class AccessRules(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.place = Place(self.service)
        self.staff, self.foreign = self.place.tokens["staff of the shop"], self.place.tokens["staff of another shop"]

    def post(self, path: str, body: Any, token: str) -> Answer:
        return self.service.send("POST", f"/api/v1/{path}", body, token)

    def events(self, token: str, query: str = "") -> list[str]:
        """Returns: the shops of the exported events."""
        answer = self.service.send("GET", "/api/v1/export/events?format=ndjson" + query, token=token)
        self.assertEqual(answer.status, 200, answer.body)
        return sorted(set(re.findall(r'"shop":(\d+)', answer.body)))

    # ---- shops of a token

    def test_exported_events_are_those_of_the_shops_of_the_token(self) -> None:
        own, other = str(self.place.shop), str(self.place.other)
        self.assertEqual(self.events(self.staff), [own])
        self.assertEqual(self.events(self.foreign), [other])
        self.assertEqual(self.events(self.staff, f"&shop={own}"), [own])
        self.assertLessEqual({own, other}, set(self.events(self.service.admin)))
        both = self.place.made_token(role="staff", shops=[self.place.shop, self.place.other])["token"]
        self.assertEqual(self.events(both), sorted((own, other)))
        refused = self.service.send("GET", f"/api/v1/export/events?shop={own},{other}", token=self.staff)
        self.assertEqual((refused.status, refused.code), (403, "forbidden"))

    def test_an_admin_has_no_shops(self) -> None:
        for shops in ([self.place.shop], []):
            refused = self.post("tokens", {"name": "x", "role": "admin", "shops": shops}, self.service.admin)
            self.assertEqual(list(refused.json()["errors"]), ["shops"], refused.body)
        with self.assertRaises(RuntimeError):
            self.service.sql(f"insert into tokens (name, role, shops, hash) values ('x', 'admin', array[{self.place.shop}], sha256('x'))")

    # ---- tokens

    def test_a_token_ends_after_a_year_and_after_five_years_at_the_latest(self) -> None:
        def ends_in_days(made: Any) -> float:
            return (datetime.datetime.fromisoformat(made["expires_at"]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 86400

        self.assertAlmostEqual(ends_in_days(self.place.made_token(role="staff")), 365, delta=0.01)
        self.assertAlmostEqual(ends_in_days(self.place.made_token(role="staff", expires_at=None)), 365, delta=0.01)
        now = datetime.datetime.now(datetime.timezone.utc)
        for days, status in ((5 * 365 - 1, 201), (5 * 365 + 1, 400), (-1, 400)):
            end = (now + datetime.timedelta(days=days)).isoformat()
            answer = self.post("tokens", {"name": "x", "role": "staff", "expires_at": end}, self.service.admin)
            self.assertEqual(answer.status, status, answer.body)

    def test_a_token_has_a_checksum_and_is_refused_without_a_query_when_it_is_wrong(self) -> None:
        secret = self.place.made_token(role="staff")["token"]
        self.assertRegex(secret, r"\Acoda_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}\Z")
        crc, checksum = zlib.crc32(secret[:-6].encode()), ""
        for _ in range(6):
            crc, digit = divmod(crc, 62)
            checksum = DIGITS[digit] + checksum
        self.assertEqual(secret[-6:], checksum)
        self.assertEqual(self.service.send("GET", "/api/v1/tokens/self", token=secret).status, 200)
        self.assertEqual(self.service.send("GET", "/api/v1/tokens/self", token=secret[:-6]).status, 401, "another secret")
        wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        self.assertEqual(self.service.send("GET", "/api/v1/tokens/self", token=wrong).status, 401)

    def test_tokens_of_the_first_version_are_accepted(self) -> None:
        secret = "coda_" + "A" * 42 + "E"
        self.service.sql(f"insert into tokens (name, role, hash) values ('old', 'staff', sha256('{secret}'))")
        answer = self.service.send("GET", "/api/v1/tokens/self", token=secret)
        self.assertEqual((answer.status, answer.json()["expires_at"]), (200, None))

    def test_refused_tokens_are_counted_and_logged_without_their_secret(self) -> None:
        service = Service()  # a new one: its log has not left lines out
        self.addCleanup(service.stop)
        place = Place(service)

        def counts() -> dict[str, int]:
            found = re.findall(r'^codasync_token_failures_total\{reason="(\w+)"\} (\d+)', service.send("GET", "/metrics").body, re.MULTILINE)
            return {reason: int(count) for reason, count in found}

        unknown = "coda_" + "A" * 42 + "I"
        sent = {"malformed": "coda_x", "unknown": unknown, "revoked": place.tokens["revoked"], "expired": place.tokens["expired"]}
        before = counts()
        self.assertEqual(set(before), set(sent))
        for token in sent.values():
            self.assertEqual(service.send("GET", "/api/v1/tokens/self", token=token).status, 401)
        self.assertEqual(counts(), {reason: count + 1 for reason, count in before.items()})
        time.sleep(1.1)  # the log writes in a thread of its own
        log = service.log()
        for reason, token in sent.items():
            self.assertRegex(log, rf'"a token was refused".*"why":"{reason}"')
            self.assertNotIn(token, log)

    def test_the_last_use_is_stored_once_a_minute_and_at_the_end(self) -> None:
        made = self.place.made_token(role="staff")
        self.assertIsNone(made["last_used_at"])
        self.service.send("GET", "/api/v1/tokens/self", token=made["token"])
        self.assertIsNone(self.last_use(made["id"]), "no request writes it")
        self.service.restart()
        used = datetime.datetime.fromisoformat(self.last_use(made["id"]))
        self.assertEqual((used.minute, used.second), (0, 0))
        self.assertLess(datetime.datetime.now(datetime.timezone.utc) - used, datetime.timedelta(hours=2))

    def last_use(self, token: int) -> Any:
        return self.service.send("GET", f"/api/v1/tokens/{token}", token=self.service.admin).json()["last_used_at"]

    # ---- deleted products

    def test_staff_do_not_bring_a_deleted_product_back(self) -> None:
        gtin = self.place.fresh_product()
        self.assertEqual(self.service.send("DELETE", f"/api/v1/products/{gtin}", token=self.service.admin).status, 204)
        shop, name = self.place.shop, "Renamed"
        item = {"shop": shop, "GTIN": gtin, "name": name, "quantity": 1}
        operation = {"id": str(uuid.uuid4()), "kind": "count", "GTIN": gtin, "name": name, "quantity": 1, "observed_at": "2026-01-01T00:00:00Z"}
        requests: dict[str, Any] = {
            "stock-readings": item,
            "scan": {"shop": shop, "codes": [f"(01){gtin.zfill(14)}(17)270131"], "name": name},
            "stock-readings/batch": {"items": [{"id": "a", "op": "record"} | item]},
            "sync": {"device": str(uuid.uuid4()), "shop": shop, "operations": [operation]},
        }
        for path, body in requests.items():
            with self.subTest(path):
                answer = self.post(path, body, self.staff)
                problem = answer.json() if answer.status == 403 else answer.json()["results"][0]["problem"]
                self.assertEqual(problem["type"], "urn:codasync:problem:product-deleted", answer.body)
                self.assertIn("admin", problem["detail"])
                self.assertEqual(self.service.send("GET", f"/api/v1/products/{gtin}").status, 404)
        self.assertEqual(self.post("stock-readings", item, self.service.admin).status, 201, "an admin brings it back")
        self.assertEqual(self.service.send("GET", f"/api/v1/products/{gtin}").json()["name"], name)
        self.assertEqual(self.post("sync", requests["sync"], self.staff).json()["results"][0]["outcome"], "kept", "sent again: older than the count of the admin")

    # ---- voids

    def void(self, reading: int, event: str, token: str) -> Answer:
        return self.service.send("DELETE", f"/api/v1/stock-readings/{reading}/history/{event}", token=token)

    def test_staff_void_their_own_events_for_three_days(self) -> None:
        colleague = self.place.made_token(role="staff", shops=[self.place.shop])["token"]
        reading, event = self.place.own_event("staff of the shop")
        refused = self.void(reading, event, colleague)
        self.assertEqual((refused.status, refused.code), (403, "forbidden"))
        self.service.sql(f"update stock_events set received_at = received_at - interval '73 hours' where id = '{event}'")
        self.assertEqual(self.void(reading, event, self.staff).status, 403)
        self.assertEqual(self.void(reading, event, self.service.admin).status, 204)
        reading, event = self.place.own_event("staff of the shop")
        for _ in range(2):
            self.assertEqual(self.void(reading, event, self.staff).status, 204)

    def test_nothing_of_a_deleted_shop_or_product_is_shown_as_voidable(self) -> None:
        def shown(reading: int) -> set[bool]:
            history = self.service.send("GET", f"/api/v1/stock-readings/{reading}/history", token=self.service.admin).json()
            accepted = {self.void(reading, event["id"], self.service.admin).status for event in history if event["voidable"]}
            self.assertLessEqual(accepted, {204}, "voidable is true only where a void is accepted")
            return {event["voidable"] for event in history}

        shop, gtin = self.place.fresh_shop(), self.place.fresh_product()
        reading = self.service.record(shop, gtin, quantity=3)["id"]
        self.assertEqual(self.service.send("DELETE", f"/api/v1/stock-readings/{reading}", token=self.service.admin).status, 204)
        address = f"/api/v1/products/{gtin}"
        self.assertEqual(self.service.send("DELETE", address, token=self.service.admin).status, 204)
        self.assertEqual(shown(reading), {False})
        self.service.product(gtin, "Back")
        self.assertEqual(shown(reading), {True})
        reading = self.service.record(shop, self.place.fresh_product(), quantity=3)["id"]
        self.assertEqual(self.service.send("DELETE", f"/api/v1/shops/{shop}?cascade=true", token=self.service.admin).status, 204)
        self.assertEqual(shown(reading), {False})

    def test_a_device_voids_its_own_operation_also_with_a_new_token(self) -> None:
        device, count = str(uuid.uuid4()), str(uuid.uuid4())
        renewed = self.place.made_token(role="staff", shops=[self.place.shop])["token"]
        gtin = self.place.fresh_product()

        def sync(token: str, **operation: Any) -> Any:
            sent = {"id": str(uuid.uuid4()), "GTIN": gtin, "observed_at": "2026-01-01T00:00:00Z"} | operation
            body = {"device": operation.pop("device", device), "shop": self.place.shop, "operations": [sent]}
            sent.pop("device", None)
            return self.post("sync", body, token).json()["results"][0]

        event = sync(self.staff, id=count, kind="count", quantity=4)["event"]
        self.assertEqual(sync(renewed, kind="void", voids=event)["problem"]["type"], "urn:codasync:problem:forbidden")
        self.assertEqual(sync(renewed, kind="void", voids_operation=count, device=str(uuid.uuid4()))["outcome"], "kept", "of another device: it has no such one")
        self.assertEqual(sync(renewed, kind="void", voids_operation=count)["outcome"], "applied")


if __name__ == "__main__":
    unittest.main()
