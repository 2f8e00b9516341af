"""Numbers, text and time: the table of api/README.md with this title, against a running service."""

import datetime
import http.client
import json
import re
import unicodedata
import unittest
import urllib.parse
import uuid
from typing import Any

from access import README, Place
from client import Answer
from service import ServiceTest

TODAY = re.compile(r"TODAY\+(\d+)Y(?:(\d+)D)?")


def table() -> list[tuple[str, str, str]]:
    """Returns: field, JSON, and the JSON or the status of the result."""
    section = README.read_text(encoding="utf-8").partition("\n### Numbers, text and time\n")[2].partition("\n### ")[0]
    rows = [tuple(cell.strip(" ").strip("`") for cell in line.strip("|").split(" | ")) for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 80 and all(len(row) == 3 for row in rows), rows
    return rows  # type: ignore[return-value]


def with_dates(text: str) -> str:
    def date(match: re.Match[str]) -> str:
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return str(today.replace(year=today.year + int(match[1])) + datetime.timedelta(days=int(match[2] or 0)))

    return TODAY.sub(date, text)


def with_bytes(text: str) -> bytes:
    """Returns: the text, with the byte for each % and two digits."""
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())


class Values(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.place = Place(self.service)

    def send(self, method: str, path: str, fields: dict[str, str]) -> Answer:
        """Sends a body of JSON texts."""
        body = b"{" + b",".join(b'"%s":%s' % (name.encode(), with_bytes(value)) for name, value in fields.items()) + b"}"
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", "Authorization": f"Bearer {self.service.admin}"})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def answer(self, field: str, value: str) -> Answer:
        """Sends a request with this field; each call has rows of its own."""
        if field == "time_zone":
            return self.send("POST", "/api/v1/shops", {"name": json.dumps(uuid.uuid4().hex), field: value})
        if field == "name":
            return self.send("PUT", f"/api/v1/products/{self.place.unknown_product()}", {field: value})
        self.service.product("4006381333931", "Tea")
        fields = {"shop": str(self.place.fresh_shop()), "GTIN": f'"{self.place.fresh_product()}"'}
        if field == "observed_at":
            fields["quantity"] = "1"
        return self.send("POST", "/api/v1/stock-readings", fields | {field: value})

    def test_are_accepted_and_refused_as_the_table_says(self) -> None:
        for field, sent, result in table():
            with self.subTest(field, sent=sent):
                before = datetime.datetime.now(datetime.timezone.utc)
                answer = self.answer(field, with_dates(sent))
                if result.isdecimal() and len(result) == 3 and result[0] == "4":
                    self.assertEqual(str(answer.status), result, answer.body)
                    continue
                self.assertEqual(answer.status, 201, answer.body)
                found: Any = answer.json()[field]
                if result == "the time of arrival":
                    self.assertLess(abs(datetime.datetime.fromisoformat(found) - before), datetime.timedelta(seconds=30))
                else:
                    self.assertEqual(found, json.loads(with_dates(result)))

    def test_a_name_is_found_with_and_without_accents_in_both_normal_forms(self) -> None:
        for name in ("Cr\u00e8me br\u00fbl\u00e9e", "Cre\u0300me bru\u0302le\u0301e"):
            gtin = self.place.unknown_product()
            self.service.product(gtin, name)
            for word in ("creme", "brulee", "Cr%C3%A8me", "Cre%CC%80me"):
                found = self.service.send("GET", f"/api/v1/products?search={word}&limit=1000").json()
                self.assertIn(gtin, [product["GTIN"] for product in found], (name, word))

    def test_a_name_of_any_script_is_found_as_people_write_it(self) -> None:
        words = {
            "Чай чёрный": ("чай", "ЧАЙ", "черный", "чёрный"), "Йогурт Їжа": ("йогурт", "їжа"), "ガム": ("ガム", "ｶﾞﾑ"), "がんも": ("がん",),
            "김치 라면": ("김치", "라면"), "חָלָב": ("חלב", "חָלָב"), "حَلِيب": ("حليب",), "حليب": ("حَلِيب", "حلــيب"), "می\u200cخواهم": ("میخواهم",),
            "Schoko\u00adlade": ("schokolade", "lade"), "❤\ufe0f Tee": ("❤", "❤\ufe0f"), "Ｃｏｆｆｅｅ": ("coffee",), "Öl 10 m² ☀": ("m²", "m2", "öl", "ol"), "Εψώ": ("ΕΨΩ", "εψω"),
        }
        for name, searched in words.items():
            for form in ("NFC", "NFD"):
                gtin = self.place.unknown_product()
                self.service.product(gtin, unicodedata.normalize(form, name))
                for word in (*searched, name):
                    for typed in ("NFC", "NFD"):
                        query = urllib.parse.quote(unicodedata.normalize(typed, word))
                        found = self.service.send("GET", f"/api/v1/products?search={query}&limit=1000").json()
                        self.assertIn(gtin, [product["GTIN"] for product in found], (name, form, word, typed))

    def test_a_query_that_is_not_utf8_or_has_control_characters_is_refused(self) -> None:
        for escaped in ("%00", "%C0%AF", "%E0%80%AF", "%ED%A0%80", "%F4%90%80%80", "%FF"):
            for path in ("products?search=", "products?category=", "products?brand=", f"shops/{self.place.shop}/work-list?category="):
                with self.subTest(path + escaped):
                    answer = self.service.send("GET", "/api/v1/" + path + escaped)
                    self.assertEqual((answer.status, answer.code), (400, "bad-query"), answer.body)

    def test_a_time_zone_that_vanished_harms_no_other_shop(self) -> None:
        shop = self.place.fresh_shop()
        gtin = self.place.fresh_product()
        self.service.record(shop, gtin, expiry_date="2026-01-01")
        self.service.sql(f"update shops set time_zone = 'Mars/Olympus' where id = {shop}")
        self.service.empty_cache()
        other = self.place.shop
        for path in (f"products/{gtin}/stock", f"stock-readings?shop={shop},{other}", "stock-readings?expired=true", f"shops/{shop}/work-list",
                     f"shops/{other}/work-list", f"shops/{shop}/stock/{gtin}", f"changes?shop={shop}", f"changes?shop={other}", "export/stock-readings", "shops"):
            with self.subTest(path):
                answer = self.service.send("GET", "/api/v1/" + path)
                self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(self.service.send("GET", f"/api/v1/shops/{shop}/stock/{gtin}").json()["expired"], "by the day in UTC")
        self.assertEqual(self.service.record(shop, gtin, quantity=1)["quantity"], 1)


if __name__ == "__main__":
    unittest.main()
