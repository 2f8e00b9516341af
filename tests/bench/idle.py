"""Measures the start of the service, its memory without load, and a load beside idle clients and beside slow readers and writers.

The load is measured alone and beside each crowd in every round, one after the other. The ratios of the medians count.
"""

import argparse
import http.client
import json
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from databases import database, open_folder, start_postgres
from measure import HERE, WITHOUT_PREEMPTION, Report, Requests, Sample, Series, Target, ratio, wrk
from options import parser_of, read_options
from processes import Processes, free_port
from served import API, Served, fill

STARTS = 11
SLOW = 200  # readers, and as many writers
LONG_LIST = f"{API}/products?limit=1000"  # from the cache: its cost is that of sending
SETTLE_SECONDS = 3  # the first requests of a crowd arrive all at once, which is another load than slow clients
# The default allows 10,000 connections; here the load needs some more.
SETTINGS = "[server]\nconnections_max = 12000\n"
CROWDS = {"alone": "alone", "idle": "beside {idle:,} idle clients", "slow": "beside {slow} slow readers and {slow} slow writers"}


def arguments() -> argparse.Namespace:
    parser = parser_of(
        "idle", __doc__, quick="one short round with fewer clients", seconds="of each measurement in each round", clients="connections of the load"
    )
    parser.add_argument("--readings", type=int, default=10_000, help="in the database")
    parser.add_argument("--idle", type=int, default=9_900, help="idle clients of Nginx, and as many of the service")
    options = read_options(parser)
    if options.quick:
        options.idle = 1_000
    return options


def start_once(processes: Processes, served: Served) -> tuple[float, float, float]:
    """Returns: seconds from the start of a process until /readyz is 200; its resident memory and its share of memory (PSS) 3 s later, in MB."""
    direct = f"127.0.0.1:{free_port()}"
    file = processes.folder / "start.toml"
    file.write_text(served.database.settings(served.cache))
    processes.give_away(file)
    started = time.monotonic()
    processes.start("start", processes.program / "api/codasync", "serve", "--config", file, CODASYNC_SERVER_LISTEN=direct)
    while not is_ready(direct):
        if time.monotonic() - started > 30:
            raise SystemExit("the service is not ready after 30 s")
        time.sleep(0.002)
    seconds = time.monotonic() - started
    time.sleep(3)
    status = Path(f"/proc/{processes.started['start'].pid}/status").read_text()
    resident = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
    shared = processes.memory_megabytes("start")
    processes.stop("start")
    return seconds, resident, shared


def is_ready(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Loads:
    """The loads, and the crowds beside them."""

    def __init__(self, served: Served, options: argparse.Namespace) -> None:
        self.served, self.options = served, options
        self.edge = edge = served.nginx()
        some = served.readings(2_000, seed=8)
        self.path = some[0].in_shop
        fill(f"http://{edge}{self.path}")
        fill(f"http://{edge}{LONG_LIST}")
        # All crowds write the last reading, and the load the others.
        self.slow_write = f"{some[-1].path}/adjust"
        writes = served.file("writes", [f'{reading.path}/adjust {{"delta":1}}' for reading in some[1:-1]])
        self.requests = {
            "nginx": ("hits through Nginx", Requests(f"http://{edge}{self.path}")),
            "service": ("hits in the service", Requests(f"http://{served.direct}{self.path}")),
            "writes": ("writes through Nginx", Requests(f"http://{edge}", writes, again=True, token=served.token)),
        }
        self.series = {f"{load} {crowd}": Series(f"{what}, {text.format(idle=options.idle, slow=SLOW)}")
                       for load, (what, _) in self.requests.items() for crowd, text in CROWDS.items()}
        self.counts: dict[str, list[dict[str, int]]] = {"idle": [], "slow": []}

    def crowds(self, crowd: str) -> list[tuple[str, ...]]:
        """Returns: the arguments of crowd.py."""
        servers = (self.edge, self.served.direct)
        if crowd == "idle":
            return [("idle", server, str(self.options.idle), self.path) for server in servers]
        if crowd == "slow":
            return [words for server in servers for words in (
                ("readers", server, str(SLOW // 2), LONG_LIST),
                ("writers", server, str(SLOW // 2), self.slow_write, self.served.token))]
        return []

    @contextmanager
    def beside(self, crowd: str) -> Iterator[None]:
        running = [subprocess.Popen([*WITHOUT_PREEMPTION, "/usr/bin/python3", "-B", HERE / "crowd.py", *words], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE) for words in self.crowds(crowd)]
        try:
            for process in running:
                if process.stdout.readline() != "ready\n":  # type: ignore[union-attr]
                    raise SystemExit("a crowd could not connect")
            time.sleep(SETTLE_SECONDS)
            yield
        finally:
            for process in running:
                printed = process.communicate(timeout=120)[0]
                self.counts.setdefault(crowd, []).append(json.loads(printed.splitlines()[-1]))

    def round(self) -> None:
        for crowd in CROWDS:
            with self.beside(crowd):
                for load, (_, requests) in self.requests.items():
                    self.series[f"{load} {crowd}"].samples.append(self.measure(requests))

    def measure(self, requests: Requests) -> Sample:
        return wrk(requests, self.options.clients, self.options.seconds, self.served.processes)


def main() -> None:
    options = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # as config/up does; the servers inherit it
    processes = open_folder(options.folder, options.workers)
    report = Report("idle", {"readings": options.readings, "rounds": options.rounds, "seconds": options.seconds, "clients": options.clients,
                             "idle": options.idle, "slow": SLOW, "nginx_workers": options.workers, "quick": options.quick})
    try:
        start_postgres(processes)
        served = Served(processes, database(processes, options.readings), more=SETTINGS)
        served.database.warm()
        starts = [start_once(processes, served) for _ in range(3 if options.quick else STARTS)]
        loads = Loads(served, options)
        for each in range(options.rounds):
            print(f"round {each + 1} of {options.rounds}", flush=True)
            loads.round()
    finally:
        processes.stop()

    for name, series in loads.series.items():
        report.add(name, series)
    ready, resident, shared = (statistics.median(values) for values in zip(*starts, strict=True))
    answered = {crowd: sum(count["answered"] for count in counts) for crowd, counts in loads.counts.items()}
    failed = {crowd: sum(count["failed"] for count in counts) for crowd, counts in loads.counts.items()}
    report.more = {"ready_s": round(ready, 3), "ready_longest_s": round(max(start[0] for start in starts), 3), "resident_mb": round(resident, 1),
                   "pss_mb": round(shared, 1), "crowd_answered": answered, "crowd_failed": failed}
    report.targets = [Target("seconds from the start until ready", ready, 0.5, at_most=True),
                      Target("resident memory of an idle process, MB", resident, 30, at_most=True),
                      Target("idle clients that got their last answer, of all", answered["idle"] / max(1, answered["idle"] + failed["idle"]), 1),
                      Target("responses to slow clients that were errors, of all", failed["slow"] / max(1, answered["slow"] + failed["slow"]), 0, at_most=True)]
    for load, (what, _) in loads.requests.items():
        for crowd in ("idle", "slow"):
            text = CROWDS[crowd].format(idle=options.idle, slow=SLOW)
            report.targets.append(Target(f"{what} {text}, of alone", ratio(loads.series[f"{load} {crowd}"], loads.series[f"{load} alone"]), 0.95))
    report.print()
    print(f"\nlongest start {report.more['ready_longest_s']} s; PSS {report.more['pss_mb']} MB; crowds: answered {answered}, failed {failed}")
    report.write(options.out)


if __name__ == "__main__":
    main()
