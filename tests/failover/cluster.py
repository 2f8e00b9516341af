"""A primary of PostgreSQL with one synchronous standby, for tests that kill the primary."""

import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "nginx"))
from edge import eventually  # noqa: E402

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
# PostgreSQL refuses to run as root.
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] if os.geteuid() == 0 else []


class Server:
    """One PostgreSQL in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = folder.with_name(folder.name + "-sockets")
        self.sockets.mkdir()
        self.sockets.chmod(0o777)
        self.process: subprocess.Popen[bytes] | None = None

    def tool(self, name: str, *words: object) -> str:
        command = [*AS_POSTGRES, str(PROGRAMS / name), *map(str, words)]
        done = subprocess.run(command, cwd=self.folder.parent, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, **settings: str) -> None:
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = [*AS_POSTGRES, str(PROGRAMS / "postgres"), "-D", str(self.folder), "-k", str(self.sockets)]
        command += ["--listen_addresses=", "--max_connections=200", *words]
        with open(self.folder.parent / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        eventually(self.is_ready, f"{self.name} is ready", 60)

    @property
    def name(self) -> str:
        return self.folder.name

    def is_ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError((self.folder.parent / f"{self.name}.log").read_text())
        ready = subprocess.run([PROGRAMS / "pg_isready", "--quiet", "--host", self.sockets], timeout=30)
        return ready.returncode == 0

    def query(self, sql: str, database: str = "codasync") -> str:
        """Returns: the rows as text."""
        command = [PROGRAMS / "psql", "-XAtq", "-h", self.sockets, "-U", "postgres", "-d", database, "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def kill(self) -> None:
        """Kills all of its processes, like a power failure."""
        assert self.process is not None
        postmaster = self.process.pid
        os.kill(postmaster, signal.SIGSTOP)  # so that it starts no process meanwhile
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in (*map(int, children), postmaster):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(20)
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
            self.process = None


class Cluster:
    """`one` is the primary, `two` its standby; both have every acknowledged write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.one = Server(folder / "one")
        self.two = Server(folder / "two")

    @property
    def url(self) -> str:
        return f"postgresql:///codasync?host={self.one.sockets},{self.two.sockets}&user=postgres"

    def start(self) -> None:
        self.one.tool("initdb", "-D", self.one.folder, "--username=postgres", "--auth=trust", "--encoding=UTF8",
                      "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        self.one.start()
        self.one.query("create database codasync", "postgres")
        self.one.tool("pg_basebackup", "-D", self.two.folder, "-h", self.one.sockets, "-U", "postgres", "-R",
                      "--checkpoint=fast", "--no-sync")
        self.two.start()
        # Not in a file, which the standby would have copied: the standby has to work alone later.
        self.one.stop()
        self.one.start(synchronous_standby_names="*")
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        eventually(
            lambda: self.one.query("select sync_state from pg_stat_replication", "postgres") == "sync",
            "the standby follows",
            60,
        )

    def promote(self) -> None:
        self.two.tool("pg_ctl", "promote", "-D", self.two.folder, "--wait")

    def stop(self) -> None:
        self.one.stop()
        self.two.stop()
