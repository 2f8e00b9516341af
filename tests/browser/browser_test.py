"""Web pages in Debian's Chromium, with a stack of config/up.

With CODASYNC_SCREENSHOT=FILE.png the page /docs is also written as a picture.
"""

import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from stack import Stack, eventually, own_stack  # noqa: E402

# The folder of the build with node_modules.
SCRIPTS = Path(os.environ["CODASYNC_BROWSER_TESTS"])


class Site:
    """An empty web page on an origin of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="codasync-site.")
        (Path(self._folder.name) / "index.html").write_text('<!doctype html><link rel="icon" href="data:,">')

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        serve = functools.partial(Handler, directory=self._folder.name)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


class Browser(unittest.TestCase):
    stack: Stack
    listed: Site
    other: Site

    @classmethod
    def setUpClass(cls) -> None:
        cls.listed, cls.other = Site(), Site()
        cls.addClassCleanup(cls.listed.close)
        cls.addClassCleanup(cls.other.close)
        cls.stack = cls.enterClassContext(own_stack())
        cls.stack.up("--cors-origins", f"https://shop.example,{cls.listed.origin}")

    def node(self, script: str, *arguments: str) -> None:
        """Runs a script. Throws: AssertionError with its output, when it fails."""
        ran = subprocess.run(
            ["node", SCRIPTS / script, *arguments],
            cwd=SCRIPTS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self.assertEqual(ran.returncode, 0, ran.stdout)

    def record(self) -> str:
        """Returns: the path of a new reading."""
        env = self.stack.env()
        status, shop = self.stack.request("/api/v1/shops", {"name": f"Shop {time.time_ns()}"}, env["CODASYNC_ADMIN_TOKEN"])
        self.assertEqual(status, 201, shop)
        draft = {"shop": shop["id"], "GTIN": "4006381333931", "name": "Green tea", "expiry_date": "2026-12-24"}
        status, reading = self.stack.request("/api/v1/stock-readings", draft, env["CODASYNC_STAFF_TOKEN"])
        self.assertEqual(status, 201, reading)
        return f"/api/v1/stock-readings/{reading['id']}"

    def logged_a_preflight(self) -> bool:
        lines = (self.stack.folder / "nginx" / "access.log").read_text().splitlines()
        return any(line["method"] == "OPTIONS" and line["status"] == 204 for line in map(json.loads, lines))

    def test_pages_of_listed_origins_use_the_api_and_others_do_not(self) -> None:
        env = self.stack.env()
        for base in (env["CODASYNC_URL"], env["CODASYNC_INSTANCES"]):
            with self.subTest(base):
                arguments = (base, self.listed.origin, self.other.origin, env["CODASYNC_STAFF_TOKEN"], self.record())
                self.node("cors.mjs", *arguments)
        eventually(self.logged_a_preflight, "a preflight of Chromium in Nginx' log")

    def test_the_page_of_the_api_shows_every_operation_and_sends_requests(self) -> None:
        env = self.stack.env()
        screenshot = os.environ.get("CODASYNC_SCREENSHOT", "")
        self.node("docs.mjs", env["CODASYNC_URL"], env["CODASYNC_STAFF_TOKEN"], self.record().rsplit("/", 1)[1], screenshot)


if __name__ == "__main__":
    unittest.main()
