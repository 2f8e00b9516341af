"""Three nodes of PostgreSQL, each with Patroni and etcd, for config/up --ha. One node is the primary.

The three nodes share one machine. A failed node is restarted as late as a machine that reboots; otherwise Patroni would restart the
primary before a standby takes over. When Patroni of a node ends, its PostgreSQL is killed, as a watchdog does on real machines, so
that no primary runs after its lock has expired.
"""

import http.client
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import postgres
from state import Failed, State, write_private
from supervisor import Server, Supervisor

NODES = 3
START_SECONDS = 60.0
READY_SECONDS = 240.0  # the first start copies the primary twice
# Used when the preferred port is taken. Below the ports of outgoing connections, which could take them.
OTHER_PORTS = range(23000, 24000)
RESTART_SECONDS = 25.0  # longer than `ttl` of patroni.yml and an election


@dataclass(frozen=True)
class Node:
    """Where the parts of one node listen on 127.0.0.1. Fixed at the first start, because etcd stores it."""

    name: str
    postgres: int
    rest: int  # Patroni's API
    etcd: int
    peer: int  # between the members of etcd


def folder(state: State, node: Node) -> Path:
    return state.folder / "ha" / node.name


def start(state: State, supervisor: Supervisor, port: int) -> postgres.Database:
    """Starts the cluster; creates it first if it does not exist. Throws: Failed, StopRequested."""
    home = state.folder / "ha"
    complete = home / "complete"
    if (state.folder / "postgres").exists():
        raise Failed(f"{state.folder} has the data of a single PostgreSQL. Choose another state folder: --dir")
    if not complete.exists():
        shutil.rmtree(home, ignore_errors=True)  # a first start that was interrupted
        supervisor.say(f"creating a cluster of {NODES} nodes")
    home.mkdir(exist_ok=True)
    nodes = load_nodes(state, port)
    passwords = load_passwords(state)
    for node in nodes:
        kill_postgres(data(state, node))
        folder(state, node).mkdir(exist_ok=True)
        socket_folder(state, node).mkdir()
        write_private(folder(state, node) / "patroni.yml", configuration(state, node, nodes, passwords))
    setup = home / "setup.sql"
    write_private(setup, postgres.setup_sql(state, passwords["owner"], passwords["service"]))
    for node in nodes:
        supervisor.start(etcd(state, node, nodes), START_SECONDS)
    if not supervisor.wait_for(lambda: all(etcd_is_healthy(node) for node in nodes), START_SECONDS):
        raise Failed(f"etcd has no majority after {START_SECONDS:.0f} s; see {state.logs}/etcd-*.log")
    for node in nodes:
        supervisor.start(patroni(state, node), START_SECONDS)
    supervisor.say("waiting for a primary and a synchronous standby")
    if not supervisor.wait_for(lambda: has_standby(nodes), READY_SECONDS):
        raise Failed(
            f"There is no primary with a synchronous standby after {READY_SECONDS:.0f} s. `patronictl -c"
            f" {folder(state, nodes[0])}/patroni.yml list` shows the nodes; see also {state.logs}/patroni-*.log"
        )
    setup.unlink()  # it contains the passwords and is not needed any more
    write_private(complete, "The cluster is complete.\n")
    hosts = ",".join(f"127.0.0.1:{node.postgres}" for node in nodes)

    def url(role: str, password: str) -> str:
        return f"postgresql://{role}:{quote(password)}@{hosts}/{postgres.DATABASE}?target_session_attrs=read-write"

    return postgres.Database(
        owner=url(postgres.OWNER, passwords["owner"]), service=url(postgres.SERVICE, passwords["service"])
    )


def load_nodes(state: State, port: int) -> list[Node]:
    """Returns: the nodes of the first start, or new ones on free ports. Throws: Failed."""
    file = state.folder / "ha" / "nodes.json"
    if file.exists():
        return [Node(**fields) for fields in json.loads(file.read_text())]
    offsets = (40, 50, 60, 70)
    ports = iter(free_ports([port + offset + number for number in range(1, NODES + 1) for offset in offsets]))
    nodes = [Node(f"node{number}", *(next(ports) for _ in offsets)) for number in range(1, NODES + 1)]
    write_private(file, json.dumps([asdict(node) for node in nodes], indent=1) + "\n")
    return nodes


def free_ports(preferred: list[int]) -> list[int]:
    """Returns: one port for each preferred one, which is taken when it is free. Throws: Failed."""
    with ExitStack() as held:  # keeps all of them bound, so that no port is returned twice
        found = []
        for wanted in preferred:
            for port in (wanted, *OTHER_PORTS):
                probe = held.enter_context(socket.socket())
                with suppress(OSError, OverflowError):
                    probe.bind(("127.0.0.1", port))
                    found.append(int(probe.getsockname()[1]))
                    break
            else:
                raise Failed("No port of 127.0.0.1 is free.")
        return found


