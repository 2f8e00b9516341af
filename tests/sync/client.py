"""A client of a running service at 127.0.0.1, with what many tests write."""

import http.client
import json
import subprocess
from typing import Any

GTINS = ["9520000000004", "9520000000011", "9520000000028", "9520000000035", "9520000000042", "9520000000059"]


def psql(url: str, sql: str) -> str:
    done = subprocess.run(["psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", url, "-c", sql], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


class Answer:
    def __init__(self, status: int, body: str, link: str = "", cookie: str = "") -> None:
        self.status = status
        self.body = body
        self.cookie = cookie.partition(";")[0]  # name=value of Set-Cookie
        self.next_page = link.partition(">")[0].lstrip("<")  # of a list; empty: the last page

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of its problem; empty for another answer."""
        return self.json().get("type", "").removeprefix("urn:codasync:problem:") if self.status >= 400 else ""


class Client:
    """`url`: of the database; `admin` and `staff` are tokens."""

    def __init__(self, port: int, url: str, admin: str, staff: str) -> None:
        self.port, self.url = port, url
        self.admin, self.staff = admin, staff

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def sql(self, statement: str) -> str:
        return psql(self.url, statement)

    def send(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> Answer:
        """A text as body is sent as CSV, anything else as JSON. Raises: OSError or http.client.HTTPException when there is no answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent["Content-Type"] = "text/csv" if isinstance(body, str) else "application/json"
            body = body if isinstance(body, str) else json.dumps(body)
        connection = self.connection()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), response.getheader("Link") or "", response.getheader("Set-Cookie") or "")
        finally:
            connection.close()

    def status_of_stream(self, path: str, headers: dict[str, str]) -> int:
        """Returns: the status of an answer that does not end."""
        connection = self.connection()
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def shop(self, name: str, **fields: str) -> int:
        return int(self.send("POST", "/api/v1/shops", {"name": name} | fields, self.admin).json()["id"])

    def product(self, gtin: str, name: str) -> Answer:
        return self.send("PUT", f"/api/v1/products/{gtin}", {"name": name}, self.admin)

    def record(self, shop: int, gtin: str, **fields: Any) -> Any:
        answer = self.send("POST", "/api/v1/stock-readings", {"shop": shop, "GTIN": gtin} | fields, self.staff)
        assert answer.status in (200, 201), answer.body
        return answer.json()

    def changes(self, shop: int, since: str = "", limit: int = 1000) -> Answer:
        return self.send("GET", f"/api/v1/changes?shop={shop}&limit={limit}" + (f"&since={since}" if since else ""))
