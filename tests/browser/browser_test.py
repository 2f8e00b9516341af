"""Web pages in Debian's Chromium, with a stack of config/up.

With CODASYNC_SCREENSHOT=FILE.png the page /docs is also written as a picture; with CODASYNC_SCREENSHOTS=FOLDER the other pages are, at two sizes,
light and dark.
"""

import functools
import http.server
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from stack import ROOT, Stack, call, eventually, own_stack  # noqa: E402

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
            timeout=400,
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

    def test_the_sample_storefront_shows_the_stock_as_it_changes(self) -> None:
        env = self.stack.env()
        self.node("storefront.mjs", env["CODASYNC_URL"], "3", env["CODASYNC_STAFF_TOKEN"], os.environ.get("CODASYNC_SCREENSHOTS", ""))

    def test_admins_maintain_the_catalogue_in_the_console(self) -> None:
        env = self.stack.env()
        self.node("admin.mjs", env["CODASYNC_URL"], env["CODASYNC_ADMIN_TOKEN"], os.environ.get("CODASYNC_SCREENSHOTS", ""))


class LiveView(unittest.TestCase):
    """An EventSource behind Nginx and two instances, with the code that the README gives to developers."""

    def setUp(self) -> None:
        self.site = Site()
        self.addCleanup(self.site.close)
        self.stack = self.enterContext(own_stack())
        self.stack.up("--no-demo", "--instances", 2, "--cors-origins", self.site.origin)

    def code(self) -> str:
        """Returns: the code of the README."""
        lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        first = lines.index('    let position = "";')
        block = itertools.takewhile(lambda line: line.startswith("    "), lines[first:])
        return "\n".join(line.removeprefix("    ") for line in block)

    def happen(self, what: str) -> None:
        instances = ["service-1", "service-2"]
        match what:
            case "replace":
                done = call("rolling-restart", "--dir", self.stack.folder)
                self.assertEqual(done.returncode, 0, done.stdout)
            case "kill one" | "kill all":
                killed = instances[:1] if what == "kill one" else instances
                before = {name: self.stack.pid_of(name) for name in killed}
                for pid in before.values():
                    os.kill(pid, signal.SIGKILL)
                eventually(lambda: all(self.stack.pid_of(name) != pid for name, pid in before.items()), "they are started again")
            case "reload":
                os.kill(self.stack.pid_of("nginx"), signal.SIGHUP)
                time.sleep(2)  # longer than the old workers of Nginx take
            case _:
                self.fail(what)

    def test_a_page_sees_every_change_while_servers_are_replaced_and_killed(self) -> None:
        env = self.stack.env()
        _, shop = self.stack.request("/api/v1/shops", {"name": "Shop"}, env["CODASYNC_ADMIN_TOKEN"])
        draft = {"shop": shop["id"], "GTIN": "4006381333931", "name": "Green tea"}
        status, reading = self.stack.request("/api/v1/stock-readings", draft, env["CODASYNC_STAFF_TOKEN"])
        self.assertEqual(status, 201, reading)
        command = ["node", SCRIPTS / "stream.mjs", env["CODASYNC_URL"], self.site.origin, env["CODASYNC_STAFF_TOKEN"],
                   f"/api/v1/stock-readings/{reading['id']}", self.code()]
        with subprocess.Popen(command, cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as page:
            assert page.stdin and page.stdout
            printed = []
            for line in page.stdout:
                printed.append(line)
                if page.poll() is None and line.strip() in ("replace", "kill one", "kill all", "reload"):
                    self.happen(line.strip())
                    page.stdin.write("done\n")
                    page.stdin.flush()
        self.assertEqual(page.returncode, 0, "".join(printed))
        self.assertEqual(len(printed), 4, printed)


if __name__ == "__main__":
    unittest.main()
