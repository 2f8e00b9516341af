"""Web pages of other origins: what they may read through Nginx, and that no entry depends on their origin."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from edge import BODY, RESPONSE, ROOT, EdgeTest, Nginx, Response

PRODUCT = "/api/v1/products/4006381333931"
ENTRY = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "17"\r\nCache-Control: no-cache\r\n\r\n{}'
SHOP, OTHER, EVIL = "https://shop.example", "http://localhost:3000", "https://shop.example.evil"
ALLOW, EXPOSE, METHODS = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Methods"
READABLE = ("ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Idempotency-Replayed", "Allow")


class CorsTest(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.memcached = self.start_memcached()
        self.service = self.start_service()
        self.memcached.set("coda1:" + PRODUCT, ENTRY)

    def start(self, origins: str) -> Nginx:
        return self.start_nginx([self.service.path], [self.memcached.path], "--cors-origins", origins)

    def each_kind(self, nginx: Nginx, **headers: str) -> dict[str, Response]:
        """Returns: one response of each kind that clients can get."""
        self.service.behave = lambda request: {
            "/bad": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}",
            "/many": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
            "/same": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n',
            "/no-content": b"HTTP/1.1 204 No Content\r\n\r\n",
            "/broken": None,
        }.get(request.uri, RESPONSE + (b"" if request.method == "HEAD" else BODY))
        kinds = {
            "hit": nginx.get(PRODUCT, **headers),
            "hit, 304": nginx.get(PRODUCT, If_None_Match='"17"', **headers),
            "miss": nginx.get("/api/v1/shops/1", **headers),
            "head": nginx.ask("HEAD", "/api/v1/shops/1", **headers),
            "list": nginx.get("/api/v1/shops?limit=1", **headers),
            "304": nginx.get("/same", **headers),
            "204": nginx.ask("DELETE", "/no-content", **headers),
            "400": nginx.get("/bad", **headers),
            "429": nginx.get("/many", **headers),
            "404 of Nginx": nginx.get("/metrics", **headers),
            "405 of Nginx": nginx.ask("TRACE", "/", **headers),
            "413 of Nginx": nginx.ask("POST", "/", b"x" * 1_000_001, **headers),
            "502 of Nginx": nginx.ask("POST", "/broken", b"{}", **headers),
            "503 of Nginx": nginx.get("/broken", **headers),
        }
        self.assertEqual(
            [response.status for response in kinds.values()],
            [200, 304, 200, 200, 200, 304, 204, 400, 429, 404, 405, 413, 502, 503],
        )
        return kinds

    def preflight(self, nginx: Nginx, uri: str, origin: str, method: str = "GET") -> Response:
        return nginx.ask("OPTIONS", uri, Origin=origin, Access_Control_Request_Method=method)


class ListedOrigins(CorsTest):
    def test_a_page_of_a_listed_origin_reads_responses_of_every_kind(self) -> None:
        nginx = self.start(f"{OTHER},{SHOP}")
        for kind, response in self.each_kind(nginx, Origin=SHOP).items():
            self.assertEqual(response.headers.get_all(ALLOW), [SHOP], kind)
            self.assertIn("Origin", response.headers.get_all("Vary"), kind)
            for name in READABLE:
                self.assertIn(name, response.headers[EXPOSE], kind)
            self.assertIsNone(response.headers["Access-Control-Allow-Credentials"], kind)

    def test_another_page_reads_none_of_them(self) -> None:
        nginx = self.start(SHOP)
        for kind, response in self.each_kind(nginx, Origin=EVIL).items():
            self.assertIsNone(response.headers[ALLOW], kind)
            self.assertIn("Origin", response.headers.get_all("Vary"), kind)

    def test_a_response_without_an_origin_says_that_it_depends_on_it(self) -> None:
        nginx = self.start(SHOP)
        for kind, response in self.each_kind(nginx).items():
            self.assertIsNone(response.headers[ALLOW], kind)
            self.assertIn("Origin", response.headers.get_all("Vary"), kind)

    def test_a_preflight_permits_what_a_token_permits_and_does_not_use_the_service(self) -> None:
        nginx = self.start(SHOP)
        for uri in (PRODUCT, "/api/v1/shops", "/api/v1/nothing", "/metrics", "/"):
            response = self.preflight(nginx, uri, SHOP, "PATCH")
            self.assertEqual((response.status, response.body), (204, b""), uri)
            self.assertEqual(response.headers.get_all(ALLOW), [SHOP])
            self.assertEqual(response.headers[METHODS], "GET, HEAD, POST, PUT, PATCH, DELETE")
            self.assertIn("Authorization", response.headers["Access-Control-Allow-Headers"])
            self.assertEqual(response.headers["Access-Control-Max-Age"], "7200")
        self.assertEqual(self.service.requests, [])

    def test_options_without_a_listed_origin_goes_to_the_service(self) -> None:
        nginx = self.start(SHOP)
        self.assertIsNone(self.preflight(nginx, "/", EVIL).headers[METHODS])
        self.assertIsNone(nginx.ask("OPTIONS", "/", Origin=SHOP).headers[METHODS])
        self.assertIsNone(nginx.ask("OPTIONS", "/").headers[METHODS])
        self.assertEqual(len(self.service.requests), 3)

    def test_origins_are_compared_completely(self) -> None:
        nginx = self.start(SHOP)
        for origin in (SHOP + ":443", SHOP + "/", "http://shop.example", "https://a.shop.example", "null", f"{SHOP} {SHOP}"):
            self.assertIsNone(nginx.get(PRODUCT, Origin=origin).headers[ALLOW], origin)

    def test_long_and_many_origins_fit(self) -> None:
        origins = [f"https://{'a' * 60}.{'b' * 60}.{n}.example:8443" for n in range(100)]
        nginx = self.start(",".join(origins))
        for origin in origins:
            self.assertEqual(nginx.get(PRODUCT, Origin=origin).headers[ALLOW], origin)

    def test_the_headers_of_the_service_are_replaced(self) -> None:
        nginx = self.start(SHOP)
        head = f"{ALLOW}: *\r\n{EXPOSE}: Nothing\r\nVary: Origin\r\n".encode()
        self.service.behave = lambda request: RESPONSE.replace(b"X-Request-Id", head + b"X-Request-Id") + BODY
        response = nginx.get("/api/v1/shops", Origin=SHOP)
        self.assertEqual(response.headers.get_all(ALLOW), [SHOP])
        self.assertEqual(len(response.headers.get_all(EXPOSE)), 1)
        self.assertEqual(response.headers.get_all("Vary"), ["Origin"])

    def test_the_response_of_an_export_depends_on_accept_too(self) -> None:
        for origins, sent, received in (
            (SHOP, b"Vary: Accept\r\nVary: Origin\r\n", ["Accept", "Origin"]),
            ("*", b"Vary: Accept\r\n", ["Accept"]),
        ):
            nginx = self.start(origins)
            self.service.behave = lambda request, sent=sent: RESPONSE.replace(b"X-Request-Id", sent + b"X-Request-Id") + BODY
            response = nginx.get("/api/v1/export/products", Origin=SHOP)
            self.assertEqual(response.headers.get_all("Vary"), received)

    def test_an_address_that_is_too_long_is_refused_before_the_origin_is_known(self) -> None:
        response = self.start(SHOP).get("/" + "a" * 8000, Origin=SHOP)
        self.assertEqual((response.status, response.headers[ALLOW]), (414, None))


class EveryOrigin(CorsTest):
    def test_every_page_reads_responses_that_do_not_depend_on_the_origin(self) -> None:
        nginx = self.start("*")
        for headers in ({}, {"Origin": SHOP}):
            response = nginx.get(PRODUCT, **headers)
            self.assertEqual(response.headers.get_all(ALLOW), ["*"])
            self.assertIsNone(response.headers["Vary"])
        for kind, response in self.each_kind(nginx, Origin=EVIL).items():
            self.assertEqual(response.headers.get_all(ALLOW), ["*"], kind)
            self.assertIn("ETag", response.headers[EXPOSE], kind)

    def test_a_preflight_permits_reads_without_a_token(self) -> None:
        response = self.preflight(self.start("*"), PRODUCT, SHOP, "PATCH")
        self.assertEqual((response.status, response.headers[METHODS]), (204, "GET, HEAD"))
        self.assertNotIn("Authorization", response.headers["Access-Control-Allow-Headers"])


class NoOrigins(CorsTest):
    def test_without_the_setting_nothing_is_added(self) -> None:
        nginx = self.start("none")
        self.preflight(nginx, PRODUCT, SHOP)
        self.assertEqual(self.service.requests[0].method, "OPTIONS")
        for kind, response in self.each_kind(nginx, Origin=SHOP).items():
            self.assertEqual([name for name in response.headers if name.startswith("Access-Control")], [], kind)
            self.assertIsNone(response.headers["Vary"], kind)


class Render(unittest.TestCase):
    def render(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="render-"))
        command = [sys.executable, "-B", ROOT / "nginx/render", "--dir", folder, "--module", "/m.so", "--service", "unix:/s"]
        return subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)

    def test_refuses_what_no_browser_sends_as_an_origin(self) -> None:
        for origins in ("shop.example", SHOP + "/", "HTTPS://shop.example", "null", SHOP + ":443", f"*,{SHOP}", f"{SHOP},",
                        "https://*.example", 'https://a";x', "https://a b", "https://a;b", "https://$host"):
            result = self.render("--cors-origins", origins)
            self.assertEqual(result.returncode, 2, origins)
            self.assertIn("is not an origin as browsers send it", result.stderr)
            self.assertEqual(self.render(CODASYNC_API_CORS_ORIGINS=origins).returncode, 2, origins)

    def test_takes_the_list_of_the_environment_and_prefers_the_option(self) -> None:
        def written(*options: str) -> str:
            result = self.render(*options, CODASYNC_API_CORS_ORIGINS=f"{SHOP}, {OTHER}")
            return Path(result.stdout.strip()).read_text(encoding="utf-8")

        for origin in (SHOP, OTHER):
            self.assertIn(f'"{origin}" "{origin}";', written())
        self.assertNotIn("$cors", written("--cors-origins", "none"))


if __name__ == "__main__":
    unittest.main()
