"""Measures how many codes one core parses in a second, and POST /scan beside POST /stock-readings.

The requests go through Nginx and write different readings: scans of a pack with a GTIN and a date, plain recordings of the same date, and dry
runs of the scans, which write nothing. The variants alternate; the ratios of the medians count.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys

from databases import database, open_folder, start_postgres
from measure import Report, Requests, Series, Target, ratio, rounds, wrk
from options import parser_of, read_options
from processes import ROOT, Processes
from served import API, Reading, Served

PARSER = ROOT / ".build/tests/bench/parse_codes"
PARSES_REQUIRED = 1_000_000  # a second
DATE = "2027-01-31"


def arguments() -> argparse.Namespace:
    parser = parser_of("scan", __doc__, quick="one short round", seconds="of each variant in each round", clients="connections of each variant")
    parser.add_argument("--readings", type=int, default=10_000, help="in the database")
    options = read_options(parser)
    if not PARSER.exists():
        sys.exit(f"{PARSER} is missing: build with the tests (tests/run --fast)")
    return options


def parse_rates(repetitions: int) -> dict[str, float]:
    """Returns: for each kind of code how many one core parses in a second; medians."""
    rates: dict[str, list[float]] = {}
    for _ in range(repetitions):
        printed = subprocess.run([PARSER], check=True, capture_output=True, text=True).stdout
        for name, rate in re.findall(r"^(\S.*?)  +(\d+) ", printed, re.MULTILINE):
            rates.setdefault(name, []).append(float(rate))
    return {name: statistics.median(each) for name, each in rates.items()}


class Scans:
    """The variants and their requests."""

    def __init__(self, processes: Processes, options: argparse.Namespace) -> None:
        self.options, self.processes = options, processes
        served = Served(processes, database(processes, options.readings))
        served.database.warm()
        edge = f"http://{served.nginx()}"
        some = served.readings(2_000, seed=9)

        def variant(name: str, path: str, body: str) -> Requests:
            return Requests(edge, served.file(name, [f"{API}{path} {body_of(reading, body)}" for reading in some]), again=True, token=served.token)

        self.variants = {
            "record": ("POST /stock-readings", variant("record", "/stock-readings", "record")),
            "scan": ("POST /scan", variant("scan", "/scan", "scan")),
            "dry_run": ("POST /scan, dry run", variant("dry_run", "/scan", "dry_run")),
        }
        self.series = {name: Series(what) for name, (what, _) in self.variants.items()}

    def measure(self) -> None:
        rounds(self.options.rounds, [(self.series[name], lambda requests=requests: wrk(requests, self.options.clients, self.options.seconds, self.processes))
                                     for name, (_, requests) in self.variants.items()])


def body_of(reading: Reading, variant: str) -> str:
    if variant == "record":
        return json.dumps({"shop": reading.shop, "GTIN": reading.gtin.zfill(13), "expiry_date": DATE, "date_kind": "use_by"})
    pack = f"]d201{reading.gtin.zfill(14)}17{DATE[2:].replace('-', '')}10ABC123\x1d2177"
    return json.dumps({"shop": reading.shop, "codes": [pack]} | ({"dry_run": True} if variant == "dry_run" else {}))


def main() -> None:
    options = arguments()
    parses = parse_rates(1 if options.quick else options.rounds)
    processes = open_folder(options.folder, options.workers)
    report = Report("scan", {"readings": options.readings, "rounds": options.rounds, "seconds": options.seconds, "clients": options.clients,
                             "nginx_workers": options.workers, "quick": options.quick})
    try:
        start_postgres(processes)
        scans = Scans(processes, options)
        scans.measure()
    finally:
        processes.stop()
    for name, series in scans.series.items():
        report.add(name, series)
    report.more = {"parses_per_second": {name: round(rate) for name, rate in parses.items()}}
    slowest = min(parses, key=lambda name: parses[name])
    report.targets = [Target(f"codes that one core parses in a second, slowest kind: {slowest}, millions", parses[slowest] / 1e6, PARSES_REQUIRED / 1e6),
                      Target("POST /scan, of the same recordings", ratio(scans.series["scan"], scans.series["record"]), 0.85)]
    report.print()
    for name, rate in parses.items():
        print(f"{name:30}{rate:14,.0f} codes/s")
    report.write(options.out)


if __name__ == "__main__":
    main()
