"""The running stack: the order of its start, and what happens at the first start only."""

import json
import os
import resource
import secrets
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace

import ha
import nginx
import pgbouncer
import postgres
import prometheus
import servers
from control import ControlSocket, Request
from instances import Instances, roll
from state import Failed, State, write_private
from supervisor import StopRequested, Supervisor, detach_from_terminal

READY_SECONDS = 30.0
SETUP_SECONDS = 600.0
LOG_BYTES_MAX = 64 * 1024 * 1024
OPEN_FILES = 65536


@dataclass(frozen=True)
class Options:
    port: int
    instances: int
    cors_origins: str  # in the form of the environment: with commas
    tls: bool
    demo: bool
    pgbouncer: bool
    prometheus: bool
    ha: bool


@dataclass(frozen=True)
class Stack:
    """The parts of the running stack."""

    state: State
    supervisor: Supervisor
    options: Options
    database: postgres.Database
    instances: Instances
    monitoring: prometheus.Addresses | None


def run(state: State, options: Options, when_ready: Callable[[], None]) -> int:
    """Runs the stack until a signal stops it. Returns: the exit status."""
    os.umask(0o077)
    lock = state.take_lock()
    if lock is None:
        print(already_runs(state), flush=True)
        return 1
    for folder in (state.logs, state.sockets, state.token("admin").parent):
        folder.mkdir(exist_ok=True)
    rename_long_logs(state)
    allow_many_files()
    supervisor = Supervisor(state, lock)
    status = 0
    try:
        stack = start(state, supervisor, options)
        control = ControlSocket(state)
        when_ready()
        supervisor.serve(control, lambda request: carry_out(request, stack))
    except StopRequested:
        supervisor.say("stopping")
    except Failed as failure:
        status = 1
        supervisor.say(str(failure))
    finally:
        supervisor.stop()
    supervisor.say("stopped")
    return status


def run_in_background(job: Callable[[Callable[[], None]], int]) -> int:
    """Runs the job in a process without a terminal. Returns: 0 as soon as it is ready, else its exit status."""
    result, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(result)

        def when_ready() -> None:
            detach_from_terminal()
            os.write(ready, b"1")
            os.close(ready)

        os._exit(job(when_ready))
    os.close(ready)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGTERM))
    if os.read(result, 1):
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or 1


def start(state: State, supervisor: Supervisor, options: Options) -> Stack:
    """Starts everything and writes the env file. Throws: Failed, StopRequested."""
    for stale in state.sockets.iterdir():
        if stale.is_dir():
            shutil.rmtree(stale)
        else:
            stale.unlink()
    database = ha.start(state, supervisor, options.port) if options.ha else postgres.start(state, supervisor)
    if options.pgbouncer:
        supervisor.start(pgbouncer.server(state), READY_SECONDS)
        database = replace(database, service=pgbouncer.url(state))
    supervisor.start(servers.memcached(state), READY_SECONDS)
    if not state.cache_key.exists():
        write_private(state.cache_key, secrets.token_hex(16) + "\n")
    write_private(state.settings, settings(state, database.service, options.cors_origins))
    nginx.make_certificate(state, options.tls)
    migrate(state, supervisor, database)
    first_start(state, supervisor, database, options.demo)

    monitoring = prometheus.choose(options.port, options.pgbouncer) if options.prometheus else None
    instances = Instances(state, supervisor, options.port, options.cors_origins, monitoring.nginx_status if monitoring else None)
    for _ in range(options.instances):
        instances.add()
    instances.configure_nginx(options.instances)
    if monitoring:
        prometheus.start(state, supervisor, monitoring)
    stack = Stack(state, supervisor, options, database, instances, monitoring)
    publish(stack)
    return stack


def carry_out(request: Request, stack: Stack) -> None:
    """Does what config/rolling-restart requests. Throws: Failed, StopRequested."""
    wanted = request.options["instances"] or len(stack.instances.processes)
    try:
        roll(stack.instances, request.options["program"], wanted, lambda: migrate(stack.state, stack.supervisor, stack.database))
    finally:
        publish(stack)


