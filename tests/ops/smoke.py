"""The smoke test of a client, for each way of running CodaSync. It works on a database that has data."""

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

GTIN = "4006381333931"


@dataclass(frozen=True)
class Response:
    status: int  # 0: no response
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(url: str, method: str = "GET", body: Any = None, **headers: str) -> Response:
    """Sends one request. Underscores in header names become dashes."""
    request = urllib.request.Request(url, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return Response(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
    except urllib.error.HTTPError as error:
        return Response(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
    except OSError:
        return Response(0, {}, b"")


def wait_until_ready(url: str, seconds: float = 90.0) -> None:
    """Throws: AssertionError when /readyz does not return 200 in time."""
    deadline = time.monotonic() + seconds
    while (response := send(f"{url}/readyz")).status != 200:
        if time.monotonic() > deadline:
            raise AssertionError(f"{url} is not ready after {seconds:.0f} s: {response}")
        time.sleep(0.1)


def expect(response: Response, status: int) -> Response:
    """Returns: the response. Throws: AssertionError when it has another status."""
    if response.status != status:
        raise AssertionError(f"expected {status}, got {response}")
    return response


def smoke(url: str, admin_token: str, *, edge: bool) -> str:
    """Does what clients do, through a reverse proxy (edge) or at the service itself. Returns: what was done, for the table.

    Throws: AssertionError at the first wrong response.
    """
    api = f"{url}/api/v1"
    admin = {"Authorization": f"Bearer {admin_token}"}
    wait_until_ready(url)

    assert expect(send(f"{api}/shops", "POST", {"name": "x"}), 401).json()["type"].endswith(":unauthorized")
    wrong = {"Authorization": "Bearer " + "0" * 40}
    expect(send(f"{api}/shops", "POST", {"name": "x"}, **wrong), 401)

    shop = expect(send(f"{api}/shops", "POST", {"name": f"Smoke {secrets.token_hex(6)}"}, **admin), 201).json()["id"]
    product = {"GTIN": GTIN, "name": "Highlighter"}
    assert send(f"{api}/products", "POST", product, **admin).status in (201, 409)  # it may exist already
    draft = {"shop": shop, "GTIN": GTIN, "expiry_date": "2030-12-24", "quantity": 7}
    reading = expect(send(f"{api}/stock-readings/", "POST", draft, **admin), 201).json()["id"]

    address = f"{api}/shops/{shop}/stock/{GTIN}"
    for _ in range(3):  # a miss, a fill, and a hit if there is a cache
        first = expect(send(address), 200)
        assert (first.json()["expiry_date"], first.json()["quantity"]) == ("2030-12-24", 7), first
    expect(send(address, If_None_Match=first.headers["etag"]), 304)

    earlier = {"expiry_date": "2030-12-20"}
    expect(send(f"{api}/stock-readings/{reading}", "PATCH", earlier, **admin), 200)
    second = expect(send(address, If_None_Match=first.headers["etag"]), 200)  # no older version after the response
    assert second.json()["expiry_date"] == "2030-12-20", second
    key = {"Idempotency_Key": secrets.token_hex(8)}
    for _ in range(2):
        expect(send(f"{api}/stock-readings/{reading}/adjust", "POST", {"delta": -2}, **admin, **key), 200)
    assert expect(send(address), 200).json()["quantity"] == 5
    stale = {"If_Match": first.headers["etag"]}
    expect(send(f"{api}/stock-readings/{reading}", "PATCH", {"quantity": 1}, **admin, **stale), 412)

    expect(send(f"{api}/shops/{shop}?cascade=true", "DELETE", **admin), 204)
    expect(send(address), 404)
    expect(send(f"{url}/healthz"), 200)
    expect(send(f"{url}/metrics"), 404 if edge else 200)
    return "smoke test: refusals without a token, shop, product, reading, reads, 304, a change visible at once, a repeated sale, 412, deletion"
