"""Servers for the scripts of this folder, private and on loopback: a PostgreSQL with passwords, as a managed one has."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def eventually(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Waits until the condition holds. Throws: AssertionError when the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that the servers' account owns."""
    path = Path(tempfile.mkdtemp(prefix="codasync-ops."))
    path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(path, account().pw_uid, account().pw_gid)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def account() -> pwd.struct_passwd:
    """Returns: the account of the servers: the caller's; for root the account `nobody`."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def start(
    command: Sequence[object], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a server in this script's process group, never as root. Its output goes to the log."""
    other = {"user": account().pw_uid, "group": account().pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with open(log, "ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(environment or {})},
            **other,  # type: ignore[call-overload]
        )


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM, seconds: float = 30.0) -> int:
    """Returns: the exit status. Throws: AssertionError when it does not end in time; then it is killed."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args!r} did not end within {seconds:.0f} s of {number.name}") from None


class Postgres:
    """A cluster with the roles and the database of storage/setup.sql, reached by TCP and password."""

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self.passwords = {role: secrets.token_hex(16) for role in ("postgres", "codasync_owner", "codasync_service")}
        self._data = place / "postgres"
        self._log = place / "postgres.log"
        password = place / "password"
        password.write_text(self.passwords["postgres"])
        os.chown(password, account().pw_uid, account().pw_gid)
        words = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}", "--encoding=UTF8", "--no-sync"]
        made = start([PROGRAMS / "initdb", "-D", self._data, "--locale=C.UTF-8", *words], self._log)
        if made.wait(120) != 0:
            raise AssertionError(self._log.read_text())
        password.unlink()
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off"]
        self._server = start(
            [PROGRAMS / "postgres", "-D", self._data, *(word for each in settings for word in ("-c", each))], self._log
        )
        ready = [PROGRAMS / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        eventually(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL is ready")
        subprocess.run(
            [PROGRAMS / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={ROOT}/storage/setup.sql",
             f"--set=owner_password={self.passwords['codasync_owner']}",
             f"--set=service_password={self.passwords['codasync_service']}", self.url("postgres", "postgres")],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def url(self, role: str, database: str = "codasync") -> str:
        """Returns: a URL like those of hosting platforms."""
        return f"postgres://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        stop(self._server, signal.SIGINT, 60.0)


@contextmanager
def postgres(place: Path) -> Iterator[Postgres]:
    server = Postgres(place)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def memcached(place: Path) -> Iterator[int]:
    """Yields: the port."""
    port = free_port()
    process = start(["memcached", "-l", "127.0.0.1", "-p", port, "-U", "0"], place / "memcached.log")
    try:
        eventually(lambda: listens(port), "Memcached listens")
        yield port
    finally:
        stop(process)


def codasync(*words: object, **environment: str) -> str:
    """Runs a subcommand of the built program. Returns: its standard output. Throws: AssertionError."""
    done = subprocess.run(
        [str(BUILD / "api" / "codasync"), *map(str, words)],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"codasync {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
    return done.stdout.strip()


def prepare_database(database: Postgres, **environment: str) -> str:
    """Migrates as the owner and makes a token as the service does. Returns: the admin token."""
    codasync("migrate", CODASYNC_POSTGRES_URL=database.url("codasync_owner"), **environment)
    words = ["token", "create", "--name", "smoke test", "--role", "admin"]
    return codasync(*words, CODASYNC_POSTGRES_URL=database.url("codasync_service"), **environment)
