"""The table of api/README.md that says who may do what, and a request for each of its cells."""

import re
import uuid
from pathlib import Path
from typing import Any

from client import GTINS, Answer, Client

README = Path(__file__).resolve().parents[2] / "api" / "README.md"
CLIENTS = ("no token", "malformed", "expired", "revoked", "staff of the shop", "staff of another shop", "admin")

Table = dict[str, dict[str, str]]  # of each route: the status for each client


def table() -> Table:
    """Returns: the table of the section "Access"."""
    section = README.read_text(encoding="utf-8").partition("\n### Who may do what\n")[2].partition("\n### ")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    head, rule, *rows = rows
    assert head[1:] == list(CLIENTS) and set(rule[0]) == {"-"}, head
    assert len({row[0] for row in rows}) == len(rows), "a route has two rows"
    return {row[0]: dict(zip(CLIENTS, row[1:], strict=True)) for row in rows}


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}  # as the browser says for requests of the service's own pages


class Place:
    """A shop and the clients, on one service. Each client has a token and, if it could sign in, the cookie of a session."""

    def __init__(self, service: Client) -> None:
        self.service = service
        self.shop, self.other = (service.shop(f"{name} {uuid.uuid4().hex}") for name in ("North", "South"))
        self.product = GTINS[0]
        service.product(self.product, "Tea")
        self.reading = service.record(self.shop, self.product, quantity=3)["id"]
        self.tokens = {"no token": "", "malformed": "coda_" + "x" * 49, "admin": service.admin}
        self.cookies = {"no token": "", "malformed": "codasync=x", "admin": self.signed_in(service.admin)}
        for client, shop in (("staff of the shop", self.shop), ("staff of another shop", self.other), ("expired", self.shop), ("revoked", self.shop)):
            made = self.made_token(role="staff", shops=[shop])
            self.tokens[client] = made["token"]
            # The service caches the tokens of writes.
            assert service.send("POST", "/api/v1/stock-readings", {"shop": shop, "GTIN": self.product, "quantity": 3}, made["token"]).status in (200, 201)
            self.cookies[client] = self.signed_in(made["token"])
            if client == "expired":
                service.sql(f"update tokens set expires_at = clock_timestamp() where id = {made['id']}")
            if client == "revoked":
                assert service.send("DELETE", f"/api/v1/tokens/{made['id']}", token=service.admin).status == 204

    def signed_in(self, token: str) -> str:
        """Returns: the cookie of a new session."""
        answer = self.service.send("POST", "/api/v1/session", {"token": token}, **SAME_ORIGIN)
        assert answer.status == 200 and answer.cookie, answer.body
        return answer.cookie

    def made_token(self, **fields: Any) -> Any:
        answer = self.service.send("POST", "/api/v1/tokens", {"name": "of a test"} | fields, self.service.admin)
        assert answer.status == 201, answer.body
        return answer.json()

    def fresh_shop(self) -> int:
        return self.service.shop(uuid.uuid4().hex)

    def fresh_reading(self, token: str = "") -> Any:
        """Returns: a new reading of the shop; recorded with this token."""
        sent = {"shop": self.shop, "GTIN": self.fresh_product(), "quantity": 5}
        answer = self.service.send("POST", "/api/v1/stock-readings", sent, token or self.service.staff)
        assert answer.status == 201, answer.body
        return answer.json()

    def fresh_product(self) -> str:
        """Returns: the GTIN of a new product."""
        gtin = self.unknown_product()
        assert self.service.product(gtin, "New").status == 201
        return gtin

    @staticmethod
    def unknown_product() -> str:
        digits = "2" + str(uuid.uuid4().int)[:11]
        return digits + str(-sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(digits)) % 10)

    def fresh_import(self) -> str:
        """Returns: the id of a new import of a product."""
        answer = self.service.send("POST", "/api/v1/import/products", f"GTIN,name\n{self.unknown_product()},New\n", self.service.admin)
        assert answer.status == 200, answer.body
        return str(self.service.send("GET", "/api/v1/imports", token=self.service.admin).json()[0]["id"])

    def own_event(self, client: str) -> tuple[int, str]:
        """Returns: a reading of the shop and its event, recorded by the client if it may."""
        token = self.tokens[client] if client in ("staff of the shop", "admin") else self.service.staff
        reading = self.fresh_reading(token)["id"]
        history = self.service.send("GET", f"/api/v1/stock-readings/{reading}/history", token=self.service.admin).json()
        return reading, history[0]["id"]

    def request(self, route: str, client: str) -> tuple[str, str, Any]:
        """Returns: method, address and body of a request that an admin may send; each call has rows of its own to write."""
        method, pattern = route.split(" ")
        path = pattern.removeprefix("/api/v1")
        shop, gtin, name = self.shop, self.product, uuid.uuid4().hex
        item = {"shop": shop, "GTIN": gtin, "quantity": 3}
        if path == "/session":
            return method, pattern, {"token": self.tokens[client]} if method == "POST" else None
        match method, path:
            case "GET", "/shops/{id}/stock":
                return method, f"/api/v1/shops/{shop}/stock?GTIN={gtin}", None
            case "GET", "/changes":
                return method, f"{pattern}?shop={shop}", None
            case "GET", "/export/events":
                return method, f"{pattern}?shop={shop}", None
            case "GET", "/tokens/{id}":
                return method, f"/api/v1/tokens/{self.made_token(role='staff')['id']}", None
            case "DELETE", "/tokens/{id}":
                return method, f"/api/v1/tokens/{self.made_token(role='staff')['id']}", None
            case _, "/imports/{import}" | "/imports/{import}/undo":
                return method, pattern.replace("{import}", self.fresh_import()), None
            case "POST", "/import/products":
                return method, pattern, f"GTIN,name\n{self.unknown_product()},New\n"
            case "POST", "/import/stock-readings":
                return method, pattern, f"shop,GTIN,quantity,observed_at\n{shop},{gtin},3,2026-01-01T00:00:00Z\n"
            case "GET", _ if "/stock-readings/{id}" in path:
                return method, pattern.format(id=self.reading), None
            case "GET", _:
                return method, pattern.format(id=shop, gtin=gtin), None
            case "POST", "/shops":
                return method, pattern, {"name": name}
            case "PUT" | "PATCH", "/shops/{id}":
                return method, pattern.format(id=self.fresh_shop()), {"name": name}
            case "DELETE", "/shops/{id}":
                return method, pattern.format(id=self.fresh_shop()), None
            case "PUT", "/shops/{id}/thresholds":
                return method, pattern.format(id=shop), {"days": 3, "stale_days": 14}
            case "POST", "/products":
                return method, pattern, {"GTIN": self.unknown_product(), "name": name}
            case "PUT" | "PATCH", "/products/{gtin}":
                return method, pattern.format(gtin=self.fresh_product()), {"name": name}
            case "DELETE", "/products/{gtin}":
                return method, pattern.format(gtin=self.fresh_product()), None
            case "POST", "/stock-readings":
                return method, pattern, item
            case "POST", "/stock-readings/batch":
                return method, pattern, {"items": [{"id": name, "op": "record"} | item]}
            case "PUT", "/stock-readings/{id}":
                reading = self.fresh_reading()
                body = {field: reading[field] for field in ("name", "GTIN", "shop")} | {"expiry_date": "2030-01-31"}
                return method, pattern.format(id=reading["id"]), body
            case "PATCH", "/stock-readings/{id}":
                return method, pattern.format(id=self.reading), {"quantity": 3}
            case "DELETE", "/stock-readings/{id}":
                return method, pattern.format(id=self.fresh_reading()["id"]), None
            case "PATCH", "/shops/{id}/stock/{gtin}":
                return method, pattern.format(id=shop, gtin=self.fresh_reading()["GTIN"]), {"quantity": 4}
            case "POST", "/shops/{id}/stock/{gtin}/adjust":
                return method, pattern.format(id=shop, gtin=self.fresh_reading()["GTIN"]), {"delta": 1}
            case "POST", "/stock-readings/{id}/adjust":
                return method, pattern.format(id=self.reading), {"delta": 1}
            case "DELETE", "/stock-readings/{id}/history/{event}":
                reading, event = self.own_event(client)
                return method, pattern.format(id=reading, event=event), None
            case "POST", "/scan":
                return method, pattern, {"shop": shop, "codes": [f"(01){gtin.zfill(14)}(17)270131"]}
            case "POST", "/sync":
                return method, pattern, {"device": str(uuid.uuid4()), "shop": shop}
            case "POST", "/tokens":
                return method, pattern, {"name": name, "role": "staff"}
        raise AssertionError(f"there is no request for {route}")

    def status(self, route: str, client: str, *, by_session: bool, sender: Client | None = None) -> str:
        """Sends the request with `sender`, or as the rest. Returns: the status as the table has it."""
        sender = sender or self.service
        method, path, body = self.request(route, client)
        headers = {"Authorization": f"Bearer {self.tokens[client]}"} if self.tokens[client] else {}
        if by_session or path.endswith("/session"):
            headers = SAME_ORIGIN | ({"Cookie": self.cookies[client]} if self.cookies[client] else {})
        if route in ("POST /api/v1/session", "DELETE /api/v1/session"):
            headers["Cookie"] = "codasync=of_another_one"  # signing in or out ends the session of the cookie
        if path.endswith("/stream"):
            return str(sender.status_of_stream(path, headers))
        answer = sender.send(method, path, body, **headers)
        return str(answer.status) + (" each" if each_is_forbidden(answer) else "")


def each_is_forbidden(answer: Answer) -> bool:
    """Returns: whether the answer has a result for each operation, and each of them was refused because of the shop."""
    results = re.findall(r'"outcome":"(\w+)"(?:,"problem":{"type":"urn:codasync:problem:(\w+)")?', answer.body if '"results"' in answer.body else "")
    return bool(results) and all(result == ("rejected", "forbidden") for result in results)
