"""PostgreSQL: a private cluster that only this machine's owner of the state folder (and root) can reach."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from state import Failed, State
from supervisor import Server, Supervisor

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DATABASE = "codasync"
OWNER = "codasync_owner"  # of the tables: migrations, imports, people with psql
SERVICE = "codasync_service"  # what the service may do: storage/grants.sql
MONITOR = "codasync_monitor"  # sees figures: config/deploy/prometheus/monitor.sql

# Peer: the kernel says which account asks, so no password exists that could leak.
HBA = "local all,replication all peer map=stack\n"

# Recovery after a hard stop replays up to max_wal_size.
START_SECONDS = 120.0


@dataclass(frozen=True)
class Database:
    """The libpq addresses of the database, one for each role. A shell that reads the env file finds no `&` in them."""

    owner: str
    service: str


def url(state: State, role: str) -> str:
    """Returns: the address of the private database for this role."""
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(state.sockets))}"


def setup_sql(state: State, owner_password: str, service_password: str) -> str:
    """Returns: what psql runs once, as a superuser, in a new cluster; no slow statement with a password gets into its log."""
    return (
        "set log_min_duration_statement = -1;\n"
        f"\\set owner_password '{owner_password}'\n\\set service_password '{service_password}'\n"
        f"\\i '{state.program}/storage/setup.sql'\n"
    )


def server(state: State, cluster: Path) -> Server:
    def ready() -> bool:
        ask = [str(PROGRAMS / "pg_isready"), "--quiet", "--timeout=3", "--host", str(state.sockets)]
        return subprocess.run(ask, check=False).returncode == 0

    return Server(
        name="postgres",
        command=[str(PROGRAMS / "postgres"), "-D", str(cluster), "-k", str(state.sockets)],
        ready=ready,
        # INT: cut the sessions, write a checkpoint. QUIT: leave at once, recover at the next start.
        farewell=((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0)),
    )


def start(state: State, supervisor: Supervisor) -> Database:
    """Starts the cluster, and makes it first if there is none. Needs the lock. Throws: Failed, Asked."""
    cluster = state.folder / "postgres"
    if (state.folder / "ha").exists():
        raise Failed(f"{state.folder} has the data of a cluster of several nodes: start it with --ha, or choose another --dir")
    if not cluster.exists():
        make(state, supervisor, cluster)
    configure(state, cluster)
    supervisor.start(server(state, cluster), START_SECONDS)
    return Database(owner=url(state, OWNER), service=url(state, SERVICE))


def make(state: State, supervisor: Supervisor, cluster: Path) -> None:
    """Makes the cluster with its roles and its database beside its place; only a complete one gets there."""
    supervisor.say("making a PostgreSQL cluster")
    new = cluster.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    supervisor.run(
        "initdb",
        [
            str(PROGRAMS / "initdb"),
            "-D",
            str(new),
            "--username=postgres",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
        ],
        120.0,
    )
    configure(state, new)
    supervisor.start(server(state, new), START_SECONDS)
    # setup.sql wants passwords, as servers of other people do. Here they are random, told nobody, and of no use.
    setup = new / "setup.sql"
    setup.write_text(setup_sql(state, secrets.token_hex(32), secrets.token_hex(32)))
    supervisor.run(
        "psql",
        [
            str(PROGRAMS / "psql"),
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            f"--file={setup}",
            f"--host={state.sockets}",
            "--username=postgres",
            "postgres",
        ],
        60.0,
    )
    setup.unlink()
    supervisor.stop()
    new.rename(cluster)


def configure(state: State, cluster: Path) -> None:
    """Puts our settings into the cluster and removes what a hard stop left: we hold the lock, so nobody runs there."""
    shutil.copyfile(Path(__file__).with_name("postgresql.conf"), cluster / "postgresql.conf")
    account = pwd.getpwuid(os.getuid()).pw_name
    (cluster / "pg_hba.conf").write_text(HBA)
    people, roles = (account, "root"), ("postgres", OWNER, SERVICE, MONITOR)
    (cluster / "pg_ident.conf").write_text("".join(f"stack {who} {role}\n" for who in people for role in roles))
    (cluster / "postmaster.pid").unlink(missing_ok=True)
