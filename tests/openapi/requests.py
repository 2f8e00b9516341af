"""One good request for every operation, in an order in which all of them succeed, and the requests with problems of their own.

The kinds of problems that many operations have (no token, malformed bodies …) are derived from the good requests (openapi_test.py).
"""

from dataclasses import dataclass, field
from typing import Any

TEA = "4006381333931"
MILK = "96385074"
RICE = "036000291452"
RECALLED = "9520000000097"
DEVICE = "6d1f4c9e-0d0f-4c5e-9d35-0f1f3f0a7a11"
FIRST, SECOND, THIRD, FOURTH = (f"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b000{number}" for number in (1, 2, 3, 4))
FUTURE = "2126-01-01T00:00:00Z"  # the service takes it as now
OLD_CURSOR = "AgAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAAzkUVfA"  # of shop 1, and of epoch 0


@dataclass(frozen=True)
class Request:
    """Path and headers are filled in with the arguments. In a body, {secret} is the token of the staff."""

    method: str
    path: str
    status: int
    body: Any = None
    token: str = ""  # admin, staff, other (staff of another shop), or none
    arguments: dict[str, str] = field(default_factory=dict)
    query: str = ""
    code: str = ""  # of the problem
    headers: dict[str, str] = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)  # arguments of later requests: name → member of the answer, or Set-Cookie

    @property
    def operation(self) -> tuple[str, str]:
        return self.method, self.path


SHOP, SHOPS = "/api/v1/shops/{id}", "/api/v1/shops"
THRESHOLDS = SHOP + "/thresholds"
STREAM = SHOP + "/stream"
STOCK = SHOP + "/stock/{gtin}"
PRODUCT, PRODUCTS = "/api/v1/products/{gtin}", "/api/v1/products"
READING, READINGS = "/api/v1/stock-readings/{id}", "/api/v1/stock-readings"
SCAN = "/api/v1/scan"
HISTORY = READING + "/history"
IMPORT, IMPORTS = "/api/v1/import", "/api/v1/imports"
TOKEN, TOKENS = "/api/v1/tokens/{id}", "/api/v1/tokens"
SESSION, OVERVIEW = "/api/v1/session", "/api/v1/overview"

shop, south, tea = {"id": "{shop}"}, {"id": "{south}"}, {"gtin": TEA}
south_tea = south | tea
reading, token = {"id": "{reading}"}, {"id": "{token}"}
page = {"Sec-Fetch-Site": "same-origin"}  # a page of the console
imported = {"import": "{import}"}

