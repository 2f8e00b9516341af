"""The data of a load test: a shop with counted readings, created once and reused."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHOP = "Load test"
READINGS = 200


@dataclass(frozen=True)
class Target:
    url: str
    admin_token: str
    staff_token: str

    def send(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Returns: status and JSON. Exits if there is no response."""
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method)
        request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError as error:
            sys.exit(f"{self.url} does not respond: {error}")

    def require(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """Returns: the JSON of a successful response. Exits at an error."""
        status, response = self.send(method, path, token, body)
        if status >= 400:
            sys.exit(f"{method} {path} returned {status}: {response.get('detail', response)}")
        return response


@dataclass(frozen=True)
class Reading:
    shop: int
    gtin: str
    id: int


def gtin(number: int) -> str:
    """Returns: a GTIN-13 in GS1's range for examples."""
    digits = f"952700{number:06d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def shop(target: Target) -> int:
    status, made = target.send("POST", "/shops/", target.admin_token, {"name": SHOP})
    if status == 201:
        return int(made["id"])
    if status != 409:
        sys.exit(f"the shop of the load test cannot be created: {status} {made.get('detail', made)}")
    page = target.require("GET", "/shops/?limit=1000", target.admin_token)
    found = [each["id"] for each in page if each["name"] == SHOP]
    return int(found[0]) if found else sys.exit(f"the shop {SHOP!r} is not among the first 1,000")


def readings(target: Target) -> Iterator[Reading]:
    """Yields all readings, with a date and a count, so that every request of the users is valid."""
    where = shop(target)
    for number in range(READINGS):
        draft = {"shop": where, "GTIN": gtin(number), "name": f"Load test {number}", "expiry_date": "2030-12-24", "quantity": 1000}
        made = target.require("POST", "/stock-readings/", target.staff_token, draft)
        yield Reading(where, gtin(number), int(made["id"]))
