#!/usr/bin/python3
"""config/up --prometheus --pgbouncer: Debian's Prometheus scrapes all targets, every rule and panel has data, an alert fires."""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from report import checked, end_on_sigterm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import monitoring
from stack import Stack, eventually, own_stack

GTIN = "4006381333931"


def promtool(*words: object, text: str = "") -> str:
    # It makes a database for each unit test; in memory it does not wait for the disk.
    in_memory = os.environ | {"TMPDIR": "/dev/shm"}
    done = subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True, text=True, timeout=300, env=in_memory)
    assert done.returncode == 0, f"promtool {words}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_files() -> None:
    promtool("check", "config", monitoring.file("prometheus.yml"))
    promtool("check", "rules", monitoring.file("recording.yml"), monitoring.file("alerts.yml"))
    promtool("test", "rules", monitoring.file("alerts_test.yml"))
    checked(f"promtool: {len(monitoring.rules('alerts.yml', 'alert'))} alerts and their unit tests, {len(monitoring.rules('recording.yml', 'record'))} recording rules")


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as response:
            return json.load(response)["data"]

    def query(self, query: str) -> list[Any]:
        return list(self.get("query", query=query)["result"])

    def targets(self) -> dict[str, list[str]]:
        """Returns: the state of each target, by job."""
        found: dict[str, list[str]] = {}
        for target in self.get("targets")["activeTargets"]:
            found.setdefault(target["labels"]["job"], []).append(target["health"])
        return found


def check_targets(prometheus: Prometheus) -> None:
    wanted = {"codasync": ["up", "up"], "nginx": ["up"], "pgbouncer": ["up"], "postgres": ["up"]}
    eventually(lambda: prometheus.targets() == wanted, "all targets are up", 90)
    for name in ("pg_up", "nginx_up", "pgbouncer_up"):
        eventually(lambda: [row["value"][1] for row in prometheus.query(name)] == ["1"], f"{name} is 1", 60)
    checked("Prometheus scrapes 2 instances and the exporters of PostgreSQL, PgBouncer and Nginx: all up, and each reaches its server")


def traffic(stack: Stack, round_: int) -> None:
    env = stack.env()
    draft = {"shop": 1, "GTIN": GTIN, "name": "Green tea", "quantity": round_}
    status, _ = stack.request("/api/v1/stock-readings/", draft, env["CODASYNC_STAFF_TOKEN"])
    assert status in (200, 201), status
    for base in env["CODASYNC_INSTANCES"].split(","):
        for path in (f"/api/v1/products/{GTIN}", "/api/v1/shops/", "/api/v1/stock-readings/?shop=1"):
            assert stack.request(path, base=base)[0] == 200, path


def check_queries(prometheus: Prometheus, stack: Stack) -> None:
    """Every recording rule and panel has data after two scrapes with some traffic."""
    queries = [name for name in monitoring.rules("recording.yml", "record")]
    queries += [query for panel in monitoring.panel_queries().values() for query in panel]
    without_data: list[str] = []
    rounds = 0

    def all_have_data() -> bool:
        nonlocal without_data, rounds
        rounds += 1
        traffic(stack, rounds)
        without_data = [query for query in without_data or queries if not prometheus.query(query)]
        return not without_data

    try:
        eventually(all_have_data, "every query has data", 180)
    except AssertionError as error:
        raise AssertionError(f"{error}: {without_data}") from None
    # The metrics of alerts exist too, although no alert fires.
    existing = {name for name in prometheus.get("label/__name__/values")}
    assert monitoring.missing(existing, ("codasync_", "process_", "pg_", "pgbouncer_", "nginx_")) == []
    checked(f"{len(queries)} queries of recording rules and dashboard panels: each has data of the running stack")

    groups = prometheus.get("rules")["groups"]
    assert all(rule["health"] == "ok" for group in groups for rule in group["rules"]), groups
    firing = [alert for alert in prometheus.get("alerts")["alerts"] if alert["state"] == "firing"]
    assert not firing, firing


def check_metrics(stack: Stack) -> None:
    direct = stack.env()["CODASYNC_INSTANCES"].split(",")[0]
    status, text = stack.request("/metrics", base=direct)
    assert status == 200
    promtool("check", "metrics", text=text)
    assert stack.request("/metrics")[0] == 404
    checked(f"/metrics of an instance: {len(monitoring.sample_names(text))} names, promtool's lint has no finding; 404 through Nginx")


def check_alert(prometheus: Prometheus, stack: Stack) -> None:
    """A Memcached that hangs: its alert fires with the slot, and ends afterwards."""

    def state() -> list[str]:
        return [alert["state"] for alert in prometheus.get("alerts")["alerts"] if alert["labels"]["alertname"] == "MemcachedDown"]

    memcached = stack.pid_of("memcached")
    os.kill(memcached, signal.SIGSTOP)
    try:
        eventually(lambda: state() == ["firing"], "MemcachedDown fires", 180)
    finally:
        os.kill(memcached, signal.SIGCONT)
    eventually(lambda: state() == [], "MemcachedDown ends", 120)
    checked("Memcached was stopped with SIGSTOP: MemcachedDown fired after a minute, and ended after SIGCONT")


def check_stack(stack: Stack) -> None:
    stack.up("--no-demo", "--instances", 2, "--pgbouncer", "--prometheus")
    assert stack.request("/api/v1/shops/", {"name": "North"}, stack.env()["CODASYNC_ADMIN_TOKEN"])[0] == 201
    prometheus = Prometheus(stack.env()["CODASYNC_PROMETHEUS_URL"])
    check_targets(prometheus)
    check_queries(prometheus, stack)
    check_metrics(stack)
    check_alert(prometheus, stack)


def main() -> None:
    end_on_sigterm()
    check_files()
    with own_stack() as stack:
        try:
            check_stack(stack)
        except BaseException:
            if (stack.folder / "logs").is_dir():
                print(stack.log())
            raise


if __name__ == "__main__":
    main()
