"""Every route with each kind of wrong credentials, and correct ones in wrong places."""

import http.client
import itertools
import sys

from frame import ROOT, Stage, Tally, attack, status_of

sys.path.insert(0, str(ROOT / "tests" / "sync"))

from access import CLIENTS, Place, table  # noqa: E402
from client import Client  # noqa: E402

REQUESTS_OF_ADDRESS = 10  # fewer than the limit of failed tokens
PRIVATE = "/api/v1/tokens"  # for admins only


class Sender(Client):
    """It changes its address again and again, so that no limit answers instead of the check of rights."""

    numbers = itertools.count()

    def connection(self) -> http.client.HTTPConnection:
        address = next(self.numbers) // REQUESTS_OF_ADDRESS
        source = f"127.4.{address // 250 % 250}.{address % 250 + 1}"
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(source, 0))


@attack(refuses=True)
def every_route_with_wrong_credentials(stage: Stage) -> Tally:
    """With tokens and with sessions: each request would succeed with the right ones, and all are refused."""
    tally, lasts = Tally(), stage.deadline()
    env = stage.stack.env()
    known = (stage.stack.port, env["CODASYNC_DATABASE_URL"], stage.token("admin"), stage.token("staff"))
    place, sender = Place(Client(*known)), Sender(*known)
    while True:
        for route, expected in table().items():
            for client in CLIENTS:
                if int(expected[client].split()[0]) < 400:
                    continue
                for by_session in (False, True):
                    status = place.status(route, client, by_session=by_session, sender=sender)
                    tally.attempts += 1
                    tally.refused += status in ("401", "403")
                    tally.admit(f"{route} for {client}, session {by_session}: {status}", int(status not in ("401", "403", expected[client])))
        if not lasts():
            return tally


@attack(refuses=True)
def credentials_in_wrong_places(stage: Stage) -> Tally:
    """The token of an admin outside of the field `Authorization: Bearer`, or beside another one."""
    tally, lasts = Tally(), stage.deadline()
    token = stage.token("admin")
    fields = (
        f"Authorization: {token}",
        f"Authorization: Basic {token}",
        f"Authorization: Token {token}",
        f"Authorization: Bearer\t{token}",
        f"Authorization: Bearer {token}x",
        f"Authorization: Bearer {token}, Bearer {token}",
        f"Authorization: Bearer {token}\r\nAuthorization: Bearer {token}",
        f"Authorization: Bearer x\r\nAuthorization: Bearer {token}",
        f"Authorization : Bearer {token}",
        f"Authorization_: Bearer {token}",
        f"X-Authorization: Bearer {token}",
        f"Proxy-Authorization: Bearer {token}",
        f"X-Api-Key: {token}",
        f"Cookie: codasync={token}",
        f"Cookie: __Host-codasync={token}",
        f"X-Forwarded-User: {token}",
    )
    while True:
        for address in (stage.edge, stage.direct):
            for path, more in (*((PRIVATE, field) for field in fields), *((f"{PRIVATE}?{name}={token}", "X: 1") for name in ("token", "access_token"))):
                request = f"GET {path} HTTP/1.1\r\nHost: s\r\n{more}\r\nConnection: close\r\n\r\n"
                status = status_of(stage.raw(request.encode(), address))
                tally.attempts += 1
                tally.refused += status in (400, 401, 403, 429)
                tally.admit(f"{more.split(':')[0]} at {path.split('?')[0]}: {status}", int(status < 400))
        if not lasts():
            return tally
