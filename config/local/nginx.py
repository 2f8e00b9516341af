"""Nginx: its configuration comes from nginx/render, its look-up module from the build."""

import os
import signal
import sys
from collections.abc import Sequence

from servers import answers, memcached_address, service_socket
from state import State
from supervisor import Server, Supervisor


def render(state: State, supervisor: Supervisor, port: int, instances: int, cors_origins: str, status: str | None) -> str:
    """Returns: the path of the configuration; with `status`, Nginx serves its status page at that address. Throws: Failed, StopRequested."""
    services = [word for n in range(1, instances + 1) for word in ("--service", f"unix:{service_socket(state, n)}")]
    command: Sequence[str] = [
        sys.executable,
        "-B",
        str(state.program / "nginx" / "render"),
        "--dir",
        str(state.folder / "nginx"),
        "--module",
        str(state.program / "nginx" / "ngx_http_response_cache_module.so"),
        "--listen",
        f"127.0.0.1:{port}",
        "--docs",
        str(state.program / "nginx" / "docs" / "site"),
        "--memcached",
        memcached_address(state),
        "--memcached-key-file",
        str(state.cache_key),
        "--cors-origins",
        cors_origins,
        *services,
        *(["--status", status] if status else []),
    ]
    return supervisor.run("nginx-render", command, 30.0).strip()


def check(supervisor: Supervisor, configuration: str) -> None:
    """Throws: Failed when Nginx rejects the configuration; StopRequested."""
    supervisor.run("nginx-check", [*command(configuration), "-t", "-q"], 30.0)


def command(configuration: str) -> list[str]:
    return ["nginx", "-p", os.path.dirname(configuration), "-c", configuration, "-e", "stderr"]


def server(port: int, configuration: str) -> Server:
    return Server(
        name="nginx",
        command=command(configuration),
        ready=lambda: answers(f"127.0.0.1:{port}", "/healthz"),
        stop_sequence=((signal.SIGQUIT, 5.0), (signal.SIGTERM, 5.0)),  # QUIT: completes the requests in progress
    )
