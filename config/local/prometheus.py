"""Prometheus with the rules of config/deploy/prometheus, and the exporters of PostgreSQL, PgBouncer and Nginx."""

import json
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import postgres
from servers import INSTANCES_MAX, answers, free_address
from state import State, write_private
from supervisor import Server, Supervisor

READY_SECONDS = 60.0
FILES = ("prometheus.yml", "recording.yml", "alerts.yml")
TERM = ((signal.SIGTERM, 10.0),)

# Limits of its files: this Prometheus is for trials, not an archive.
RETENTION = ("--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=512MB")


@dataclass(frozen=True)
class Addresses:
    """The addresses of the servers of this file, on loopback."""

    prometheus: str
    nginx_status: str
    exporters: Mapping[str, str]  # by job


def choose(port: int, pgbouncer: bool) -> Addresses:
    """Returns: addresses above those of the instances. `port`: of Nginx."""
    first = port + 2 * INSTANCES_MAX + 1
    jobs = ("postgres", "nginx", *(["pgbouncer"] if pgbouncer else []))
    exporters = {job: free_address(first + place) for place, job in enumerate(jobs, start=2)}
    return Addresses(free_address(first), free_address(first + 1), exporters)


def start(state: State, supervisor: Supervisor, where: Addresses) -> None:
    """Starts Prometheus and the exporters; set_targets() writes the instances later. Throws: Failed, StopRequested."""
    (state.folder / "prometheus" / "targets").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(state.program / "config" / "deploy" / "prometheus" / name, state.folder / "prometheus" / name)
    create_role(state, supervisor)
    servers = {
        "postgres": lambda address: postgres_exporter(state, address),
        "nginx": lambda address: nginx_exporter(address, where.nginx_status),
        "pgbouncer": lambda address: pgbouncer_exporter(state, address),
    }
    for job in servers:
        set_targets(state, job, [where.exporters[job]] if job in where.exporters else [])
    for job, address in where.exporters.items():
        supervisor.start(servers[job](address), READY_SECONDS)
    supervisor.start(server_of(state, where.prometheus), READY_SECONDS)


def set_targets(state: State, job: str, addresses: Sequence[str]) -> None:
    """Writes the targets of a job; a running Prometheus reads the file again by itself."""
    file = state.folder / "prometheus" / "targets" / f"{job}.json"
    write_private(file, json.dumps([{"targets": list(addresses)}]) + "\n")


def create_role(state: State, supervisor: Supervisor) -> None:
    file = state.program / "config" / "deploy" / "prometheus" / "monitor.sql"
    arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}", f"--host={state.sockets}", "--username=postgres"]
    supervisor.run("psql", [str(postgres.PROGRAMS / "psql"), *arguments, postgres.DATABASE], 60.0)


def postgres_exporter(state: State, address: str) -> Server:
    return Server(
        name="postgres-exporter",
        command=["prometheus-postgres-exporter", f"--web.listen-address={address}", "--log.level=warn"],
        ready=lambda: answers(address, "/metrics"),
        stop_sequence=TERM,
        environment={"DATA_SOURCE_NAME": f"host={state.sockets} user={postgres.MONITOR} dbname={postgres.DATABASE} sslmode=disable"},
    )


def pgbouncer_exporter(state: State, address: str) -> Server:
    """As the user `pgbouncer`, which PgBouncer accepts from its own account without a password."""
    program = str(state.program / "config" / "deploy" / "prometheus" / "pgbouncer-exporter")
    return Server(
        name="pgbouncer-exporter",
        command=[program, "--dsn", f"host={state.sockets} port=6432 user=pgbouncer", "--port", address.rsplit(":", 1)[1]],
        ready=lambda: answers(address, "/metrics"),
        stop_sequence=TERM,
    )


def nginx_exporter(address: str, status: str) -> Server:
    return Server(
        name="nginx-exporter",
        command=["prometheus-nginx-exporter", f"-web.listen-address={address}", f"-nginx.scrape-uri=http://{status}/status"],
        ready=lambda: answers(address, "/metrics"),
        stop_sequence=TERM,
    )


def server_of(state: State, address: str) -> Server:
    folder = state.folder / "prometheus"
    return Server(
        name="prometheus",
        command=[
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            *RETENTION,
            f"--web.listen-address={address}",
            "--log.level=warn",
        ],
        ready=lambda: answers(address, "/-/ready"),
        stop_sequence=((signal.SIGTERM, 30.0),),  # it writes its memory to the disk
    )
