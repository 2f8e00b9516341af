"""A client in TypeScript: generated from /openapi.json of a running service, checked by the compiler, and run against that service."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from stack import ROOT, Stack, own_stack  # noqa: E402

# node_modules of the build folder.
PACKAGES = Path(os.environ["CODASYNC_OPENAPI_CLIENT"])
GENERATOR = "node_modules/openapi-typescript/bin/cli.js"
COMPILER = "node_modules/typescript/bin/tsc"
SECONDS_MAX = 60

TEA, MILK, RICE = "4006381333931", "0000096385074", "0036000291452"


class Client(unittest.TestCase):
    stack: Stack
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = cls.enterClassContext(own_stack())
        cls.stack.up("--no-demo")
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="codasync-client.")))
        for name in ("package.json", "tsconfig.json", "client.ts"):
            shutil.copy(HERE / "client" / name, cls.folder)
        (cls.folder / "node_modules").symlink_to(PACKAGES)
        cls.url = cls.stack.env()["CODASYNC_URL"]
        cls.node(GENERATOR, f"{cls.url}/openapi.json", "--output", "api.ts")
        cls.node(COMPILER, "--project", ".")

    @classmethod
    def node(cls, script: str, *arguments: str) -> str:
        """Runs a script in the folder of the client. Returns: its output. Throws: AssertionError with it, when the script fails."""
        done = subprocess.run(["node", script, *arguments], cwd=cls.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX)
        assert done.returncode == 0, f"{script}: {done.stdout}"
        return done.stdout

    def read(self, shop: object, *gtins: str) -> Any:
        """Returns: what the client prints."""
        return json.loads(self.node("client.js", self.url, str(shop), *gtins))

    def record(self, gtin: str, shop: int, **values: object) -> None:
        draft = {"shop": shop, "GTIN": gtin, "name": gtin, **values}
        status, answer = self.stack.request("/api/v1/stock-readings", draft, self.stack.env()["CODASYNC_STAFF_TOKEN"])
        self.assertEqual(status, 201, answer)

    def test_the_client_reads_a_page(self) -> None:
        status, shop = self.stack.request("/api/v1/shops", {"name": "North"}, self.stack.env()["CODASYNC_ADMIN_TOKEN"])
        self.assertEqual(status, 201, shop)
        self.record(TEA, shop["id"], expiry_date="2099-12-24", quantity=3)
        self.record(MILK, shop["id"], expiry_date="2020-01-01")
        page = self.read(shop["id"], MILK, RICE, TEA)["page"]
        self.assertEqual(
            [(reading["name"], reading["quantity"], reading["available"]) for reading in page],
            [(MILK, None, False), (TEA, 3, True)],
        )
        self.assertEqual(page, self.stack.request(f"/api/v1/shops/{shop['id']}/stock?GTIN={MILK},{RICE},{TEA}")[1])

    def test_the_client_gets_the_code_of_a_problem(self) -> None:
        self.assertEqual(self.read(999, TEA), {"problem": "urn:codasync:problem:not-found"})
        self.assertEqual(self.read(1, "4006381333932"), {"problem": "urn:codasync:problem:bad-query"})

    def test_the_readme_shows_lines_of_this_client(self) -> None:
        client = (HERE / "client" / "client.ts").read_text(encoding="utf-8")
        block = (ROOT / "README.md").read_text(encoding="utf-8").split("```ts\n")[1].split("```")[0]
        for line in block.splitlines():
            self.assertIn(line, client)


if __name__ == "__main__":
    unittest.main()
