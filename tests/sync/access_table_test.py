"""Who may do what: every cell of the table in api/README.md, against a running service.

The routes are those of /openapi.json. A route without a row, a row without a route and a route without a request here fail.
"""

import unittest

from access import CLIENTS, Place, Table, table
from service import Service

PUBLIC = "/api/v1/"  # below it, GET needs a token where api.public_reads is off


class AccessTable(unittest.TestCase):
    def check(self, expected: Table, *, by_session: bool = False, **settings: str) -> None:
        service = Service(**settings)
        self.addCleanup(service.stop)
        paths = service.send("GET", "/openapi.json").json()["paths"]
        routes = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
        self.assertEqual(set(routes), set(expected), "the rows of the table and the routes of the service")
        place = Place(service)
        for route in routes:
            for client in CLIENTS:
                with self.subTest(route, client=client):
                    self.assertEqual(place.status(route, client, by_session=by_session), expected[route][client])

    def test_with_public_reads(self) -> None:
        self.check(table())

    def test_without_public_reads_every_read_requires_a_token(self) -> None:
        expected = table()
        for route, statuses in expected.items():
            if route.startswith("GET " + PUBLIC):
                statuses |= dict.fromkeys(("no token", "malformed", "expired", "revoked"), "401")
        self.check(expected, CODASYNC_API_PUBLIC_READS="false")

    def test_a_session_has_the_rights_of_its_token(self) -> None:
        expected = table()
        creation = expected["POST /api/v1/tokens"]
        creation |= dict.fromkeys(("staff of the shop", "staff of another shop", "admin"), "403")
        creation |= dict.fromkeys(("malformed", "expired", "revoked"), "403")  # no session is enough, so none is looked up
        self.check(expected, by_session=True)


if __name__ == "__main__":
    unittest.main()
