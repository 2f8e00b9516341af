"""Nginx: its configuration comes from nginx/render, its look-up module from the build."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from servers import answers, memcached_address, service_socket
from state import Failed, State
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
        "--console",
        str(state.program / "nginx" / "console" / "site"),
        "--memcached",
        memcached_address(state),
        "--memcached-key-file",
        str(state.cache_key),
        "--cors-origins",
        cors_origins,
        "--unlimited",
        "127.0.0.1",  # load tests and scripts on this machine; other loopback addresses have the limits
        *services,
        *(["--tls-certificate", str(state.certificate), "--tls-key", str(state.key)] if state.certificate.exists() else []),
        *(["--status", status] if status else []),
    ]
    return supervisor.run("nginx-render", command, 30.0).strip()


def check(supervisor: Supervisor, configuration: str) -> None:
    """Throws: Failed when Nginx rejects the configuration; StopRequested."""
    supervisor.run("nginx-check", [*command(configuration), "-t", "-q"], 30.0)


def command(configuration: str) -> list[str]:
    return ["nginx", "-p", os.path.dirname(configuration), "-c", configuration, "-e", "stderr"]


def make_certificate(state: State, tls: bool) -> None:
    """Makes a certificate for this machine and its key, new at each start; without `tls` removes it. Throws: Failed."""
    for file in (state.certificate, state.key):
        file.unlink(missing_ok=True)
    if not tls:
        return
    command: Sequence[str | os.PathLike[str]] = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90"),
        *("-subj", "/CN=CodaSync of config-up", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        *("-keyout", state.key, "-out", state.certificate),
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl could not make a certificate:\n{done.stderr}")


def url(state: State, port: int) -> str:
    return f"{'https' if state.certificate.exists() else 'http'}://127.0.0.1:{port}"


def server(state: State, port: int, configuration: str) -> Server:
    return Server(
        name="nginx",
        command=command(configuration),
        ready=lambda: answers(f"127.0.0.1:{port}", "/healthz", state.certificate if state.certificate.exists() else None),
        stop_sequence=((signal.SIGQUIT, 5.0), (signal.SIGTERM, 5.0)),  # QUIT: completes the requests in progress
    )
