"""What the users of a load test work with: a shop of its own with counted readings. Made once, found again."""

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

    def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Returns: status and JSON. Exits when nobody answers."""
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method)
        request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError as error:
            sys.exit(f"{self.url} does not answer: {error}")

    def wanted(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """Returns: the JSON of an answer that is no error. Exits at an error."""
        status, answer = self.ask(method, path, token, body)
        if status >= 400:
            sys.exit(f"{method} {path} was answered {status}: {answer.get('detail', answer)}")
        return answer


@dataclass(frozen=True)
class Reading:
    shop: int
    gtin: str
    id: int


def gtin(number: int) -> str:
    """Returns: a GTIN-13 with GS1's prefix for examples."""
    digits = f"952700{number:06d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def shop(target: Target) -> int:
    status, made = target.ask("POST", "/shops/", target.admin_token, {"name": SHOP})
    if status == 201:
        return int(made["id"])
    if status != 409:
        sys.exit(f"no shop for the load test: {status} {made.get('detail', made)}")
    page = target.wanted("GET", "/shops/?limit=1000", target.admin_token)
    found = [each["id"] for each in page if each["name"] == SHOP]
    return int(found[0]) if found else sys.exit(f"the shop {SHOP!r} is not among the first 1,000")


def readings(target: Target) -> Iterator[Reading]:
    """Yields them all, with a date and a count, so that whatever users do next is possible."""
    where = shop(target)
    for number in range(READINGS):
        draft = {"shop": where, "GTIN": gtin(number), "name": f"Load test {number}", "expiry_date": "2030-12-24", "quantity": 1000}
        made = target.wanted("POST", "/stock-readings/", target.staff_token, draft)
        yield Reading(where, gtin(number), int(made["id"]))
