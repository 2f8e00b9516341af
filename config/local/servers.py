"""Memcached and the service: their command lines, readiness checks and stop sequences."""

import http.client
import signal
import socket
import ssl
from pathlib import Path

from state import Failed, State
from supervisor import Server

CACHE_MEGABYTES = 256
CACHE_CONNECTIONS = 4096
# Nginx sends many requests in one packet; with the default of 20 Memcached would pause between them (nginx/README.md).
CACHE_REQUESTS_PER_EVENT = 200
INSTANCES_MAX = 16


def memcached_address(state: State) -> str:
    return f"unix:{state.sockets}/memcached"


def memcached(state: State) -> Server:
    path = memcached_address(state).removeprefix("unix:")

    def ready() -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(3.0)
                client.connect(path)
                client.sendall(b"version\r\n")
                return client.recv(64).startswith(b"VERSION ")
        except OSError:
            return False

    return Server(
        name="memcached",
        command=[
            "memcached",
            "--unix-socket",
            path,
            "--unix-mask",
            "0700",
            "--memory-limit",
            str(CACHE_MEGABYTES),
            "--conn-limit",
            str(CACHE_CONNECTIONS),
            "--threads",
            "2",
            f"--max-reqs-per-event={CACHE_REQUESTS_PER_EVENT}",
        ],
        ready=ready,
        stop_sequence=((signal.SIGTERM, 10.0),),
    )


def service_socket(state: State, number: int) -> str:
    return f"{state.sockets}/service-{number}"


def service(state: State, number: int, direct: str, path: str = "") -> Server:
    """One process of the service, on its Unix socket for Nginx (or another path) and at its direct address for tools."""
    return Server(
        name=f"service-{number}",
        command=[str(state.program / "api" / "codasync"), "serve", "--config", str(state.settings)],
        ready=lambda: answers(direct, "/readyz"),
        # It completes the requests in progress (api.shutdown_grace, 10 s) before it ends.
        stop_sequence=((signal.SIGTERM, 20.0),),
        environment={"CODASYNC_SERVER_LISTEN": f"unix:{path or service_socket(state, number)},{direct}"},
    )


def free_address(*preferred: int) -> str:
    """Returns: the address with the first of these ports that is free, else with any free port: only tools use it, and they read env."""
    for port in (*preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return f"127.0.0.1:{probe.getsockname()[1]}"
    raise Failed("No port of 127.0.0.1 is free.")


def answers(address: str, path: str, certificate: Path | None = None) -> bool:
    """Returns: whether a GET of this path returns 200; with `certificate` over HTTPS."""
    connection: http.client.HTTPConnection
    if certificate is None:
        connection = http.client.HTTPConnection(address, timeout=3.0)
    else:
        trusted = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection(address, timeout=3.0, context=trusted)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
