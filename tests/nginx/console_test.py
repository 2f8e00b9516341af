"""The console: its files, their headers, and what is refused."""

import gzip
import os
import re
import shutil
import unittest
from pathlib import Path

from edge import ROOT, EdgeTest, Nginx

SITE = Path(os.environ.get("CODASYNC_CONSOLE", str(ROOT / ".build/nginx/console/site")))
PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/sw.js": ("sw.js", "text/javascript; charset=utf-8"),
    "/manifest.webmanifest": ("manifest.webmanifest", "application/manifest+json; charset=utf-8"),
    "/shop/1": ("storefront.html", "text/html; charset=utf-8"),
    "/shop/12/": ("storefront.html", "text/html; charset=utf-8"),
}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


def assets() -> list[Path]:
    return sorted(file for file in (SITE / "assets").iterdir() if file.suffix in TYPES)


class ConsoleTest(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        self.site = shutil.copytree(SITE, self.folder / "site")

    def start(self) -> Nginx:
        return self.start_nginx([self.service.path], [], "--console", str(self.site))

    def test_pages_are_served_without_the_service_and_checked_each_time(self) -> None:
        nginx = self.start()
        for uri, (name, media_type) in PAGES.items():
            response = nginx.get(uri)
            self.assertEqual((response.status, response.body), (200, (SITE / name).read_bytes()), uri)
            self.assertEqual(response.headers["Content-Type"], media_type, uri)
            self.assertEqual(response.headers["Cache-Control"], "no-cache", uri)
            compressed = nginx.get(uri, Accept_Encoding="gzip")
            self.assertEqual(compressed.body, (SITE / f"{name}.gz").read_bytes(), uri)
            self.assertEqual(nginx.get(uri, If_None_Match=response.headers["ETag"]).status, 304, uri)
        self.assertEqual(self.service.requests, [])

    def test_files_with_a_hash_are_stored_for_ever(self) -> None:
        nginx = self.start()
        self.assertGreater(len(assets()), 5)
        for file in assets():
            response = nginx.get(f"/assets/{file.name}", Accept_Encoding="gzip")
            self.assertEqual((response.status, gzip.decompress(response.body)), (200, file.read_bytes()), file.name)
            self.assertEqual(response.headers["Content-Type"], TYPES[file.suffix], file.name)
            self.assertEqual(response.headers["Cache-Control"], "public, max-age=31536000, immutable", file.name)
        self.assertEqual(self.service.requests, [])

    def test_a_missing_file_is_not_a_page(self) -> None:
        nginx = self.start()
        for uri in ("/assets/none-12345678.js", "/assets/", "/assets/a/b.js", f"/assets/{assets()[0].name}.gz", "/assets/decoder-.js.js"):
            response = nginx.get(uri)
            self.assertEqual((response.status, response.headers["Content-Type"]), (404, "text/plain"), uri)
            self.assertEqual(response.headers["Cache-Control"], "no-store", uri)

    def test_an_address_that_leads_out_of_the_folder_reads_no_file(self) -> None:
        nginx = self.start()
        for uri in ("/assets/../index.html", "/assets/%2e%2e/storefront.html", "/assets/..%2fNOTICE"):
            nginx.get(uri)
            self.assertEqual(self.service.requests.pop().uri, uri)

    def test_the_policy_allows_this_origin_only_and_the_decoder_alone_compiles_webassembly(self) -> None:
        nginx = self.start()
        for uri in (*PAGES, *(f"/assets/{file.name}" for file in assets())):
            headers = nginx.get(uri).headers
            (policy,) = headers.get_all("Content-Security-Policy")
            self.assertIn("default-src 'none';", policy)
            decoder = uri.startswith("/assets/decoder-")
            self.assertEqual("unsafe" in policy, decoder, uri)
            for word in ("'unsafe-inline'", "'unsafe-eval'", "http", "*", "nonce"):
                self.assertNotIn(word, policy, uri)
            if not decoder:
                self.assertIn("require-trusted-types-for 'script'; trusted-types codasync", policy, uri)
            for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                                ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin")):
                self.assertEqual(headers.get_all(name), [value], uri)
            camera = "camera=()" if uri.startswith("/shop/") else "camera=(self)"
            self.assertIn(camera, headers["Permissions-Policy"], uri)

    def test_it_is_only_for_reading(self) -> None:
        nginx = self.start()
        for uri in (*PAGES, f"/assets/{assets()[0].name}"):
            for method in ("POST", "PUT", "DELETE"):
                response = nginx.ask(method, uri, b"{}")
                self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, HEAD"), f"{method} {uri}")
        self.assertEqual(self.service.requests, [])

    def test_other_addresses_are_the_services(self) -> None:
        nginx = self.start()
        for uri in ("/shop/x", "/shop/0", "/index.html", "/storefront.html", "/healthz", "/api/v1/shops"):
            nginx.get(uri)
            self.assertEqual(self.service.requests.pop().uri, uri)

    def test_without_the_option_the_service_answers(self) -> None:
        nginx = self.start_nginx([self.service.path], [])
        nginx.get("/")
        self.assertEqual([request.uri for request in self.service.requests], ["/"])


class Page(unittest.TestCase):
    def test_pages_have_no_inline_script_or_style_and_name_no_host(self) -> None:
        for name in ("index.html", "storefront.html"):
            text = (SITE / name).read_text(encoding="utf-8")
            self.assertIsNone(re.search(r"<script>|<style|\son\w+=|\sstyle=|https?:|//[a-z]", text), name)

    def test_the_service_worker_has_the_files_of_its_version(self) -> None:
        text = (SITE / "sw.js").read_text(encoding="utf-8")
        for file in re.findall(r"/assets/[\w.-]+", text):
            self.assertTrue((SITE / file[1:]).is_file(), file)
        self.assertIn("/assets/main-", text)


if __name__ == "__main__":
    unittest.main()
