"""GET /audit: who changed what."""

import json
import unittest
import urllib.parse
from typing import Any

from client import GTINS
from service import ServiceTest


class Audit(ServiceTest):
    def audit(self, **filters: Any) -> list[Any]:
        answer = self.service.send("GET", "/api/v1/audit?" + urllib.parse.urlencode(filters), token=self.service.admin)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def test_changes_of_a_shop_have_their_author_and_the_fields_before_and_after(self) -> None:
        self.service.send("PATCH", f"/api/v1/shops/{self.shop}", {"name": "Renamed", "time_zone": "Europe/Zurich"}, self.service.admin)
        self.service.send("DELETE", f"/api/v1/shops/{self.shop}", token=self.service.admin)
        deleted, changed, created = self.audit(subject="shop", subject_id=self.shop)
        self.assertEqual([each["action"] for each in (deleted, changed, created)], ["delete", "change", "create"])
        self.assertEqual((created["before"], created["after"]), (None, {"name": self.id(), "time_zone": "UTC"}))
        self.assertEqual(changed["before"], created["after"])
        self.assertEqual(changed["after"], {"name": "Renamed", "time_zone": "Europe/Zurich"})
        self.assertEqual((deleted["before"], deleted["after"]), (changed["after"], None))
        self.assertEqual((changed["actor"], changed["subject_id"]), ("a admin", str(self.shop)))

    def test_products_tokens_and_voids_are_listed(self) -> None:
        gtin = "9520000000097"
        self.service.product(gtin, "Tea")
        self.service.send("PATCH", f"/api/v1/products/{gtin}", {"brand": "Leaf"}, self.service.admin)
        self.assertEqual([(each["action"], each["subject_id"], each["after"]["brand"]) for each in self.audit(subject="product", subject_id=gtin)],
                         [("change", gtin, "Leaf"), ("create", gtin, None)])
        draft = {"name": "Phone", "role": "staff", "person": "anna", "expires_at": "2027-01-01T00:00:00.5+01:00"}
        token = self.service.send("POST", "/api/v1/tokens", draft, self.service.admin).json()
        self.service.send("DELETE", f"/api/v1/tokens/{token['id']}", token=self.service.admin)
        listed = self.audit(subject="token", subject_id=token["id"])
        self.assertEqual([each["action"] for each in listed], ["revoke", "create"])
        for shown in (listed[0]["before"], listed[1]["after"]):
            self.assertEqual({name: shown[name] for name in draft}, {name: token[name] for name in draft})
        self.assertNotIn(token["token"], str(listed), "the secret is nowhere")
        reading = self.service.record(self.shop, GTINS[0], quantity=3)
        history = f"/api/v1/stock-readings/{reading['id']}/history"
        event = self.service.send("GET", history, token=self.service.staff).json()[0]["id"]
        self.service.send("DELETE", f"{history}/{event}", {"reason": "a wrong shelf"}, self.service.staff)
        void, = self.audit(subject="reading", subject_id=reading["id"])
        self.assertEqual((void["action"], void["actor"], void["after"]), ("void", "a staff", {"event": event, "reason": "a wrong shelf"}))

    def test_a_product_that_an_import_brings_back_has_only_the_values_of_the_file(self) -> None:
        gtin = "9520000000080"
        address = f"/api/v1/products/{gtin}"
        for file, brand, category in (("GTIN,name\n%s,Tea\n", None, None), ("GTIN,name,brand\n%s,Tea,Leaf\n", "Leaf", None)):
            self.service.send("PUT", address, {"name": "Tea", "brand": "Old", "category": "Old"}, self.service.admin)
            self.assertEqual(self.service.send("DELETE", address, token=self.service.admin).status, 204)
            dry = self.service.send("POST", "/api/v1/import/products?dry_run=true", file % gtin, self.service.admin)
            change = next(line for line in map(json.loads, dry.body.splitlines()) if line["event"] == "change")
            self.assertEqual((change["after"]["brand"], change["after"]["category"]), (brand, category), "as the dry run says")
            self.assertEqual(self.service.send("POST", "/api/v1/import/products", file % gtin, self.service.admin).status, 200)
            product = self.service.send("GET", address).json()
            self.assertEqual((product["brand"], product["category"]), (brand, category))

    def test_it_is_filtered_by_actor_and_time_and_read_in_pages(self) -> None:
        author = self.service.send("POST", "/api/v1/tokens", {"name": "Author", "role": "admin"}, self.service.admin).json()
        for number in range(5):
            self.service.send("PATCH", f"/api/v1/shops/{self.shop}", {"name": f"{self.id()} {number}"}, author["token"])
        mine = self.audit(actor=author["id"])
        self.assertEqual([each["after"]["name"][-1] for each in mine], list("43210"))
        found, path = [], f"/api/v1/audit?actor={author['id']}&limit=2"
        while path:
            connection = self.service.send("GET", path, token=self.service.admin)
            found += connection.json()
            path = connection.next_page
        self.assertEqual(found, mine)
        self.assertEqual(self.audit(actor=author["id"], **{"from": mine[1]["at"]}), mine[:2])
        self.assertEqual(self.audit(actor=author["id"], until=mine[1]["at"]), mine[2:])
        self.assertEqual(self.audit(actor=0, subject="shop"), [])
        self.assertTrue(all(each["actor"] == "operator" for each in self.audit(actor=0)), "the command line made the first tokens")

    def test_the_next_page_has_the_filters_of_the_first(self) -> None:
        author = self.service.send("POST", "/api/v1/tokens", {"name": "Author", "role": "admin"}, self.service.admin).json()
        shops = [self.shop, self.service.shop("another shop")]
        for number in range(3):  # both authors change both shops in turn
            for shop in shops:
                for token in (author["token"], self.service.admin):
                    self.service.send("PATCH", f"/api/v1/shops/{shop}", {"name": f"{self.id()} {shop} {number} {token[-8:]}"}, token)
        for filters, expected in (({"actor": author["id"]}, 6), ({"subject_id": self.shop, "subject": "shop"}, 7),
                                  ({"actor": author["id"], "subject": "shop", "subject_id": self.shop, "from": "2026-01-01T00:00:00Z",
                                    "until": "2099-01-01T00:00:00Z"}, 3)):
            found, path = [], "/api/v1/audit?" + urllib.parse.urlencode({"limit": 1} | filters)
            while path:
                page = self.service.send("GET", path, token=self.service.admin)
                found += page.json()
                path = page.next_page
                for name, value in filters.items():
                    self.assertEqual(urllib.parse.parse_qs(path.partition("?")[2]).get(name, [str(value)]), [str(value)], path)
                    self.assertTrue(not path or f"{name}=" in path, path)
            self.assertEqual(len(found), expected, filters)
            self.assertEqual(found, self.audit(**filters))

    def test_only_an_admin_may_read_it(self) -> None:
        self.assertEqual(self.service.send("GET", "/api/v1/audit").status, 401)
        self.assertEqual(self.service.send("GET", "/api/v1/audit", token=self.service.staff).status, 403)

    def test_wrong_filters_are_refused(self) -> None:
        for name, value in (("subject", "cat"), ("actor", "-1"), ("actor", "me"), ("subject_id", "0"), ("from", "now"), ("until", "2026-01-01"),
                            ("cursor", "x"), ("bogus", "1")):
            answer = self.service.send("GET", f"/api/v1/audit?{name}={value}", token=self.service.admin)
            self.assertEqual((answer.status, list(answer.json()["errors"])), (400, [name]))


if __name__ == "__main__":
    unittest.main()
