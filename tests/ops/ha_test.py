#!/usr/bin/python3
"""Three nodes of PostgreSQL: the primary is killed under load, then a planned switchover. No acknowledged write is lost."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
from load import new_readings  # noqa: E402
from names import name_of_key  # noqa: E402
from stack import Stack, eventually, own_stack  # noqa: E402

READINGS = 4
WRITERS = 8
READERS = 4
PAUSE_SECONDS_MAX = 30.0
PSQL = ["/usr/lib/postgresql/15/bin/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]


@dataclass
class Acknowledged:
    """An acknowledged write."""

    key: str
    reading: int
    version: int
    body: str
    at: float


@dataclass
class Workers:
    """Writers that repeat each write under its key until it succeeds, and readers, through Nginx."""

    stack: Stack
    readings: list[int]
    acknowledged: list[Acknowledged] = field(default_factory=list)
    repeated: int = 0
    reads: int = 0
    old: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._newest = dict.fromkeys(self.readings, 0)
        env = self.stack.env()
        self._staff = {"Authorization": f"Bearer {env['CODASYNC_STAFF_TOKEN']}", "Content-Type": "application/json"}
        self._threads = [threading.Thread(target=self._guarded, args=(self._write, n)) for n in range(WRITERS)]
        self._threads += [threading.Thread(target=self._guarded, args=(self._read, n)) for n in range(READERS)]

    def __enter__(self) -> "Workers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Any, number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001  a thread that ends early must fail the test
            self.failures.append(repr(error))

    def _request(self, method: str, path: str, body: str | None = None, key: str = "") -> tuple[int, str]:
        """Returns: status and body; status 0 if there is no response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=60)
        try:
            headers = {**self._staff, "Idempotency-Key": key} if key else self._staff
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def _write(self, number: int) -> None:
        count = 0
        while not self._end.is_set():
            count += 1
            reading, key = self.readings[count % len(self.readings)], f"ha-{number}-{count}"
            deadline = time.monotonic() + 2 * PAUSE_SECONDS_MAX
            while True:
                status, body = self._request("POST", f"/api/v1/stock-readings/{reading}/adjust", '{"delta":1}', key)
                if status == 200:
                    break
                if status not in (0, 502, 503, 504):
                    raise AssertionError(f"{key}: {status} {body}")
                if time.monotonic() > deadline:
                    raise AssertionError(f"{key} did not succeed; the last response was {status} {body}")
                self.repeated += 1
                time.sleep(0.1)
            version = json.loads(body)["version"]
            self.acknowledged.append(Acknowledged(key, reading, version, body, time.monotonic()))
            self._newest[reading] = max(self._newest[reading], version)

    def _read(self, number: int) -> None:
        while not self._end.is_set():
            reading = self.readings[number % len(self.readings)]
            least = self._newest[reading]
            status, body = self._request("GET", f"/api/v1/stock-readings/{reading}")
            if status == 200:
                self.reads += 1
                if (version := json.loads(body)["version"]) < least:
                    self.old.append(f"reading {reading}: version {version} after {least} was acknowledged")
            time.sleep(0.005)

    def await_more(self, count: int, seconds: float) -> None:
        wanted = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= wanted or bool(self.failures), f"{count} more writes", seconds)
        assert not self.failures, self.failures

    def pause_after(self, moment: float) -> float:
        """Returns: the longest time without an acknowledged write since then, in seconds."""
        since = [moment, *sorted(one.at for one in self.acknowledged if one.at > moment)]
        return max(b - a for a, b in zip(since, since[1:]))


