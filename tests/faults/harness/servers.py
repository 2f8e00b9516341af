"""The servers of one run. The fault injector starts, kills, stops and restarts them."""

import http.client
import itertools
import mmap
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
POSTGRES = Path("/usr/lib/postgresql/15/bin")
# Servers never run as root; started by root they run as the account that PostgreSQL brings.
ACCOUNT = pwd.getpwnam("postgres") if os.geteuid() == 0 else None


class Broken(Exception):
    """The run cannot go on; the text says what happened."""


def eventually(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Waits until something holds. Throws: Broken when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Broken(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def own(path: Path) -> Path:
    if ACCOUNT is not None:
        os.chown(path, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
    return path


def status_of(port: int, path: str, seconds: float = 2.0) -> int:
    """Returns: the status of the answer; 0 without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


class Server:
    """One process. It can be killed and stopped at any moment, and started again."""

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Sequence[object],
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.command = [str(word) for word in command]
        self.ready = ready
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        identity = {"user": ACCOUNT.pw_uid, "group": ACCOUNT.pw_gid, "extra_groups": []} if ACCOUNT else {}
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **self.environment},
                start_new_session=True,
                **identity,
            )

    def start(self) -> None:
        """Starts it and waits until it answers. Throws: Broken."""
        self.spawn()
        eventually(lambda: self.ready() or not self.alive(), f"{self.name} answers", 120)
        if not self.alive():
            raise Broken(f"{self.name} ended at once; its words are in {self.folder}/{self.name}.log")

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            assert self.process is not None
            self.process.send_signal(number)

    def end(self, number: signal.Signals, seconds: float = 20.0) -> None:
        """Sends a signal that ends it, and waits; kills it when that takes too long."""
        if self.process is None:
            return
        self.send(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait(self, seconds: float) -> int:
        """Waits until it ends by itself, and kills it when that takes too long. Returns: its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def kill(self) -> None:
        """Kills it with all its children, at once."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Postgres(Server):
    """A cluster of its own; only this machine's owner of the folder (and root) can reach its socket."""

    def __init__(self, name: str, folder: Path, cluster: Path, sockets: Path) -> None:
        self.cluster = cluster
        self.sockets = own_folder(sockets)
        super().__init__(
            name,
            folder,
            [POSTGRES / "postgres", "-D", cluster, "-k", self.sockets],
            lambda: (
                subprocess.run(
                    [POSTGRES / "pg_isready", "-q", "-h", self.sockets], check=False
                ).returncode
                == 0
            ),
        )

    def make(self) -> None:
        run_as(
            [POSTGRES / "initdb", "-D", self.cluster, "--username=postgres", "--auth=trust"]
            + ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            self.folder,
        )
        settings = (
            "listen_addresses = ''\nmax_connections = 200\nmax_wal_size = 256MB\n"
            "restart_after_crash = on\nlog_line_prefix = '%m [%p] '\n"
        )
        with open(self.cluster / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(settings)

    def follow(self, primary: "Postgres") -> None:
        """Makes a standby of a running primary, which waits for it from now on with every COMMIT."""
        run_as(
            [POSTGRES / "pg_basebackup", "-D", self.cluster, "-h", primary.sockets, "-U", "postgres"]
            + ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
            self.folder,
        )
        self.start()
        for setting in ("synchronous_standby_names = '*'", "synchronous_commit = 'on'"):
            primary.sql(f"alter system set {setting}", "postgres")
        primary.sql("select pg_reload_conf()", "postgres")

        def in_step() -> bool:
            return primary.sql("select count(*) from pg_stat_replication where sync_state = 'sync'", "postgres") == "1"

        eventually(in_step, "the standby is synchronous")

    def promote(self) -> None:
        self.sql("select pg_promote(true, 60)", "postgres")

    def spawn(self) -> None:
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        super().spawn()

    def sql(self, text: str, database: str = "codasync") -> str:
        """Returns: what psql prints, without alignment. Throws: CalledProcessError."""
        return self.psql("-Atc", text, database=database)

    def psql(self, *words: object, database: str = "codasync") -> str:
        return subprocess.run(
            [POSTGRES / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "postgres"]
            + ["-d", database, *map(str, words)],
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        ).stdout.strip()


class Memcached(Server):
    def __init__(self, name: str, folder: Path, megabytes: int = 64) -> None:
        self.socket = folder / f"{name}.sock"
        self.numbers = itertools.count()
        super().__init__(name, folder, self.words(megabytes), self.connects)

    def words(self, megabytes: int) -> list[str]:
        return ["memcached", "-s", str(self.socket), "-a", "700", "-m", str(megabytes), "-t", "2", "-c", "2048"]

    def connects(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def spawn(self) -> None:
        self.socket.unlink(missing_ok=True)
        super().spawn()

    def ask(self, command: str, end: bytes) -> bytes:
        """Returns: its answer to one command, up to and with `end`."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.socket))
            client.sendall(command.encode() + b"\r\n")
            answer = b""
            while not answer.endswith(end):
                more = client.recv(1 << 20)
                if not more:
                    break
                answer += more
            return answer

    def press(self, sizes: Sequence[int]) -> None:
        """Stores a few hundred new entries of these sizes, which push others out."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.socket))
            for size in sizes:
                for number in itertools.islice(self.numbers, 60):
                    client.sendall(b"set press:%d 0 60 %d noreply\r\n%s\r\n" % (number, size, b"x" * size))
            client.sendall(b"version\r\n")
            client.recv(100)

    def stat(self, name: str) -> int:
        for line in self.ask("stats", b"END\r\n").decode().splitlines():
            if line.startswith(f"STAT {name} "):
                return int(line.split()[2])
        return 0


class Service(Server):
    """One process of the service: at a socket for Nginx, and at a port of its own."""

    def __init__(
        self, name: str, folder: Path, program: Path, clock: Path, port: int, environment: Mapping[str, str]
    ) -> None:
        self.port = port
        self.socket = folder / f"{name}.sock"
        self.failpoints = own_folder(folder / f"{name}-failpoints")
        self.clock_file = folder / f"{name}.clock"
        self.clock_file.write_bytes(bytes(8))
        own(self.clock_file)
        super().__init__(
            name,
            folder,
            [program, "serve"],
            lambda: status_of(port, "/readyz") == 200,
            {
                **environment,
                "LD_PRELOAD": str(clock),
                "CODASYNC_CLOCK_FILE": str(self.clock_file),
                "CODASYNC_FAILPOINT_DIR": str(self.failpoints),
                "CODASYNC_SERVER_LISTEN": f"unix:{self.socket},127.0.0.1:{port}",
            },
        )

    def set_clock(self, seconds: int) -> None:
        with open(self.clock_file, "r+b") as file, mmap.mmap(file.fileno(), 8) as memory:
            memory[:] = struct.pack("=q", seconds)

    def arm(self, point: str, action: str) -> Path:
        """Orders `kill` or `stop` at a failpoint. Returns: a file that is gone as soon as it has happened."""
        file = self.failpoints / f"{point}.{action}"
        file.touch()
        return file

    def disarm(self) -> None:
        for file in self.failpoints.iterdir():
            file.unlink(missing_ok=True)

    def metrics(self) -> dict[str, float]:
        """Returns: its counters; none when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        except (OSError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}


class Nginx(Server):
    def __init__(
        self, folder: Path, module: Path, port: int, services: Sequence[Service], slots: Sequence[str]
    ) -> None:
        self.port = port
        self.state = own_folder(folder / "nginx")
        words: list[object] = [ROOT / "nginx/render", "--dir", self.state, "--module", module]
        words += ["--listen", f"127.0.0.1:{port}", "--workers", "2", "--unlimited", "127.0.0.1"]
        for service in services:
            words += ["--service", f"unix:{service.socket}"]
        for slot in slots:
            words += ["--memcached", slot]
        done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
        for path in self.state.iterdir():
            own(path)
        super().__init__(
            "nginx",
            folder,
            ["nginx", "-e", self.state / "error.log", "-c", done.stdout.strip()],
            # Any status: of two faults at once, the other one can have killed both services until this one is over.
            lambda: status_of(port, "/healthz") != 0,
        )

    def spawn(self) -> None:
        (self.state / "nginx.pid").unlink(missing_ok=True)
        super().spawn()


class Gates:
    """The links between the servers; each can stall, cut and so on."""

    def __init__(self, program: Path, targets: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [program, *targets], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ports = [int(word) for word in self.process.stdout.readline().split()]
        if len(self.ports) != len(targets):
            raise Broken("the gates did not open")
        self.lock = threading.Lock()  # of a command and its answer

    def set(self, number: int, mode: str) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(f"{number} {mode}\n")
            self.process.stdin.flush()
            if self.process.stdout.readline() != "ok\n":
                raise Broken(f"the gates have no mode {mode}")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def own_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    return own(path)


def run_as(command: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command as the servers' account. Returns: what it prints. Throws: Broken."""
    identity = {"user": ACCOUNT.pw_uid, "group": ACCOUNT.pw_gid, "extra_groups": []} if ACCOUNT else {}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environment or {})},
        timeout=300,
        **identity,
    )
    if done.returncode != 0:
        raise Broken(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout.strip()


def copy_for_servers(source: Path, folder: Path) -> Path:
    """Copies a file, because the user of the servers may not be allowed to read the build folder."""
    return own(Path(shutil.copy(source, folder)))