GOOD = [
    Request("POST", SHOPS, 201, {"name": "North", "time_zone": "Europe/Zurich"}, "admin", keep={"shop": "id"}),
    Request("POST", SHOPS, 201, {"name": "South"}, "admin", keep={"south": "id"}),
    Request("GET", SHOPS, 200),
    Request("GET", SHOP, 200, arguments=shop),
    Request("PUT", SHOP, 200, {"name": "North Street"}, "admin", shop),
    Request("PATCH", SHOP, 200, {"time_zone": "Europe/Lisbon"}, "admin", shop),
    Request("POST", PRODUCTS, 201, {"GTIN": TEA, "name": "Green tea", "category": "Tea"}, "admin"),
    Request("PUT", PRODUCT, 201, {"name": "Rice"}, "admin", {"gtin": RICE}),
    Request("PUT", PRODUCT, 200, {"name": "Green tea", "brand": "Leaf", "category": "Tea"}, "admin", tea),
    Request("PATCH", PRODUCT, 200, {"name": "Green tea, 20 bags"}, "admin", tea),
    Request("GET", PRODUCTS, 200),
    Request("GET", PRODUCT, 200, arguments=tea),
    Request("GET", "/api/v1/categories", 200),
    Request("GET", "/api/v1/brands", 200),
    Request("POST", READINGS, 201, {"shop": 1, "GTIN": TEA, "expiry_date": "2026-12-24"}, "staff", keep={"reading": "id"}),
    Request("POST", READINGS, 200, {"shop": 1, "GTIN": TEA, "expiry_date": "2026-12-20", "date_kind": "best_before"}, "staff"),
    Request(
        "PUT", READING, 200,
        {"shop": 1, "GTIN": TEA, "name": "Green tea, 20 bags", "expiry_date": "2026-12-20", "quantity": 12},
        "staff", reading,
    ),
    Request("PATCH", READING, 200, {"quantity": 10}, "staff", reading),
    Request("POST", READING + "/adjust", 200, {"delta": -2, "reason": "sold"}, "staff", reading),
    Request("GET", READINGS, 200),
    Request("GET", READING, 200, arguments=reading),
    Request("GET", "/api/v1/shops/{id}/stock", 200, arguments=shop, query=f"GTIN={TEA},{RICE}"),
    Request("GET", STOCK, 200, arguments=shop | tea),
    Request("PATCH", STOCK, 200, {"quantity": 10}, "staff", shop | tea),
    Request("POST", STOCK + "/adjust", 200, {"delta": -2, "reason": "sold"}, "staff", shop | tea),
    Request("PUT", THRESHOLDS, 200, {"days": 30, "stale_days": 14, "categories": {"Bread": {"days": 1}}}, "admin", shop),
    Request("GET", THRESHOLDS, 200, token="staff", arguments=shop),
    Request("GET", "/api/v1/shops/{id}/work-list", 200, arguments=shop),
    Request("GET", STREAM, 200, arguments=shop),
    Request("GET", "/api/v1/products/{gtin}/stock", 200, arguments=tea),
    Request("GET", HISTORY, 200, token="staff", arguments=reading, query="limit=3", keep={"event": "0/id"}),
    Request("DELETE", HISTORY + "/{event}", 204, {"reason": "a wrong shelf"}, "staff", reading | {"event": "{event}"}),
    Request("POST", SCAN, 200, {"shop": 1, "codes": ["]d2010400638133393117261218" + "10A7"]}, "staff"),
    Request("POST", SCAN, 201, {"shop": 2, "codes": ["]E09521234543213", "(15)270131"], "name": "Oats", "quantity": 4}, "staff"),
    Request(
        "POST", READINGS + "/batch", 200,
        {"items": [
            {"id": "a", "op": "record", "shop": 1, "GTIN": TEA, "quantity": 4},
            {"id": "b", "op": "adjust", "shop": 1, "GTIN": TEA, "delta": -1, "reason": "sold", "observed_at": "2026-11-28T10:00:00Z"},
            {"id": "c", "op": "remove", "shop": 1, "GTIN": MILK},
        ]},
        "staff",
    ),
    Request("GET", "/api/v1/changes", 200, query="shop=1"),
    Request(
        "POST", "/api/v1/sync", 200,
        {"device": DEVICE, "device_time": "2026-11-28T10:00:00Z", "shop": 1, "limit": 10, "operations": [
            {"id": FIRST, "kind": "check", "GTIN": TEA, "expiry_date": "2026-12-18", "quantity": 9, "observed_at": "2026-11-28T09:00:00Z"},
            {"id": SECOND, "kind": "void", "GTIN": TEA, "voids_operation": FIRST, "observed_at": "2026-11-28T09:01:00Z"},
            {"id": THIRD, "codes": [f"(01){TEA.zfill(14)}(17)261216"], "observed_at": "2026-11-28T09:02:00Z"},
        ]},
        "staff",
    ),
    Request("GET", OVERVIEW, 200, query="shop=1&days=3"),
    Request("GET", "/api/v1/stats", 200, token="admin", query="minutes=1"),
    Request("GET", "/api/v1/export/products", 200),
    Request("GET", "/api/v1/export/stock-readings", 200),
    Request("GET", "/api/v1/export/events", 200, token="staff"),
    Request("GET", "/api/v1/audit", 200, token="admin", query="limit=3"),
    Request("POST", IMPORT + "/products", 200, "gtin,name\n9520000000004,Imported tea\n", "admin"),
    Request("GET", IMPORTS, 200, token="admin", keep={"import": "0/id"}),
    Request("GET", IMPORTS + "/{import}", 200, token="admin", arguments=imported),
    Request("POST", IMPORTS + "/{import}/undo", 200, token="admin", arguments=imported),
    Request("POST", IMPORT + "/stock-readings", 200, f"gtin,quantity\n{TEA},5\n", "admin", query="shop=1&dry_run=true"),
    Request("POST", TOKENS, 201, {"name": "Phone 7", "role": "staff", "shops": [1], "person": "anna"}, "admin", keep={"token": "id"}),
    Request("GET", TOKENS, 200, token="admin"),
    Request("GET", TOKENS + "/self", 200, token="staff"),
    Request("GET", TOKEN, 200, token="admin", arguments=token),
    Request("POST", SESSION, 200, {"token": "{secret}"}, headers=page, keep={"cookie": "Set-Cookie"}),
    Request("GET", SESSION, 200, headers={"Cookie": "{cookie}"}),
    Request("GET", "/healthz", 200),
    Request("GET", "/readyz", 200),
    Request("GET", "/metrics", 200),
    Request("GET", "/openapi.json", 200),
]