class Cluster:
    """The database nodes of a stack, through Patroni's API."""

    def __init__(self, stack: Stack) -> None:
        self.home = stack.folder.resolve() / "ha"
        self.stack = stack
        self.nodes = {node["name"]: node for node in json.loads((self.home / "nodes.json").read_text())}

    def roles(self) -> dict[str, str]:
        """Returns: the role of each running node, from the first node that responds."""
        for node in self.nodes.values():
            connection = http.client.HTTPConnection("127.0.0.1", node["rest"], timeout=5)
            try:
                connection.request("GET", "/cluster")
                members = json.loads(connection.getresponse().read())["members"]
                return {one["name"]: one["role"] for one in members if one["state"] in ("running", "streaming")}
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                continue
            finally:
                connection.close()
        return {}

    def is_complete(self) -> bool:
        return sorted(self.roles().values()) == ["leader", "replica", "sync_standby"]

    def node(self, role: str) -> str:
        return next(name for name, its in self.roles().items() if its == role)

    def processes(self, name: str) -> dict[int, str]:
        """Returns: the processes of a node with their commands: Patroni, etcd and PostgreSQL with its children."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                place = os.readlink(entry / "cwd")
            except OSError:
                continue
            if f"{self.home}/{name}/" in command or place.startswith(f"{self.home}/{name}"):
                found[int(entry.name)] = command
        return found

    def kill_with_writes_that_no_standby_has(self, name: str) -> float:
        """Kills all processes of the primary, while the standbys do not receive WAL. Returns: the time."""
        others = [other for other in self.nodes if other != name]
        receivers = [pid for other in others for pid, command in self.processes(other).items() if "walreceiver" in command]
        assert len(receivers) == len(others), "each standby has a walreceiver"
        for pid in receivers:
            os.kill(pid, signal.SIGSTOP)
        try:
            # More than the socket buffers hold, so the old primary has WAL that no standby has.
            self.sql_of(name, "select pg_logical_emit_message(false, 'ha_test', repeat('x', 1 << 20)) from generate_series(1, 48)")
            for pid in self.processes(name):
                os.kill(pid, signal.SIGKILL)
            return time.monotonic()
        finally:
            for pid in receivers:
                os.kill(pid, signal.SIGCONT)

    def kill_patroni(self, name: str) -> Path:
        """Kills Patroni alone. Returns: the entry in /proc of its PostgreSQL."""
        postgres = (self.home / name / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]
        for pid, command in self.processes(name).items():
            if "/bin/patroni " in command:
                os.kill(pid, signal.SIGKILL)
        return Path("/proc") / postgres

    def sql_of(self, name: str, query: str) -> str:
        socket = self.stack.folder / "sockets" / name
        address = f"host={socket} port={self.nodes[name]['postgres']} dbname=codasync user=postgres"
        return subprocess.run([*PSQL, "-c", query, address], check=True, capture_output=True, text=True).stdout

    def log(self, name: str) -> str:
        return (self.stack.folder / "logs" / f"patroni-{name}.log").read_text(errors="replace")

    def timeline(self) -> int:
        return int(self.sql_of(self.node("leader"), "select timeline_id from pg_control_checkpoint()"))


def compare(stack: Stack, workers: Workers) -> None:
    """Throws: AssertionError unless the ledger has exactly the acknowledged writes, each once."""

    def sql(query: str) -> list[list[str]]:
        command = [*PSQL, "--field-separator=\t", "-c", query, stack.env()["CODASYNC_DATABASE_URL"]]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [line.split("\t") for line in done.splitlines()]

    acknowledged = workers.acknowledged
    token = int(sql("select id from tokens where role = 'staff'")[0][0])
    of_these = f"where o.reading_id in ({','.join(map(str, workers.readings))})"
    found = sql(f"select name, split_part(answer, e'\\n', 4) from idempotency_keys join stock_operations o using (name) {of_these}")
    stored = {name: json.loads(body) for name, body in found}
    lost = [one.key for one in acknowledged if stored.get(name_of_key(token, one.key)) != json.loads(one.body)]
    assert not lost, f"{len(lost)} acknowledged writes are missing or differ: {lost[:5]}"
    assert len(stored) == len(acknowledged), f"{len(stored)} keys for {len(acknowledged)} acknowledged writes"
    for reading in workers.readings:
        versions = [int(row[0]) for row in sql(f"select version from stock_events where reading_id = {reading} order by version")]
        assert versions == list(range(1, len(versions) + 1)), f"the versions of reading {reading} have a gap or a repeat"
        mine = sorted(one.version for one in acknowledged if one.reading == reading)
        assert mine == versions[len(versions) - len(mine) :], f"reading {reading}: responses and ledger differ"
        ((quantity, version),) = sql(f"select quantity, version from stock_readings where id = {reading}")
        assert (int(quantity), int(version)) == (len(mine), len(versions)), f"reading {reading}: the row differs"
        status, seen = stack.request(f"/api/v1/stock-readings/{reading}")
        assert (status, seen["quantity"], seen["version"]) == (200, len(mine), len(versions)), seen


def main() -> None:
    report.end_on_sigterm()
    with own_stack() as stack:
        # The ports of the nodes follow it, and have to be below those of outgoing connections.
        stack.port = random.randrange(24000, 32000, 100)
        stack.up("--ha", "--instances", 2, "--no-demo")
        cluster = Cluster(stack)
        eventually(cluster.is_complete, "all three nodes run", 120)
        readings = new_readings(stack, READINGS)
        with Workers(stack, readings) as workers:
            workers.await_more(300, 60)
            primary, before = cluster.node("leader"), cluster.timeline()
            killed_at = cluster.kill_with_writes_that_no_standby_has(primary)
            workers.await_more(300, 120)
            failover = workers.pause_after(killed_at)
            successor = cluster.node("leader")
            assert successor != primary
            eventually(cluster.is_complete, f"{primary} has become a standby", 150)
            rewound = "running pg_rewind" in cluster.log(primary)
            assert rewound, f"{primary} became a standby without pg_rewind"
            assert cluster.timeline() > before

            target = cluster.node("sync_standby")
            requested_at = time.monotonic()
            command = ["patronictl", "-c", cluster.home / successor / "patroni.yml", "switchover", "codasync", "--force"]
            subprocess.run([*command, "--master", successor, "--candidate", target], check=True, stdout=subprocess.DEVNULL)
            workers.await_more(300, 120)
            switchover = workers.pause_after(requested_at)
            eventually(lambda: cluster.is_complete() and cluster.node("leader") == target, f"{target} is the primary", 120)
            workers.await_more(100, 60)

            killed_at = time.monotonic()
            orphan = cluster.kill_patroni(target)
            # It has to end before another node becomes the primary.
            eventually(lambda: not orphan.exists(), f"PostgreSQL of {target} ends without Patroni", 10)
            workers.await_more(300, 120)
            unfenced = workers.pause_after(killed_at)
            eventually(cluster.is_complete, f"{target} runs again", 150)
        assert not workers.failures, workers.failures
        assert not workers.old, workers.old[:5]
        compare(stack, workers)
        stack.check_deeply()
        report.checked(f"Patroni, etcd and PostgreSQL on three nodes; {primary} killed (-9, all of it) under load: writes paused {failover:.1f} s")
        report.checked(f"it became a standby with pg_rewind; a switchover to {target} paused writes {switchover:.1f} s")
        report.checked(f"Patroni alone killed on {target}: its PostgreSQL was killed, writes paused {unfenced:.1f} s")
        report.checked(
            f"all {len(workers.acknowledged)} acknowledged writes are in the ledger once, {workers.repeated} attempts were repeated under"
            f" their key, versions without a gap; none of {workers.reads} reads was older than an acknowledged write; codasync check"
            " --deep finds no difference"
        )
        assert failover < PAUSE_SECONDS_MAX, f"writes paused {failover:.1f} s"
        assert switchover < PAUSE_SECONDS_MAX, f"writes paused {switchover:.1f} s"
        assert unfenced < PAUSE_SECONDS_MAX, f"writes paused {unfenced:.1f} s"


if __name__ == "__main__":
    main()
