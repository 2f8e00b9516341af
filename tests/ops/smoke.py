"""The smoke test: what each way of running CodaSync has to do, seen by a client. Works on a database that has data."""

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

GTIN = "4006381333931"


@dataclass(frozen=True)
class Answer:
    status: int  # 0: nobody answers
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
    """One request. Header names: underscores stand for dashes."""
    request = urllib.request.Request(url, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
    except OSError:
        return Answer(0, {}, b"")


def wait_until_ready(url: str, seconds: float = 90.0) -> None:
    """Throws: AssertionError when /readyz does not answer 200 within so many seconds."""
    deadline = time.monotonic() + seconds
    while (answer := ask(f"{url}/readyz")).status != 200:
        if time.monotonic() > deadline:
            raise AssertionError(f"{url} is not ready after {seconds:.0f} s: {answer}")
        time.sleep(0.1)


def expect(answer: Answer, status: int) -> Answer:
    """Returns: the answer. Throws: AssertionError when it has another status."""
    if answer.status != status:
        raise AssertionError(f"expected {status}, got {answer}")
    return answer


def smoke(url: str, admin_token: str, *, edge: bool) -> str:
    """Does what people do, through a web server (edge) or at the service itself. Returns: what was done, for the table.

    Throws: AssertionError at the first answer that is not as promised.
    """
    api = f"{url}/api/v1"
    admin = {"Authorization": f"Bearer {admin_token}"}
    wait_until_ready(url)

    assert expect(ask(f"{api}/shops", "POST", {"name": "x"}), 401).json()["type"].endswith(":unauthorized")
    wrong = {"Authorization": "Bearer " + "0" * 40}
    expect(ask(f"{api}/shops", "POST", {"name": "x"}, **wrong), 401)

    shop = expect(ask(f"{api}/shops", "POST", {"name": f"Smoke {secrets.token_hex(6)}"}, **admin), 201).json()["id"]
    product = {"GTIN": GTIN, "name": "Highlighter"}
    assert ask(f"{api}/products", "POST", product, **admin).status in (201, 409)  # another smoke test made it
    draft = {"shop": shop, "GTIN": GTIN, "expiry_date": "2030-12-24", "quantity": 7}
    reading = expect(ask(f"{api}/stock-readings/", "POST", draft, **admin), 201).json()["id"]

    address = f"{api}/shops/{shop}/stock/{GTIN}"
    for _ in range(3):  # a miss, a fill, and from the cache where there is one
        first = expect(ask(address), 200)
        assert (first.json()["expiry_date"], first.json()["quantity"]) == ("2030-12-24", 7), first
    expect(ask(address, If_None_Match=first.headers["etag"]), 304)

    earlier = {"expiry_date": "2030-12-20"}
    expect(ask(f"{api}/stock-readings/{reading}", "PATCH", earlier, **admin), 200)
    second = expect(ask(address, If_None_Match=first.headers["etag"]), 200)  # no older version after the answer
    assert second.json()["expiry_date"] == "2030-12-20", second
    key = {"Idempotency_Key": secrets.token_hex(8)}
    for _ in range(2):
        expect(ask(f"{api}/stock-readings/{reading}/adjust", "POST", {"delta": -2}, **admin, **key), 200)
    assert expect(ask(address), 200).json()["quantity"] == 5
    stale = {"If_Match": first.headers["etag"]}
    expect(ask(f"{api}/stock-readings/{reading}", "PATCH", {"quantity": 1}, **admin, **stale), 412)

    expect(ask(f"{api}/shops/{shop}?cascade=true", "DELETE", **admin), 204)
    expect(ask(address), 404)
    expect(ask(f"{url}/healthz"), 200)
    expect(ask(f"{url}/metrics"), 404 if edge else 200)
    return "smoke test: refusals without a token, shop, product, reading, read back, 304, a change seen at once, a repeated sale, 412, removal"