def load_passwords(state: State) -> dict[str, str]:
    file = state.folder / "ha" / "passwords.json"
    if not file.exists():
        names = ("superuser", "replication", "rest", "owner", "service")
        write_private(file, json.dumps({name: secrets.token_hex(24) for name in names}) + "\n")
    passwords: dict[str, str] = json.loads(file.read_text())
    return passwords


def socket_folder(state: State, node: Node) -> Path:
    return state.sockets / node.name


def configuration(state: State, node: Node, nodes: list[Node], passwords: dict[str, str]) -> str:
    """Returns: Patroni's settings for this node: config/deploy/ha/patroni.yml with its placeholders replaced."""
    account = pwd.getpwuid(os.getuid()).pw_name
    roles = ("postgres", postgres.OWNER, postgres.SERVICE)
    psql = f"{postgres.PROGRAMS}/psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file={state.folder}/ha/setup.sql"
    values = {
        "name": node.name,
        "etcd": ",".join(f"127.0.0.1:{each.etcd}" for each in nodes),
        "rest": f"127.0.0.1:{node.rest}",
        "postgres": f"127.0.0.1:{node.postgres}",
        "programs": str(postgres.PROGRAMS),
        "data": str(data(state, node)),
        "configuration": str(state.program / "config" / "local" / "postgresql.conf"),
        "pgpass": str(folder(state, node) / "pgpass"),
        "socket": str(socket_folder(state, node)),
        "setup": psql,
        "network": "127.0.0.1/32",
        "ident": "\n    ".join(f"- stack {who} {role}" for who in (account, "root") for role in roles),
        **{f"{name}_password": password for name, password in passwords.items()},
    }
    template = (state.program / "config" / "deploy" / "ha" / "patroni.yml").read_text()
    return re.sub(r"@([a-z_]+)@", lambda match: values[match[1]], template)


def data(state: State, node: Node) -> Path:
    return folder(state, node) / "postgres"


def etcd(state: State, node: Node, nodes: list[Node]) -> Server:
    return Server(
        name=f"etcd-{node.name}",
        command=[
            "etcd",
            f"--name={node.name}",
            f"--data-dir={folder(state, node)}/etcd",
            f"--listen-client-urls=http://127.0.0.1:{node.etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{node.etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{node.peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{node.peer}",
            "--initial-cluster=" + ",".join(f"{each.name}=http://127.0.0.1:{each.peer}" for each in nodes),
            # Three members share one busy disk: longer timeouts, or each slow flush causes an election.
            "--heartbeat-interval=200",
            "--election-timeout=2000",
            "--log-level=warn",
        ],
        ready=lambda: listens(node.peer),  # without the other members it cannot do more
        stop_sequence=((signal.SIGTERM, 10.0),),
        restart_pause=RESTART_SECONDS,
    )


def patroni(state: State, node: Node) -> Server:
    return Server(
        name=f"patroni-{node.name}",
        command=["patroni", str(folder(state, node) / "patroni.yml")],
        ready=lambda: get(node.rest, "/liveness") is not None,
        stop_sequence=((signal.SIGTERM, 60.0),),
        environment={"PYTHONUNBUFFERED": "1"},
        restart_pause=RESTART_SECONDS,
        clean_up=lambda: kill_postgres(data(state, node)),
    )


def kill_postgres(cluster: Path) -> None:
    """Kills the PostgreSQL of this cluster if it runs."""
    with suppress(OSError, ValueError):
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        if str(cluster) in Path(f"/proc/{pid}/cmdline").read_bytes().decode():
            os.kill(pid, signal.SIGQUIT)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def etcd_is_healthy(node: Node) -> bool:
    answer = get(node.etcd, "/health")
    return answer is not None and answer.get("health") == "true"


def has_standby(nodes: list[Node]) -> bool:
    """Returns: whether a primary runs and a standby follows it synchronously."""
    cluster = next(filter(None, (get(node.rest, "/cluster") for node in nodes)), None)
    members = cluster["members"] if cluster else []
    return {"leader", "sync_standby"} <= {one["role"] for one in members if one["state"] in ("running", "streaming")}


def get(port: int, path: str) -> dict[str, Any] | None:
    """Returns: the JSON of a response with status 200, empty when it has no body; None for any other result."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3.0)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read()
        return (json.loads(text) if text else {}) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
