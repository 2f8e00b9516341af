"""A service with its own database and Memcached, for the tests of this folder. It can be killed and started again."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client import GTINS, Client, psql

SERVER = os.environ["CODASYNC_TEST_POSTGRES"]  # the URL of a superuser
PROGRAM = os.environ["CODASYNC_PROGRAM"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service(Client):
    def __init__(self, **settings: str) -> None:
        self.name = "sync_" + uuid.uuid4().hex
        psql(SERVER, f"create database {self.name} template template0 encoding 'UTF8'")
        url = SERVER.replace("/postgres?", f"/{self.name}?")
        port = free_port()
        self.memcached_port = memcached = free_port()
        self.folder = tempfile.TemporaryDirectory()
        keys = Path(self.folder.name) / "keys"  # without it `codasync check` has a problem, and does not compare the ledger
        keys.touch(0o600)
        keys.write_text(secrets.token_hex(16) + "\n")
        self.environment = os.environ | {
            "CODASYNC_POSTGRES_URL": url,
            "CODASYNC_MEMCACHED_SERVERS": f"127.0.0.1:{memcached}",
            "CODASYNC_MEMCACHED_KEY_FILE": str(keys),
            "CODASYNC_SERVER_LISTEN": f"127.0.0.1:{port}",
        } | settings
        self.memcached = subprocess.Popen(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(memcached)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process: subprocess.Popen[bytes] | None = None
        self.command("migrate")
        super().__init__(port, url, self.token("admin"), self.token("staff"))
        self.start()

    def command(self, *words: str) -> str:
        return subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, check=True).stdout

    def deep_check(self, *words: str) -> str:
        """Returns: the output of `codasync check --deep`, which requires fsync."""
        for setting in ("set fsync = on", "reset fsync"):
            psql(SERVER, f"alter system {setting}")
            psql(SERVER, "select pg_reload_conf()")
            time.sleep(0.5)
            if "on" in setting.split():
                done = subprocess.run([PROGRAM, "check", "--deep", *words], env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def token(self, role: str, *shops: int) -> str:
        only = [word for shop in shops for word in ("--shop", str(shop))]
        return self.command("token", "create", "--name", f"a {role}", "--role", role, *only).strip().split()[-1]

    def start(self) -> None:
        with open(Path(self.folder.name) / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve"], env=self.environment, stderr=log)
        for _ in range(600):
            with contextlib.suppress(OSError):
                if self.send("GET", "/readyz").status == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        self.memcached.kill()
        raise RuntimeError("the service did not start:\n" + (Path(self.folder.name) / "log").read_text())

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        assert self.process
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log()
        self.start()

    def log(self) -> str:
        return (Path(self.folder.name) / "log").read_text()

    def back_up(self) -> None:
        """Copies the database. Requires: the service is down, and no session of a test is open."""
        psql(SERVER, f"select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{self.name}'")  # of a killed service
        psql(SERVER, f"create database {self.name}_backup template {self.name}")

    def restore(self) -> None:
        """Replaces the database with the copy. Requires: the service is down, and no session of a test is open."""
        psql(SERVER, f"drop database {self.name} with (force)")
        psql(SERVER, f"alter database {self.name}_backup rename to {self.name}")

    def empty_cache(self) -> None:
        with socket.create_connection(("127.0.0.1", self.memcached_port)) as client:
            client.sendall(b"flush_all\r\n")
            assert client.recv(100) == b"OK\r\n"

    def stop(self) -> None:
        """Ends everything. The service has to end with status 0, unless a test killed it."""
        assert self.process
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0, self.log()
        self.memcached.terminate()
        self.memcached.wait(30)
        psql(SERVER, f"drop database {self.name} with (force)")
        self.folder.cleanup()

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        """A session of psql: session("SQL") returns its output."""
        process = subprocess.Popen(["psql", "--no-psqlrc", "-qAt", self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def run(sql: str) -> str:
            assert process.stdin and process.stdout
            process.stdin.write(sql + ";\n\\echo end\n")
            process.stdin.flush()
            return "".join(iter(process.stdout.readline, "end\n")).strip()

        try:
            yield run
        finally:
            process.communicate()


class ServiceTest(unittest.TestCase):
    """One service for all tests of a class, with the products of GTINS; each test has a shop of its own."""

    service: Service

    @classmethod
    def setUpClass(cls) -> None:
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)
        for number, gtin in enumerate(GTINS):
            cls.service.product(gtin, f"Product {number}")

    def setUp(self) -> None:
        self.shop = self.service.shop(self.id())

    def all_changes(self, since: str = "", limit: int = 1000, shop: int = 0) -> tuple[list[Any], str]:
        """Returns: the changes of all pages, and the last cursor."""
        found = []
        while True:
            page = self.service.changes(shop or self.shop, since, limit)
            self.assertEqual(page.status, 200, page.body)
            found += page.json()["changes"]
            since = page.json()["next"]
            if not page.json()["more"]:
                return found, since
