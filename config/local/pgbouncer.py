"""PgBouncer: between the service and PostgreSQL, in transaction mode (config/deploy/pgbouncer/README.md)."""

import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import postgres
from state import State, write_private
from supervisor import Server

PORT = 6432  # part of the socket's name; PgBouncer does not listen on TCP


def url(state: State) -> str:
    """Returns: the libpq address of the database through PgBouncer, for the service's role. It has no `&`, so shells can read it."""
    return f"postgresql://{postgres.SERVICE}@{quote(str(state.sockets), safe='')}:{PORT}/{postgres.DATABASE}"


def server(state: State) -> Server:
    """Writes its configuration. Returns: the server."""
    configuration = state.folder / "pgbouncer.ini"
    write_private(configuration, settings(state))
    write_private(users(state), f'"{postgres.SERVICE}" ""\n')

    def ready() -> bool:
        command = [str(postgres.PROGRAMS / "pg_isready"), "--quiet", "--timeout=3", f"--dbname={url(state)}"]
        return subprocess.run(command, check=False).returncode == 0

    return Server(
        name="pgbouncer",
        command=["pgbouncer", str(configuration)],
        ready=ready,
        # INT: after the queries in progress. TERM: immediately.
        stop_sequence=((signal.SIGINT, 5.0), (signal.SIGTERM, 5.0)),
    )


def settings(state: State) -> str:
    """Trusts every client of its socket, which is in a folder of mode 0700: the account of the stack, and root. PostgreSQL accepts
    the same accounts (postgres.HBA).
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
