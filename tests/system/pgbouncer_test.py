"""config/up --pgbouncer: the service with PgBouncer, and the script that computes its sizes."""

import os
import re
import signal
import subprocess
import unittest

from stack import ROOT, Stack, StackTest, eventually

SIZES = ROOT / "config" / "deploy" / "pgbouncer" / "sizes"
GTIN = "4006381333931"


def sizes(*options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SIZES, *map(str, options)], stdout=subprocess.PIPE, text=True, timeout=30)


class Pooled(StackTest):
    def record(self, stack: Stack, date: str) -> int:
        draft = {"shop": 1, "GTIN": GTIN, "name": "Green tea", "expiry_date": date}
        return stack.request("/api/v1/stock-readings/", draft, stack.env()["CODASYNC_STAFF_TOKEN"])[0]

    def test_the_service_works_with_pgbouncer_and_recovers_when_it_is_restarted(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--pgbouncer")
        self.assertIn(":6432/", (stack.folder / "codasync.toml").read_text())
        status, _ = stack.request("/api/v1/shops/", {"name": "North"}, stack.env()["CODASYNC_ADMIN_TOKEN"])
        self.assertEqual(status, 201)
        self.assertEqual(self.record(stack, "2027-12-24"), 201)
        uri = f"/api/v1/shops/1/stock/{GTIN}"
        self.assertEqual(stack.request(uri)[1]["expiry_date"], "2027-12-24")

        killed = stack.pid_of("pgbouncer")
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: stack.pid_of("pgbouncer") != killed, "PgBouncer is restarted")
        eventually(lambda: self.record(stack, "2027-12-20") == 200, "a write succeeds again")
        self.assertEqual(stack.request(uri)[1]["expiry_date"], "2027-12-20")


class Sizes(unittest.TestCase):
    def test_the_sizes_are_those_of_the_readme(self) -> None:
        done = sizes("--cores", 8, "--instances", 6)
        self.assertEqual(done.returncode, 0)
        # 2 x 8 + 1 disk + 6 instances x 2 lanes; 2 x 6 x (8 + 4 + 2 + others) + 20; one pool + 20 + 3
        self.assertRegex(done.stdout, r"default_pool_size = 29\n")
        self.assertRegex(done.stdout, r"max_client_conn = 400\n")
        self.assertRegex(done.stdout, r"max_connections = 52\n")

    def test_several_pgbouncers_share_the_server_connections(self) -> None:
        alone, three = (int(re.search(r"default_pool_size = (\d+)", sizes("--cores", 8, "--pgbouncers", n).stdout)[1]) for n in (1, 3))
        self.assertEqual(three, -(-alone // 3))

    def test_a_server_with_too_few_connections_is_reported(self) -> None:
        done = sizes("--cores", 16, "--instances", 10, "--max-connections", 50)
        self.assertEqual(done.returncode, 1)
        self.assertIn("raise it to 76", done.stdout)
        self.assertEqual(sizes("--cores", 16, "--instances", 10, "--max-connections", 76).returncode, 0)