# After those above.
REFUSED = [
    Request("POST", IMPORT + "/products", 422, "a,b\nx,y\n", "admin", code="import-question"),
    Request("POST", IMPORT + "/stock-readings", 422, f"gtin,quantity\n{TEA},5\n", "admin", code="import-question"),
    Request("POST", SHOPS, 409, {"name": "South"}, "admin", code="name-taken"),
    Request("PUT", SHOP, 409, {"name": "South"}, "admin", shop, code="name-taken"),
    Request("PATCH", SHOP, 409, {"name": "South"}, "admin", shop, code="name-taken"),
    Request("PUT", SHOP, 422, {"id": 2, "name": "North Street"}, "admin", shop, code="identity-is-fixed"),
    Request("PATCH", SHOP, 422, {"id": 2, "name": "North Street"}, "admin", shop, code="identity-is-fixed"),
    Request("DELETE", SHOP, 409, None, "admin", shop, code="has-readings"),
    Request("POST", PRODUCTS, 409, {"GTIN": TEA, "name": "Tea"}, "admin", code="already-exists"),
    Request("PUT", PRODUCT, 422, {"GTIN": MILK, "name": "Tea"}, "admin", tea, code="identity-is-fixed"),
    Request("PATCH", PRODUCT, 422, {"GTIN": MILK}, "admin", tea, code="identity-is-fixed"),
    Request("DELETE", PRODUCT, 409, None, "admin", tea, code="has-readings"),
    Request("POST", READINGS, 422, {"shop": 999, "GTIN": TEA}, "staff", code="unknown-shop"),
    Request("POST", READINGS, 422, {"shop": 1, "GTIN": MILK}, "staff", code="unknown-product"),
    Request(
        "PUT", READING, 422, {"shop": 2, "GTIN": TEA, "name": "Green tea, 20 bags", "expiry_date": None}, "staff", reading,
        code="identity-is-fixed",
    ),
    Request("PATCH", READING, 422, {"shop": 2, "quantity": 1}, "staff", reading, code="identity-is-fixed"),
    Request("POST", READING + "/adjust", 409, {"delta": -100}, "staff", reading, code="below-zero"),
    Request("POST", READING + "/adjust", 409, {"delta": 2147483647}, "staff", reading, code="above-max"),
    Request("POST", READINGS, 201, {"shop": 2, "GTIN": TEA}, "staff", keep={"uncounted": "id"}),
    Request("POST", READING + "/adjust", 409, {"delta": 1}, "staff", {"id": "{uncounted}"}, code="never-counted"),
    Request("DELETE", READING, 204, None, "staff", {"id": "{uncounted}"}),
    Request(
        "PUT", READING, 201,
        {"shop": 2, "GTIN": TEA, "name": "Green tea, 20 bags", "expiry_date": "2026-12-24", "observed_at": FUTURE}, "staff", {"id": "{uncounted}"},
    ),
    Request("DELETE", READING, 204, None, "staff", {"id": "{uncounted}"}),
    Request("PATCH", READING, 201, {"expiry_date": "2026-12-24", "observed_at": FUTURE}, "staff", {"id": "{uncounted}"}),
    Request("DELETE", READING, 204, None, "staff", {"id": "{uncounted}"}),
    Request("PATCH", STOCK, 201, {"expiry_date": "2026-12-24", "observed_at": FUTURE}, "staff", south_tea),
    Request("PATCH", STOCK, 422, {"shop": 1, "quantity": 1}, "staff", south_tea, code="identity-is-fixed"),
    Request("POST", STOCK + "/adjust", 409, {"delta": 1}, "staff", south_tea, code="never-counted"),
    Request("POST", STOCK + "/adjust", 409, {"delta": -100}, "staff", shop | tea, code="below-zero"),
    Request("POST", STOCK + "/adjust", 409, {"delta": 2147483647}, "staff", shop | tea, code="above-max"),
    Request(
        "POST", "/api/v1/sync", 200,
        {"device": DEVICE, "shop": 2, "operations": [
            {"id": FOURTH, "kind": "adjust", "GTIN": RICE, "delta": -1, "observed_at": "2026-11-28T09:03:00Z"},
        ]},
        "staff", keep={"unrecorded": "results/0/reading/id"},
    ),
    Request(
        "POST", READING + "/adjust", 200, {"delta": -1, "observed_at": "2026-11-28T09:04:00Z"}, "staff", {"id": "{unrecorded}"},
    ),
    Request("GET", HISTORY, 200, token="staff", arguments={"id": "{unrecorded}"}),
    Request("GET", HISTORY, 200, token="staff", arguments=reading, query="limit=10", keep={"void": "void/id"}),
    Request("DELETE", HISTORY + "/{event}", 409, None, "staff", reading | {"event": "{void}"}, code="event-not-voidable"),
    Request("GET", HISTORY, 403, token="other", arguments=reading, code="forbidden"),
    Request("POST", SCAN, 422, {"shop": 999, "codes": [TEA]}, "staff", code="unknown-shop"),
    Request("POST", SCAN, 422, {"shop": 1, "codes": [TEA, MILK]}, "staff", code="conflicting-codes"),
    Request("POST", "/api/v1/sync", 404, {"device": DEVICE, "shop": 999}, "staff", code="not-found"),
    Request("POST", "/api/v1/sync", 410, {"device": DEVICE, "shop": 1, "since": OLD_CURSOR}, "staff", code="resync-required"),
    Request("GET", OVERVIEW, 404, query="shop=999", code="not-found"),
    Request("GET", "/api/v1/changes", 404, query="shop=999", code="not-found"),
    Request("GET", "/api/v1/changes", 410, query="shop=1&since=" + OLD_CURSOR, code="resync-required"),
    Request("GET", "/api/v1/export/events", 403, token="other", query="shop=1", code="forbidden"),
    Request("PUT", PRODUCT, 201, {"name": "Recalled"}, "admin", {"gtin": RECALLED}),
    Request("DELETE", PRODUCT, 204, None, "admin", {"gtin": RECALLED}),
    Request("POST", READINGS, 403, {"shop": 1, "GTIN": RECALLED, "name": "Recalled"}, "staff", code="product-deleted"),
    Request("POST", SCAN, 403, {"shop": 1, "codes": [RECALLED], "name": "Recalled", "quantity": 1}, "staff", code="product-deleted"),
]

# What removes the rows, at the end.
LAST = [
    Request("DELETE", READING, 204, {"reason": "sold out"}, "staff", {"id": "{reading}"}),
    Request("DELETE", SHOP, 204, None, "admin", shop, query="cascade=true"),
    Request("DELETE", PRODUCT, 204, None, "admin", {"gtin": RICE}),
    Request("DELETE", TOKEN, 204, None, "admin", token),
    Request("DELETE", SESSION, 204, None, headers=page | {"Cookie": "{cookie}"}),
]
