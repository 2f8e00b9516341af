"""The page /docs: its files, their headers, and what it refuses."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from edge import ROOT, EdgeTest, Nginx

SITE = Path(os.environ.get("CODASYNC_DOCS", str(ROOT / ".build/nginx/docs/site")))
FILES = {
    "/docs": ("index.html", "text/html; charset=utf-8"),
    "/docs/": ("index.html", "text/html; charset=utf-8"),
    "/docs/start.js": ("start.js", "text/javascript; charset=utf-8"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css; charset=utf-8"),
}
SHOP = "https://shop.example"


class DocsTest(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        # A copy, because the user of Nginx may not be allowed to read the build folder.
        self.site = shutil.copytree(SITE, self.folder / "site")

    def start(self, *options: str) -> Nginx:
        return self.start_nginx([self.service.path], [], "--docs", str(self.site), *options)

    def test_serves_the_files_of_the_page_without_the_service(self) -> None:
        nginx = self.start()
        for uri, (name, media_type) in FILES.items():
            content = (SITE / name).read_bytes()
            response = nginx.get(uri)
            self.assertEqual((response.status, response.body), (200, content), uri)
            self.assertEqual(response.headers["Content-Type"], media_type, uri)
            head = nginx.ask("HEAD", uri)
            self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, str(len(content)), b""), uri)
        self.assertEqual(self.service.requests, [])

    def test_serves_the_copies_that_the_build_compressed(self) -> None:
        nginx = self.start()
        for uri, (name, _) in FILES.items():
            response = nginx.get(uri, Accept_Encoding="gzip")
            self.assertEqual(response.headers["Content-Encoding"], "gzip", uri)
            self.assertEqual(response.body, (SITE / f"{name}.gz").read_bytes(), uri)
            self.assertEqual(gzip.decompress(response.body), (SITE / name).read_bytes(), uri)
            self.assertIn("Accept-Encoding", response.headers.get_all("Vary"), uri)

    def test_the_policy_allows_files_of_this_origin_only(self) -> None:
        nginx = self.start()
        for uri in FILES:
            headers = nginx.get(uri).headers
            (policy,) = headers.get_all("Content-Security-Policy")
            self.assertIn("default-src 'none';", policy)
            for word in ("unsafe", "http", "*", "nonce", "blob"):
                self.assertNotIn(word, policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff", uri)
            self.assertEqual(headers["Referrer-Policy"], "no-referrer", uri)
            self.assertRegex(headers["X-Request-Id"], r"^[0-9a-f]{32}$", uri)

    def test_a_file_that_did_not_change_is_304(self) -> None:
        nginx = self.start()
        for uri in FILES:
            first = nginx.get(uri)
            self.assertEqual(first.headers["Cache-Control"], "no-cache", uri)
            same = nginx.get(uri, If_None_Match=first.headers["ETag"])
            self.assertEqual((same.status, same.body), (304, b""), uri)

    def test_other_addresses_below_it_are_404(self) -> None:
        nginx = self.start()
        for uri in ("/docs/index.html", "/docs/NOTICE", "/docs/swagger-ui.css.gz", "/docs/bogus.js", "/docs/a/", "/docs/a/start.js",
                    "/docs//start.js.", "/docsbogus", "/docs.js"):
            response = nginx.get(uri)
            self.assertEqual((response.status, response.problem()["type"]), (404, "urn:codasync:problem:not-found"), uri)
        self.assertEqual(self.service.requests, [])

    def test_an_address_that_leads_out_of_the_folder_reads_no_file(self) -> None:
        nginx = self.start()
        for uri in ("/docs/..%2findex.html", "/docs/%2e%2e/start.js", "/docs/../nginx.conf"):
            self.assertNotIn("script-src", nginx.get(uri).headers["Content-Security-Policy"], uri)
            self.assertEqual(self.service.requests.pop().uri, uri)

    def test_it_is_only_for_reading(self) -> None:
        nginx = self.start()
        for uri in FILES:
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                response = nginx.ask(method, uri, b"" if method == "OPTIONS" else b"{}")
                self.assertEqual((response.status, response.problem()["type"]), (405, "urn:codasync:problem:method-not-allowed"), f"{method} {uri}")
                self.assertEqual(response.headers["Allow"], "GET, HEAD", f"{method} {uri}")
        self.assertEqual(self.service.requests, [])

    def test_a_page_of_a_listed_origin_can_read_it(self) -> None:
        nginx = self.start("--cors-origins", SHOP)
        for uri in (*FILES, "/docs/bogus"):
            headers = nginx.get(uri, Origin=SHOP).headers
            self.assertEqual(headers.get_all("Access-Control-Allow-Origin"), [SHOP], uri)
            self.assertIn("Origin", headers.get_all("Vary"), uri)

    def test_without_the_option_the_service_answers(self) -> None:
        nginx = self.start_nginx([self.service.path], [])
        self.assertNotIn("script-src", nginx.get("/docs").headers["Content-Security-Policy"])
        self.assertEqual([request.uri for request in self.service.requests], ["/docs"])

    def test_a_folder_without_the_page_is_refused(self) -> None:
        command = [sys.executable, "-B", ROOT / "nginx/render", "--dir", self.folder / "other", "--module", "/m.so", "--service", "unix:/s"]
        done = subprocess.run([*command, "--docs", self.folder], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no index.html", done.stderr)


class Page(unittest.TestCase):
    def test_its_own_files_have_no_inline_script_or_style_and_name_no_host(self) -> None:
        for name in ("index.html", "start.js"):
            text = (SITE / name).read_text(encoding="utf-8")
            self.assertIsNone(re.search(r"<script>|<style|\son\w+=|\sstyle=|https?:|//[a-z]", text), name)

    def test_the_licence_of_the_viewer_is_part_of_it(self) -> None:
        for name in ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"):
            self.assertGreater((SITE / name).stat().st_size, 0, name)


if __name__ == "__main__":
    unittest.main()
