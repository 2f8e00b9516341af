"""Measures how long the console takes to start in Chromium on a slow network, and hits of the API beside people who open the console.

The hits are measured with and without these people in every round, one after the other. The ratio of the medians counts.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

from databases import database, open_folder, start_postgres
from measure import HERE, WITHOUT_PREEMPTION, Report, Requests, Sample, Series, Target, ratio, rounds, wrk
from options import parser_of, read_options
from processes import ROOT
from served import Served, fill

SCRIPTS = ROOT / ".build/tests/browser"
SETTLE_SECONDS = 1
STARTS = {
    "cold": ("first start: 150 ms latency, 1.6 Mbit/s", 1000),
    "repeat": ("repeated start, the same network", 500),
    "repeat_fast_3g": ("repeated start, the browser's fast 3G", 500),
    "repeat_offline": ("repeated start, no network", 500),
}
FIRST_LOAD_BYTES = 120 * 1024


def arguments() -> argparse.Namespace:
    parser = parser_of("console", __doc__, quick="one short round, one start of each kind", seconds="of each measurement of hits in each round", clients="connections of the hits")
    parser.add_argument("--readings", type=int, default=10_000, help="in the database")
    parser.add_argument("--starts", type=int, default=9, help="of each kind")
    parser.add_argument("--people", type=int, default=20, help="who open the console once a second, each with all of its files")
    options = read_options(parser)
    if options.quick:
        options.starts = 1
    if not (SCRIPTS / "node_modules").exists():
        sys.exit(f"{SCRIPTS} has no browser: build with the tests first (tests/run --fast)")
    return options


def starts(url: str, token: str, number: int) -> dict[str, object]:
    """Returns: what console_speed.mjs measured."""
    done = subprocess.run(["node", SCRIPTS / "console_speed.mjs", url, token, str(number)], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"console_speed.mjs failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


class People:
    """Opens the console beside a measurement."""

    def __init__(self, edge: str, number: int) -> None:
        self.words = [*WITHOUT_PREEMPTION, "/usr/bin/python3", "-B", HERE / "crowd.py", "pages", edge, str(number), "/"]
        self.answered = self.failed = 0

    def beside(self, requests: Requests, options: argparse.Namespace, served: Served) -> Sample:
        with subprocess.Popen(self.words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
            if crowd.stdout.readline() != "ready\n":  # type: ignore[union-attr]
                sys.exit("the people could not connect")
            time.sleep(SETTLE_SECONDS)
            sample = wrk(requests, options.clients, options.seconds, served.processes)
            counts = json.loads(crowd.communicate(timeout=60)[0].splitlines()[-1])
        self.answered += counts["answered"]
        self.failed += counts["failed"]
        return sample


def main() -> None:
    options = arguments()
    processes = open_folder(options.folder, options.workers)
    report = Report("console", {"readings": options.readings, "rounds": options.rounds, "seconds": options.seconds, "clients": options.clients,
                                "starts": options.starts, "people": options.people, "nginx_workers": options.workers, "quick": options.quick})
    try:
        start_postgres(processes)
        served = Served(processes, database(processes, options.readings))
        served.database.warm()
        edge = served.nginx(console=True)
        seen = starts(f"http://{edge}", served.token, options.starts)
        hit = f"http://{edge}{served.readings(1, seed=8)[0].in_shop}"
        fill(hit)
        requests, people = Requests(hit), People(edge, options.people)
        alone = Series("hits alone")
        beside = Series(f"hits beside {options.people} people who open the console each second")
        rounds(options.rounds, [(alone, lambda: wrk(requests, options.clients, options.seconds, processes)),
                                (beside, lambda: people.beside(requests, options, served))])
    finally:
        processes.stop()

    report.add("alone", alone)
    report.add("beside", beside)
    medians = {name: statistics.median(values) for name, values in seen["starts"].items()}  # type: ignore[attr-defined]
    report.more = {"starts_ms": {name: {"what": what, "median": round(medians[name]), "all": [round(ms) for ms in seen["starts"][name]],  # type: ignore[index]
                                        "processor": round(statistics.median(seen["processor"][name]))}  # type: ignore[index]
                                 for name, (what, _) in STARTS.items()},
                   "first_load_bytes": seen["bytes"], "first_load_files": seen["files"],
                   "pages_answered": people.answered, "pages_failed": people.failed}
    report.targets = [*(Target(f"{what}, ms until the console accepts input", medians[name], most, at_most=True) for name, (what, most) in STARTS.items()),
                      Target("first load, KB", seen["bytes"] / 1024, FIRST_LOAD_BYTES / 1024, at_most=True),  # type: ignore[operator]
                      Target("requests of the people that failed, of all", people.failed / max(1, people.answered), 0, at_most=True),
                      Target(f"{beside.what}, of alone", ratio(beside, alone), 0.95)]
    report.print()
    for name, (what, _) in STARTS.items():
        print(f"{what}: of {medians[name]:.0f} ms the main thread of the page ran {report.more['starts_ms'][name]['processor']} ms")  # type: ignore[index]
    report.write(options.out)


if __name__ == "__main__":
    main()
