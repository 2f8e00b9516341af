"""The databases of the benchmarks: one for each number of readings, in a PostgreSQL of their own that is kept between runs.

The folder (default `.bench`) has the cluster and a copy of the program. A database is made at its first use, by the migrations of this
clone and `grow.py`, and made again after these have changed.
"""

import atexit
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from processes import ROOT, Processes, prepare

from state import State  # after processes, which adds its folder to the path

HERE = Path(__file__).resolve().parent
PROGRAMS = Path("/usr/lib/postgresql/15/bin")
SHOPS = 200
PRODUCTS = 120_000
# In addition to the settings of config/up. Rows are in memory, and the statements' times are recorded.
SETTINGS = """
shared_buffers = {buffers}MB
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_planning = on
log_min_duration_statement = -1
"""


def fingerprint(readings: int) -> str:
    """Returns: a text that is different after a change of the schema or of what fills the database."""
    digest = hashlib.sha256(f"{readings} {SHOPS} {PRODUCTS}".encode())
    for file in (*sorted((ROOT / "storage/migrations").glob("*.sql")), HERE / "grow.sql", HERE / "grow.py"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Database:
    """One filled database. `url` is that of the service's role."""

    processes: Processes
    name: str
    readings: int

    def url_of(self, role: str) -> str:
        return f"postgresql://{role}@/{self.name}?host={self.processes.folder}"

    @property
    def url(self) -> str:
        return self.url_of("codasync_service")

    def sql(self, statement: str) -> str:
        """Runs SQL as the superuser. Returns: the rows, with `|` between columns."""
        return self.processes.run("psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", self.url_of("postgres"), text=statement).strip()

    def settings(self, memcached: str, more: str = "") -> str:
        """Returns: settings of an instance; `memcached` is empty for one without a cache."""
        servers = f'["{memcached}"]' if memcached else "[]"
        return f'[postgres]\nurl = "{self.url}"\n[memcached]\nservers = {servers}\n{more}'

    def token(self) -> str:
        """Returns: the secret of a new staff token."""
        # Only the owner of the tables makes tokens of staff without a token.
        return self.processes.run(self.processes.program / "api/codasync", "token", "create", "--name", "bench", "--role", "staff",
                                  CODASYNC_POSTGRES_URL=self.url_of("codasync_owner")).strip()

    def warm(self) -> None:
        """Reads the tables and indexes of the reads into memory."""
        self.sql("select sum(pg_prewarm(oid::regclass, 'buffer')) from pg_class"
                 " where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')"
                 " and relname ~ '^(shops|products|stock_readings)'; checkpoint")


def open_folder(folder: Path, workers: str = "auto") -> Processes:
    """Builds the program and copies it to the folder. Returns: what starts the processes of this run; all of them hold the lock of
    the folder, so that no second run uses it. Ends this program if one does.
    """
    try:
        account = prepare.account()
        place = prepare.place(folder.absolute(), account)
        lock = State(place).take_lock()
        if lock is None:
            sys.exit(f"another benchmark runs with the folder {place}, or left processes: `fuser -v {place}/lock` lists them")
        prepare.copy_program(ROOT, prepare.build(ROOT), place / "program", account)
    except prepare.Failed as failure:
        sys.exit(str(failure))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    run = place / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(mode=0o700)
    return Processes(run, place / "program", account, workers, lock)


def reserve_huge_pages(processes: Processes, cluster: Path) -> None:
    """Reserves huge pages for PostgreSQL's shared memory until the end of this program. Without them the first use of each page of 4 KB costs
    each session some microseconds. Says it if that is not possible: PostgreSQL then uses small pages.
    """
    needed = int(processes.run(PROGRAMS / "postgres", "-D", cluster, "-C", "shared_memory_size_in_huge_pages"))
    reserved = Path("/proc/sys/vm/nr_hugepages")
    before = reserved.read_text()
    try:
        reserved.write_text(str(int(before) + needed))
    except OSError as failure:
        print(f"PostgreSQL has no huge pages: {reserved}: {failure.strerror}. Run this as root, or reserve {needed} more pages there.")
        return
    atexit.register(reserved.write_text, before)
    if int(reserved.read_text()) < int(before) + needed:
        print(f"PostgreSQL has no huge pages: the memory has no free room for {needed} of them.")


def start_postgres(processes: Processes) -> None:
    """Starts the cluster of the folder as the process "postgres"; creates it first if it does not exist."""
    cluster = processes.folder.parent / "cluster"
    if not (cluster / "ready").exists():
        processes.run("rm", "-rf", cluster)
        processes.run(PROGRAMS / "initdb", "-D", cluster, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                      "--data-checksums", "--no-instructions")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    (cluster / "postgresql.conf").write_text((ROOT / "config/local/postgresql.conf").read_text() + SETTINGS.format(buffers=memory // 4))
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    reserve_huge_pages(processes, cluster)
    processes.start("postgres", PROGRAMS / "postgres", "-D", cluster, "-k", processes.folder, end=signal.SIGINT)  # ends the sessions
    processes.wait_for("postgres", f"unix:{processes.folder}/.s.PGSQL.5432")
    server = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"postgresql://postgres@/postgres?host={processes.folder}")
    for _ in range(600):
        if subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", processes.folder], check=False).returncode == 0:
            break
        if processes.started["postgres"].poll() is not None:
            sys.exit((processes.folder / "postgres.log").read_text()[-2000:])
    if not (cluster / "ready").exists():
        processes.run(*server, text="create role codasync_owner login; create role codasync_service login")
        (cluster / "ready").touch()


def database(processes: Processes, readings: int) -> Database:
    """Returns: the database with this many readings; it is made if it does not exist or is out of date."""
    made = Database(processes, f"readings_{readings}", readings)
    server = Database(processes, "postgres", 0)
    wanted = fingerprint(readings)
    if server.sql(f"select shobj_description(oid, 'pg_database') from pg_database where datname = '{made.name}'") == wanted:
        return made
    print(f"making the database with {readings:,} readings", flush=True)
    server.sql(f"drop database if exists {made.name} with (force)")
    server.sql(f"create database {made.name} owner codasync_owner")
    processes.run(processes.program / "api/codasync", "migrate", CODASYNC_POSTGRES_URL=made.url_of("codasync_owner"))
    done = subprocess.run(["/usr/bin/python3", "-B", HERE / "grow.py", "--url", made.url_of("postgres"), "--readings", str(readings),
                           "--shops", str(SHOPS), "--products", str(PRODUCTS)], check=False)
    if done.returncode:
        sys.exit("the database could not be filled")
    made.sql("create extension pg_stat_statements; create extension pg_prewarm; vacuum (analyze) products; vacuum (analyze) shops")
    server.sql(f"comment on database {made.name} is '{wanted}'")
    return made
