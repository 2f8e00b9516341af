"""PgBouncer: between the service and PostgreSQL, in transaction mode (config/deploy/pgbouncer/README.md)."""

import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import postgres
from state import State, write_private
from supervisor import Server

PORT = 6432  # a part of its socket's name; nothing listens on TCP


def url(state: State) -> str:
    """Returns: the libpq address of the database through PgBouncer, for the service's role. Without any `&`, for shells."""
    return f"postgresql://{postgres.SERVICE}@{quote(str(state.sockets), safe='')}:{PORT}/{postgres.DATABASE}"


def server(state: State) -> Server:
    """Writes its configuration. Returns: how to run it."""
    configuration = state.folder / "pgbouncer.ini"
    write_private(configuration, settings(state))
    write_private(users(state), f'"{postgres.SERVICE}" ""\n')

    def ready() -> bool:
        ask = [str(postgres.PROGRAMS / "pg_isready"), "--quiet", "--timeout=3", f"--dbname={url(state)}"]
        return subprocess.run(ask, check=False).returncode == 0

    return Server(
        name="pgbouncer",
        command=["pgbouncer", str(configuration)],
        ready=ready,
        # INT: what is under way ends first. TERM: at once.
        farewell=((signal.SIGINT, 5.0), (signal.SIGTERM, 5.0)),
    )


def settings(state: State) -> str:
    """Trusts whoever reaches its socket, in a folder of mode 0700: the account of the stack, and root. PostgreSQL's own rule for
    the same socket folder (postgres.HBA) says as much.
    """
    return f"""; Written by config/up at each start.
[databases]
{postgres.DATABASE} = host={state.sockets}

[pgbouncer]
%include {state.program}/config/deploy/pgbouncer/common.ini
unix_socket_dir = {state.sockets}
unix_socket_mode = 0700
listen_addr =
listen_port = {PORT}
auth_type = trust
auth_file = {users(state)}
"""


def users(state: State) -> Path:
    return state.folder / "pgbouncer-users"
