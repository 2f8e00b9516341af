"""Makes requests from the OpenAPI document: valid ones, ones at the limits of their schemas, and damaged ones."""

import json
import random
import re
import string
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from description import Description

Json = Any

KINDS = ("valid", "boundary", "damaged")
# What each kind of value is at the limits of common types, and beyond.
NUMBERS = (0, 1, -1, 2, 999, 1000, 1001, 2**31 - 1, 2**31, -(2**31), 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 0.5, 1e400, -0.0)
TEXTS = (
    "", " ", "\u00a0", "a", "a" * 255, "a" * 256, "é" * 255, "é" * 256, "\U0001f95b" * 255, "e\u0301", "\u202egnp.exe", "\u200b", "\ufeffa", "a\u0000b", "a\nb",
    "\ud800", "'; drop table shops; --", "%00", "../../etc/passwd", "${jndi:ldap://x}", "{{7*7}}", "<script>", "null", "NaN", "0x10", "１２",
)  # fmt: skip
DATES = ("2024-02-29", "2026-02-29", "0000-01-01", "0001-01-01", "1970-01-01", "2126-12-31", "9999-12-31", "10000-01-01", "2026-13-01", "2026-1-1", "2026-12-24 ", "infinity")
TIMES = (
    "2026-12-24T10:00:00Z", "2026-12-24T10:00:00.123456789Z", "2026-12-24T23:59:60Z", "2026-12-24T10:00:00+14:00", "2026-12-24T10:00:00-23:59",
    "2026-12-24T10:00:00+99:99", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2026-12-24T10:00:00", "2026-12-24 10:00:00Z",
    "2026-12-24T24:00:00Z", "2026-02-30T10:00:00Z", "now", "infinity",
)  # fmt: skip
ZONES = ("UTC", "Europe/Zurich", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Factory", "localtime", "posixrules", "Nowhere/City", "../UTC", "")
UUIDS = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF", "{6d1f4c9e-0d0f-4c5e-9d35-0f1f3f0a7a11}", "6d1f4c9e")
GTINS = ("4006381333931", "04006381333931", "96385074", "036000291452", "00000000", "00000000000000", "4006381333932", "2000000000008", "9781234567897", "400638133393", "٤٠٠٦٣٨١٣٣٣٩٣١", "4006381333931 ")
CODES = (
    "4006381333931", "]d201059012341234571726122410LOT7", "(01)09521234543213(17)261224(10)ABC", "]E09521234543213", "https://id.gs1.org/01/09521234543213?17=261224",
    "]C1", "]d2", "(", "(01)", "17261332", "01" * 40, "\u001d", "]E003433401", "34334012", "é",
)  # fmt: skip
HEADERS = {
    "If-Match": ('"1"', 'W/"1"', "*", "", '"', '"1', "1", '"1", "2"', '"' + "9" * 30 + '"', "é", ",,,"),
    "If-None-Match": ('"1"', "*", "", '"', 'W/"1", "x"', "\t"),
    "Idempotency-Key": ("k", "", "k" * 255, "k" * 256, "a b", "é", "\x7f"),
    "Accept": ("*/*", "text/csv", "application/x-ndjson", "text/html", "", ";q=2", "text/csv;q=0", "a/b," * 500),
    "Accept-Encoding": ("gzip", "identity", "br;q=1", "gzip;q=0, *;q=0", ""),
    "Last-Event-ID": ("", "x", "A" * 50, "é"),
    "X-Request-Id": ("a", "", "a" * 128, "a" * 129, "a b", "é"),
    "Content-Type": ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", "", "application/json; charset=latin-1", ";"),
    "Range": ("bytes=0-1", "bytes=-1", "x"),
    "Authorization": ("", "Bearer", "Bearer ", "Bearer coda_", "Basic YTpi", "Bearer " + "x" * 4000, "Bearer é", "bearer coda_x"),
    "Cookie": ("a=b", "é"),
    "traceparent": ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
}


@dataclass
class Sent:
    """A request to the operation at `path`; `target` is the address that is sent."""

    kind: str
    method: str
    path: str
    operation: Json
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def operation_method(self) -> str:
        return "GET" if self.method == "HEAD" else self.method

    def __str__(self) -> str:
        headers = {name: "…" if name == "Authorization" and value.startswith("Bearer coda_") and len(value) > 20 else value for name, value in self.headers.items()}
        return f"{self.kind} {self.method} {self.target[:600]} {headers} {None if self.body is None else self.body[:1200]}"


def check_digit(digits: str) -> str:
    """Returns: the last digit of a GTIN (GS1 General Specifications, 7.9.1)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


class Pools:
    """Ids, names, cursors and tags of answers, from which later requests are made."""

    SIZE = 200

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        self.rows: dict[str, Json] = {}  # readings by id, as they were last seen

    def add(self, name: str, value: object) -> None:
        values = self._values[name]
        if len(values) < self.SIZE:
            values.append(str(value))
        else:
            values[hash((name, value)) % self.SIZE] = str(value)

    def one(self, name: str, chance: random.Random, otherwise: str) -> str:
        return chance.choice(self._values[name]) if self._values[name] else otherwise

    def keep(self, sent: Sent, answer: Json, headers: dict[str, str]) -> None:
        """Keeps what an answer has."""
        if cookie := headers.get("Set-Cookie"):
            self.add("cookie", cookie.partition(";")[0])
        if tag := headers.get("ETag"):
            self.add("tag", tag)
        if found := re.search(r"[?&]cursor=([^&>]+)", headers.get("Link", "")):
            self.add("cursor", found[1])
        for row in answer[:20] if isinstance(answer, list) else [answer]:
            if not isinstance(row, dict):
                continue
            if "/tokens" in sent.path:
                self.add("token", row.get("id", 1))
            elif "reading" in row and "kind" in row:
                self.add("event", row["id"])
                self.add("history", f"{row['reading']}/history/{row['id']}")
            elif "time_zone" in row:
                self.add("shop", row["id"])
            elif "shop" in row and "GTIN" in row:
                self.add("reading", row["id"])
                self.rows[str(row["id"])] = row
            if "GTIN" in row:
                self.add("gtin", row["GTIN"])
            if isinstance(row.get("next"), str):
                self.add("since", row["next"])


# Of imports.
FILES = (
    b"gtin,name\n9520000000004,Tea\n",
    b"shop,gtin,quantity,observed_at\n1,4006381333931,5,2026-11-01T08:00:00Z\n",
    b'{"gtin":"4006381333931","name":"Tea"}\n',
    b"code;Best before\n4006381333931;24.12.26\n",
    b"",
    b"\x00\xff",
)


class Generator:
    """Makes requests. The same numbers of `chance` and the same pools make the same requests."""

    def __init__(self, description: Description, tokens: dict[str, str], pools: Pools) -> None:
        self._description = description
        self._tokens = tokens
        self._pools = pools
        self._operations = list(description.operations())

    def request(self, chance: random.Random) -> Sent:
        method, path, operation = chance.choice(self._operations)
        kind = chance.choice(KINDS)
        sent = Sent(kind, method, path, operation, "")
        token = chance.choices(("admin", "staff", ""), (6, 3, 1))[0]
        if token:
            sent.headers |= self.authorization(token)
        if path == "/api/v1/session":
            sent.headers["Sec-Fetch-Site"] = chance.choice(["same-origin"] * 9 + ["same-site"])
            sent.headers["Cookie"] = self._pools.one("cookie", chance, "codasync=x")
        sent.target = self._target(sent, chance)
        self._add_headers(sent, chance)
        self._add_body(sent, chance)
        if method == "GET" and chance.random() < 0.05:
            sent.method = "HEAD"
        return sent

    def authorization(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[token]}"}

    def body(self, sent: Sent, schema: Json, chance: random.Random) -> Json:
        """Sets the address of a request. Returns: a valid body for it."""
        sent.target = self._target(sent, chance)
        return self._valid_body(sent, schema, chance)

    # ---- the address

    def _target(self, sent: Sent, chance: random.Random) -> str:
        parameters = self._description.parameters(sent.operation, "path")
        target = sent.path
        if "{event}" in target and chance.random() < 0.7:
            target = target.replace("{id}/history/{event}", self._pools.one("history", chance, "1/history/1"))
        for name in re.findall(r"{(\w+)}", target):
            target = target.replace(f"{{{name}}}", quote(self._path_value(sent, name, parameters[name], chance), safe=""))
        query = []
        for name, parameter in self._description.parameters(sent.operation, "query").items():
            if parameter.get("required") or chance.random() < 0.3:
                query.append(f"{quote(name)}={quote(self._query_value(name, parameter, sent.kind, chance), safe=',')}")
        if sent.kind == "damaged" and chance.random() < 0.3:
            query.append(chance.choice(["bogus=1", "&", "=", "limit", "limit=%", "limit=%zz", "a=%00", "search=%ff%fe", "limit=1&limit=2", "x" * 9000, "%6cimit=1", "limit=+1", ";", "#"]))
        if sent.kind != "valid":
            chance.shuffle(query)
        if query:
            target += "?" + "&".join(query)
        if sent.kind == "damaged" and chance.random() < 0.05:
            target = chance.choice([target + "/", target.replace("/", "//", 1), target.upper(), target + "%2e%2e/", "*", target + "\xff", target.replace("api", "%61pi"), "http://other.example" + target])
        return target

    def _path_value(self, sent: Sent, name: str, parameter: Json, chance: random.Random) -> str:
        if sent.kind != "valid" and chance.random() < 0.3:
            return chance.choice([str(chance.choice(NUMBERS)), chance.choice(GTINS), chance.choice(UUIDS), "x", "1" * 30, "%", "é", " "])
        if name == "import":
            return str(self._valid(parameter["schema"], name, chance))
        pool = {"gtin": "gtin", "event": "event"}.get(name) or next(word for key, word in (("/shops", "shop"), ("/tokens", "token"), ("/stock-readings", "reading")) if key in sent.path)
        return self._pools.one(pool, chance, str(self._valid(parameter["schema"], name, chance)))

    def _query_value(self, name: str, parameter: Json, kind: str, chance: random.Random) -> str:
        schema = self._description.resolved(parameter["schema"])
        if kind != "valid" and chance.random() < 0.4:
            return as_query(self._odd(schema, name, chance))
        if schema.get("type") == "array":
            count = chance.choice([1, 1, 2, 3, schema.get("maxItems", 5)]) if kind == "boundary" else chance.randint(1, 3)
            return ",".join(str(self._valid(self._description.resolved(schema["items"]), name, chance)) for _ in range(count))
        return as_query(self._valid(schema, name, chance))

    # ---- headers

    def _add_headers(self, sent: Sent, chance: random.Random) -> None:
        for name in self._description.parameters(sent.operation, "header"):
            if chance.random() < 0.1:
                sent.headers[name] = self._pools.one("tag", chance, '"1"') if name.startswith("If-") else HEADERS[name][0]
        if "Idempotency-Key" in sent.headers:
            sent.headers["Idempotency-Key"] = f"key-{chance.getrandbits(64)}"
        if sent.kind == "damaged":
            for _ in range(chance.choice([0, 0, 1, 2])):
                name = chance.choice(list(HEADERS))
                sent.headers[name] = chance.choice(HEADERS[name])

    # ---- bodies

    def _add_body(self, sent: Sent, chance: random.Random) -> None:
        body = sent.operation.get("requestBody")
        if body is None:
            if sent.kind == "damaged" and chance.random() < 0.05:
                sent.body = chance.choice([b"{}", b"x", b"\x00"])
            return
        if not body.get("required") and chance.random() < 0.5:
            return
        if "application/json" not in body["content"]:
            sent.body = chance.choice(FILES)
            sent.headers.setdefault("Content-Type", "text/csv")
            return
        schema = body["content"]["application/json"]["schema"]
        value = self._valid_body(sent, schema, chance)
        if sent.kind == "boundary":
            value = self._with_odd_members(schema, value, chance)
        sent.body = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        if sent.kind == "damaged":
            sent.body = damaged(sent.body, chance)
        sent.headers.setdefault("Content-Type", "application/json")

    def _valid_body(self, sent: Sent, schema: Json, chance: random.Random) -> Json:
        """Returns: a body; that of a reading names the row of the address, where it is known."""
        value = self._valid(schema, "", chance)
        if row := self._pools.rows.get(sent.target.rpartition("/")[2]) if sent.path == "/api/v1/stock-readings/{id}" else None:
            value |= {name: row[name] for name in ("id", "shop", "GTIN", "name") if name in value and name in row}
        return value

    def _with_odd_members(self, schema: Json, value: Json, chance: random.Random) -> Json:
        """Replaces members by values at or beyond the limits of their schemas, at any depth."""
        schema = self._description.resolved(schema)
        if isinstance(value, dict) and "properties" in schema:
            for name in list(value):
                if chance.random() < 0.25:
                    value[name] = self._odd(self._description.resolved(schema["properties"].get(name, {})), name, chance)
                elif isinstance(value[name], (dict, list)):
                    value[name] = self._with_odd_members(schema["properties"].get(name, {}), value[name], chance)
            if chance.random() < 0.1:
                value.pop(chance.choice(list(value) or [""]), None)
            if chance.random() < 0.1:
                value[chance.choice(["bogus", "", "ID", "id ", "__proto__", "é"])] = chance.choice([1, None, "x"])
        elif isinstance(value, list) and value and "items" in schema:
            at = chance.randrange(len(value))
            value[at] = self._with_odd_members(schema["items"], value[at], chance)
            if chance.random() < 0.02:
                value *= 400
        return value

    # ---- values

    def _odd(self, schema: Json, name: str, chance: random.Random) -> Json:
        """Returns: a value at a limit of the schema, beyond it, or of another type."""
        limits = [schema[word] + by for word in ("minimum", "maximum") if word in schema for by in (-1, 0, 1)]
        limits += ["x" * (schema[word] + by) for word in ("minLength", "maxLength") if word in schema for by in (-1, 0, 1) if schema[word] + by >= 0]
        if limits and chance.random() < 0.5:
            return chance.choice(limits)
        others = (TEXTS, NUMBERS, DATES, TIMES, GTINS, ZONES, UUIDS, CODES, (None, True, False, [], {}, [[]], {"a": {}}, [None], ["x"] * 17))
        own = {"expiry_date": DATES, "observed_at": TIMES, "device_time": TIMES, "expires_at": TIMES, "from": TIMES, "until": TIMES, "GTIN": GTINS,
               "time_zone": ZONES, "codes": [[code] for code in CODES], "name": TEXTS, "reason": TEXTS, "search": TEXTS, "device": UUIDS, "id": UUIDS}  # fmt: skip
        return chance.choice(own[name] if name in own and chance.random() < 0.5 else chance.choice(others))

    def _valid(self, schema: Json, name: str, chance: random.Random) -> Json:
        """Returns: a value that the schema allows."""
        schema = self._description.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return chance.choice(schema["enum"])
        if "anyOf" in schema and "properties" not in schema:
            return self._valid(chance.choice(schema["anyOf"]), name, chance)
        if "allOf" in schema:
            return {key: value for part in schema["allOf"] for key, value in self._valid(part, name, chance).items()}
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = chance.choice(kind)
        match kind:
            case "object":
                return self._object(schema, chance)
            case "array":
                least, most = schema.get("minItems", 0), min(schema.get("maxItems", 5), 5)
                return [self._valid(schema["items"], name, chance) for _ in range(chance.randint(least, most))]
            case "integer":
                return self._integer(schema, name, chance)
            case "number":
                return chance.uniform(0, 100)
            case "boolean":
                return chance.random() < 0.5
            case "null":
                return None
        return self._text(schema, name, chance)

    def _object(self, schema: Json, chance: random.Random) -> Json:
        required = set(schema.get("required", []))
        if "anyOf" in schema:
            required |= set(chance.choice(schema["anyOf"])["required"])
        made = {}
        for name, member in schema.get("properties", {}).items():
            if name in required or chance.random() < 0.35:
                made[name] = self._valid(member, name, chance)
        if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
            for _ in range(chance.randint(0, 3)):
                made[chance.choice(["Tea", "Bread", "Milk", "Öl"])] = self._valid(schema["additionalProperties"], "", chance)
        return made

    def _integer(self, schema: Json, name: str, chance: random.Random) -> int:
        if name in ("shop", "shops"):
            return int(self._pools.one("shop", chance, "1"))
        if name == "GTIN":
            return int(self._gtin(chance).lstrip("0") or "4006381333931")
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
        return chance.choice([low, high, chance.randint(low, min(high, low + 50)), chance.randint(low, high)])

    def _gtin(self, chance: random.Random) -> str:
        if chance.random() < 0.8:
            return self._pools.one("gtin", chance, "4006381333931")
        digits = "".join(chance.choices(string.digits, k=chance.choice([7, 11, 12, 13])))
        return digits + check_digit(digits)

    def _text(self, schema: Json, name: str, chance: random.Random) -> str:
        if schema.get("pattern", "").startswith("^(\\d{8}"):
            return self._gtin(chance)
        match schema.get("format"):
            case "date":
                return f"20{chance.randint(20, 39)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            case "date-time":
                return f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00Z"
            case "uuid":
                return self._pools.one("event", chance, "") if name == "voids" and chance.random() < 0.5 else str(uuid.UUID(int=chance.getrandbits(128), version=4))
        match name:
            case "time_zone":
                return chance.choice(ZONES[:5])
            case "token":
                return self._tokens["staff"]
            case "cursor" | "since":
                return self._pools.one(name, chance, "")
            case "codes":
                return chance.choice(CODES)
            case "separator":
                return chance.choice("~|#")
        return "".join(chance.choices("abc äöü'\"\\%_&<>😀", k=chance.randint(1, 12))).strip() or "a"


def as_query(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Returns: a body with damage of one kind."""
    at = chance.randrange(len(body) + 1)
    match chance.randrange(12):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + bytes([chance.randrange(256)]) + body[at:]
        case 2:
            return body[:at] + body[at + 1 :]
        case 3:
            return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        case 4:
            return body + body
        case 5:
            return body[:-1] + b"," + body[1:]  # every member twice
        case 6:
            return b"[" * 5000 + body
        case 7:
            return body.replace(b'"', b"'")
        case 8:
            return body.replace(b":", b":" + chance.choice([b"-", b"1e999", b"0" * 3000, b"\xc0\xaf", b"\xed\xa0\x80", b"\\u0000", b'"\\ud800"', b"[[[[", b"nul"]), 1)
        case 9:
            return chance.choice([b"", b"\xef\xbb\xbf" + body, b"\x00" + body, body + b"\x00", b"[]", b"null", b'"x"', b"1", b" " * 1_000_001, b"{" + b'"a":{' * 500])
        case 10:
            return body.decode("utf-8", "replace").encode("utf-16")
    return bytes(chance.randrange(256) for _ in range(chance.randint(1, 200)))
