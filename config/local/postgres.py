"""PostgreSQL: a private cluster that only the owner of the state folder (and root) can reach."""

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
OWNER = "codasync_owner"  # of the tables: migrations, imports, psql
SERVICE = "codasync_service"  # its rights: storage/grants.sql
MONITOR = "codasync_monitor"  # reads statistics: config/deploy/prometheus/monitor.sql

# Peer: the kernel reports the account of the client, so there is no password that could leak.
HBA = "local all,replication all peer map=stack\n"

# Recovery after a hard stop replays up to max_wal_size. A cluster restored from a backup (config/deploy/backup) may replay days of WAL.
START_SECONDS = 120.0
RESTORE_SECONDS = 12 * 3600.0


@dataclass(frozen=True)
class Database:
    """The libpq addresses of the database, one for each role. They have no `&`, so shells can read the env file."""

    owner: str
    service: str


def url(state: State, role: str) -> str:
    """Returns: the address of the private database for this role."""
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(state.sockets))}"


def setup_sql(state: State, owner_password: str, service_password: str) -> str:
    """Returns: the SQL that psql runs once in a new cluster, as a superuser; statements with a password are not logged."""
    return (
        "set log_min_duration_statement = -1;\n"
        f"\\set owner_password '{owner_password}'\n\\set service_password '{service_password}'\n"
        f"\\i '{state.program}/storage/setup.sql'\n"
    )


def server(state: State, cluster: Path) -> Server:
    def ready() -> bool:
        command = [str(PROGRAMS / "pg_isready"), "--quiet", "--timeout=3", "--host", str(state.sockets)]
        return subprocess.run(command, check=False).returncode == 0

    return Server(
        name="postgres",
        # No hot standby: a restored cluster takes connections only when its recovery has ended.
        command=[str(PROGRAMS / "postgres"), "-D", str(cluster), "-k", str(state.sockets), "-c", "hot_standby=off"],
        ready=ready,
        # INT: end the sessions, write a checkpoint. QUIT: end immediately, recover at the next start.
        stop_sequence=((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0)),
    )


def start(state: State, supervisor: Supervisor) -> Database:
    """Starts the cluster; creates it first if it does not exist. Requires: the lock. Throws: Failed, StopRequested."""
    cluster = state.folder / "postgres"
    if (state.folder / "ha").exists():
        raise Failed(f"{state.folder} has the data of a cluster of several nodes: start it with --ha, or choose another --dir")
    if not cluster.exists():
        make(state, supervisor, cluster)
    configure(state, cluster)
    restored = (cluster / "recovery.signal").exists()
    if restored:
        supervisor.say("PostgreSQL replays the WAL of a restored backup")
    supervisor.start(server(state, cluster), RESTORE_SECONDS if restored else START_SECONDS)
    return Database(owner=url(state, OWNER), service=url(state, SERVICE))


def make(state: State, supervisor: Supervisor, cluster: Path) -> None:
    """Creates the cluster with its roles and its database in another folder, which is renamed when it is complete."""
    supervisor.say("creating a PostgreSQL cluster")
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
    # setup.sql requires passwords, for servers with password login. Here they are random and not used.
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
    """Writes the settings into the cluster and removes the pid file of a hard stop. Requires: the lock, so that no server runs."""
    shutil.copyfile(Path(__file__).with_name("postgresql.conf"), cluster / "postgresql.conf")
    account = pwd.getpwuid(os.getuid()).pw_name
    (cluster / "pg_hba.conf").write_text(HBA)
    accounts, roles = (account, "root"), ("postgres", OWNER, SERVICE, MONITOR)
    (cluster / "pg_ident.conf").write_text("".join(f"stack {who} {role}\n" for who in accounts for role in roles))
    (cluster / "postmaster.pid").unlink(missing_ok=True)