def publish(stack: Stack) -> None:
    """Writes the env file and prints the addresses and paths."""
    state = stack.state
    values = {
        "CODASYNC_URL": nginx.url(state, stack.options.port),
        "CODASYNC_INSTANCES": ",".join(f"http://{address}" for address in stack.instances.addresses),
        "CODASYNC_DATABASE_URL": stack.database.owner,
        "CODASYNC_MEMCACHED": servers.memcached_address(state),
        "CODASYNC_MEMCACHED_KEY_FILE": str(state.cache_key),
        "CODASYNC_ADMIN_TOKEN": state.token("admin").read_text().strip(),
        "CODASYNC_STAFF_TOKEN": state.token("staff").read_text().strip(),
    }
    if stack.options.tls:
        values["CURL_CA_BUNDLE"] = str(state.certificate)  # curl reads it; browsers need it imported
    if stack.options.pgbouncer:
        values["CODASYNC_PGBOUNCER_URL"] = pgbouncer.url(state)
    if stack.monitoring:
        prometheus.set_targets(state, "codasync", stack.instances.addresses)
        values["CODASYNC_PROMETHEUS_URL"] = f"http://{stack.monitoring.prometheus}"
    write_private(state.env, "".join(f"{name}={value}\n" for name, value in values.items()))
    metrics = f"\n    metrics    {values['CODASYNC_PROMETHEUS_URL']}" if stack.monitoring else ""
    stack.supervisor.say(
        f"""ready
    address    {values["CODASYNC_URL"]}
    direct     {values["CODASYNC_INSTANCES"]}{metrics}
    tokens     {state.token("admin")}, {state.token("staff")}
    for tools  {state.env}
    logs       {state.logs}"""
    )


def migrate(state: State, supervisor: Supervisor, database: postgres.Database) -> None:
    codasync(state, supervisor, "migrate", CODASYNC_POSTGRES_URL=database.owner)


def first_start(state: State, supervisor: Supervisor, database: postgres.Database, demo: bool) -> None:
    """Imports the demo catalogue and makes the tokens, which the role of the service may not do; an interrupted first start does it again."""
    if state.set_up.exists():
        return
    if demo:
        supervisor.say("loading the demo catalogue")
        codasync(state, supervisor, "import", "demo")
    for role in ("admin", "staff"):
        if not state.token(role).exists():
            words = ["token", "create", "--name", f"config/up {role}", "--role", role]
            secret = codasync(state, supervisor, *words, CODASYNC_POSTGRES_URL=database.owner)
            write_private(state.token(role), secret.strip() + "\n")
    write_private(state.set_up, "The first start is complete.\n")


def codasync(state: State, supervisor: Supervisor, *arguments: str, **environment: str) -> str:
    """Runs a subcommand. Returns: its output. Throws: Failed, StopRequested."""
    command = [str(state.program / "api" / "codasync"), *arguments, "--config", str(state.settings)]
    return supervisor.run(arguments[0], command, SETUP_SECONDS, **environment)


def settings(state: State, database: str, cors_origins: str) -> str:
    """Returns: the settings file; all settings that are not in it have their defaults."""
    origins = [] if cors_origins == "none" else cors_origins.split(",")
    return f"""# Written by config/up at each start. CODASYNC_SERVER_LISTEN gives each process its own addresses.
[postgres]
url = {json.dumps(database)}

[memcached]
servers = [{json.dumps(servers.memcached_address(state))}]
key_file = {json.dumps(str(state.cache_key))}

[api]
cors_origins = {json.dumps(origins)}
"""


def already_runs(state: State) -> str:
    address = state.read_env().get("CODASYNC_URL", "not ready yet")
    return f"CodaSync already runs with the state folder {state.folder}: {address}. To stop it: config/down"


def rename_long_logs(state: State) -> None:
    """Renames long logs and keeps one older file of each. Only at the start, because running servers keep their logs open."""
    for log in (*state.logs.glob("*.log"), *(state.folder / "nginx").glob("*.log")):
        if log.stat().st_size > LOG_BYTES_MAX:
            log.rename(log.with_suffix(".log.1"))


def allow_many_files() -> None:
    """Each connection needs one or two descriptors, and the soft limit of many systems is 1024."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OPEN_FILES) if hard >= 0 else OPEN_FILES, hard))
