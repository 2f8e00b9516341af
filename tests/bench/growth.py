"""Measures the same reads and writes on databases of different sizes, and the slowest answers of every public read on the largest one.

All sizes are measured in every round, one after the other. The ratios of the medians of the largest and the smallest size count.
"""

import argparse
import datetime
import random
import re
import sys
import urllib.error

from databases import database, open_folder, start_postgres
from measure import Report, Requests, Sample, Series, Target, ratio, rounds, wrk
from options import parser_of, read_options
from processes import Processes
from served import API, Reading, Served, fetch, fill

# The thousandth page has to exist in the smallest database, of which a fiftieth is removed.
SMALL_PAGE = 9
THOUSANDTH = 1000
READERS = 8  # of lists: as many as the service's connections for reads
WRITERS = 256
PUBLIC_CLIENTS = 4
VARIANTS = 200  # of a read, with other shops, products, words, days
ORDERS = {"id": "", "date": "ordering=expiry_date&"}


def arguments() -> argparse.Namespace:
    parser = parser_of(
        "growth", __doc__, quick="one short round on 10,000 and 20,000 readings", seconds="of each measurement in each round", clients="connections of hits and misses"
    )
    parser.add_argument("--sizes", type=lambda text: sorted(map(int, text.split(","))), default=[10_000, 1_000_000, 10_000_000],
                        help="readings of the databases, with commas")
    options = read_options(parser)
    if options.quick:
        options.sizes = [10_000, 20_000]
    return options


def next_page(headers: dict[str, str]) -> str:
    """Returns: the address of the next page; empty after the last one."""
    found = re.search(r'<([^>]+)>; *rel="next"', headers.get("Link", ""))
    return found[1] if found else ""


def thousandth(server: str, list_: str) -> str:
    """Returns: the address of the thousandth small page of a list, found by reading the rows before it in large pages."""
    large = THOUSANDTH - 1
    path = f"{list_}limit={large}"
    for _ in range(SMALL_PAGE):
        path = next_page(fetch(f"http://{server}{path}")[1])
        if not path:
            sys.exit(f"{list_} has fewer than {THOUSANDTH} pages")
    return path.replace(f"limit={large}", f"limit={SMALL_PAGE}")


class Size:
    """The processes and requests of one size."""

    def __init__(self, processes: Processes, readings: int, options: argparse.Namespace) -> None:
        self.options, self.processes, self.readings = options, processes, readings
        self.served = served = Served(processes, database(processes, readings), f"-{readings}")
        served.database.warm()
        self.edge = edge = served.nginx()
        self.addresses = min(readings, 120_000)
        some = served.readings(self.addresses, seed=5)
        fill(f"http://{edge}{some[0].in_shop}")
        self.misses = Requests(f"http://{served.direct}", served.file("misses", [reading.in_shop for reading in some]))
        writes = served.file("writes", [f'{reading.path}/adjust {{"delta":1}}' for reading in some])
        self.parts: dict[str, tuple[str, Requests, int]] = {
            "hit": ("hit through Nginx", Requests(f"http://{edge}{some[0].in_shop}"), options.clients),
            "miss": ("cold miss", self.misses, options.clients),
            "write": ("spread writes", Requests(f"http://{edge}", writes, again=True, token=served.token), WRITERS),
        }
        for order, parameter in ORDERS.items():
            first = f"{API}/stock-readings?{parameter}limit={SMALL_PAGE}"
            last = thousandth(served.uncached, f"{API}/stock-readings?{parameter}")
            self.parts[f"first_by_{order}"] = (f"first page by {order}", Requests(f"http://{served.uncached}{first}"), READERS)
            self.parts[f"thousandth_by_{order}"] = (f"thousandth page by {order}", Requests(f"http://{served.uncached}{last}"), READERS)
        self.series = {name: Series(f"{readings:,} readings: {what}") for name, (what, _, _) in self.parts.items()}

    def measure(self, name: str) -> Sample:
        _, requests, clients = self.parts[name]
        if name == "miss":
            # A run reads more than there are addresses: the cache is emptied instead.
            self.served.empty_cache()
            requests.sent = 0 if requests.sent * 2 > self.addresses else requests.sent
        return wrk(requests, clients, self.options.seconds, self.processes)


def public_reads(some: list[Reading], today: datetime.date, chance: random.Random) -> dict[str, list[str]]:
    """Returns: every public read as its addresses; lists with the filters and orders of consoles and storefronts."""

    def of(make: str, number: int = VARIANTS) -> list[str]:
        made = []
        for _ in range(number):
            one, page = chance.choice(some), chance.sample(some, min(24, len(some)))
            day = today - datetime.timedelta(days=chance.randrange(-60, 60))
            made.append(API + make.format(
                id=one.id, shop=one.shop, gtin=one.gtin, page=",".join(reading.gtin for reading in page), category=f"Category%20{chance.randrange(60)}",
                brand=f"Brand%20{chance.randrange(400)}", word=chance.choice(("tea", "bread", "milk", "cheese", "pasta", "soup")),
                number=chance.randrange(100_000), day=day.isoformat(), moment=f"{day - datetime.timedelta(days=100)}T00:00:00Z"))
        return made

    readings = ("", "shop={shop}", "GTIN={gtin}", "shop={shop}&GTIN={page}", "category={category}", "shop={shop}&category={category}",
                "expires_before={day}", "shop={shop}&expires_before={day}", "expires_after={day}", "shop={shop}&expires_after={day}",
                "expired=true", "shop={shop}&expired=true", "expired=false", "shop={shop}&expired=false",
                "in_stock=true", "shop={shop}&in_stock=true", "in_stock=false", "shop={shop}&in_stock=false",
                "available=true", "shop={shop}&available=true", "available=false", "shop={shop}&available=false",
                "not_checked_since={moment}", "shop={shop}&not_checked_since={moment}",
                "ordering=expiry_date", "shop={shop}&ordering=expiry_date", "ordering=-expiry_date", "shop={shop}&ordering=-expiry_date",
                "ordering=name", "shop={shop}&ordering=name", "shop={shop}&ordering=-updated_at",
                "shop={shop}&expired=true&ordering=expiry_date", "shop={shop}&category={category}&available=true")
    products = ("", "GTIN={page}", "search={word}", "search={word}%20{number}", "search={gtin}", "category={category}", "brand={brand}",
                "category={category}&search={word}")
    single = ("/shops", "/shops/{shop}", "/products/{gtin}", "/products/{gtin}/stock", "/products/{gtin}/stock?in_stock=true",
              "/shops/{shop}/stock?GTIN={page}", "/shops/{shop}/stock/{gtin}", "/stock-readings/{id}", "/categories", "/brands",
              "/shops/{shop}/work-list", "/changes?shop={shop}", "/overview?shop={shop}")
    addresses = [*single, *(f"/products?{query}".rstrip("?") for query in products), *(f"/stock-readings?{query}".rstrip("?") for query in readings)]
    return {address: of(address) for address in addresses}


def measure_public(size: Size, report: Report) -> dict[str, float]:
    """Measures every public read without a cache. Returns: the p99 in ms of those that are not refused."""
    served = size.served
    some = served.readings(VARIANTS, seed=6)
    slowest: dict[str, float] = {}
    refused: dict[str, str] = {}
    reads = list(public_reads(some, datetime.date.today(), random.Random(7)).items())
    for number, (address, paths) in enumerate(reads[:: 7 if size.options.quick else 1]):
        try:
            fetch(f"http://{served.uncached}{paths[0]}")
        except urllib.error.HTTPError as error:
            refused[address] = f"{error.code}"
            continue
        requests = Requests(f"http://{served.uncached}", served.file(f"public-{number}", paths), again=True)
        series = Series(f"{address}")
        # The first use of a page of shared memory by a session takes ten times as long as the next one: it is not measured.
        wrk(requests, PUBLIC_CLIENTS, size.options.seconds, size.processes, allowed_errors=1.0)
        # A read that exceeds statement_timeout is 503: it counts as slow, not as an error of the benchmark.
        series.samples.append(wrk(requests, PUBLIC_CLIENTS, size.options.seconds, size.processes, allowed_errors=1.0))
        sample = series.samples[0]
        slowest[address] = sample.p99_ms
        if sample.errors:
            refused[address] = f"{sample.errors} of {sample.requests} responses were errors"
            slowest[address] = max(sample.p99_ms, sample.max_ms)
        report.add(f"public {address}", series)
    report.more = {"public_p99_ms": slowest, "public_refused": refused}
    return slowest


def main() -> None:
    options = arguments()
    processes = open_folder(options.folder, options.workers)
    report = Report("growth", {"sizes": options.sizes, "rounds": options.rounds, "seconds": options.seconds, "clients": options.clients,
                               "writers": WRITERS, "list_clients": READERS, "page": SMALL_PAGE, "nginx_workers": options.workers, "quick": options.quick})
    try:
        start_postgres(processes)
        sizes = [Size(processes, readings, options) for readings in options.sizes]
        # One part after the other, each on all sizes: sizes that are compared are measured within seconds.
        parts = [(size.series[name], lambda size=size, name=name: size.measure(name)) for name in sizes[0].parts for size in sizes]
        rounds(options.rounds, parts)
        for name in sizes[0].parts:
            for size in sizes:
                report.add(f"{name} {size.readings}", size.series[name])
        slowest = measure_public(sizes[-1], report)
        report.more["memory_mb"] = {name: round(processes.memory_megabytes(name), 1) for name in processes.started}
    finally:
        processes.stop()

    small, large = sizes[0], sizes[-1]
    for name, required in {"hit": 0.97, "miss": 0.8, "write": 0.75}.items():
        report.targets.append(Target(f"{large.parts[name][0]}: rate of the largest, of the smallest", ratio(large.series[name], small.series[name]), required))
    for name in large.parts:
        if name.startswith(("first", "thousandth")):
            report.targets.append(Target(f"{large.parts[name][0]}: rate of the largest, of the smallest", ratio(large.series[name], small.series[name]), 0.8))
    for order in ORDERS:
        value = ratio(large.series[f"thousandth_by_{order}"], large.series[f"first_by_{order}"])
        report.targets.append(Target(f"thousandth page by {order}, of the first one", value, 0.8))
    worst = max(slowest, key=lambda address: slowest[address])
    report.targets.append(Target(f"p99 of the slowest public read, {worst}, ms", slowest[worst], 100, at_most=True))
    report.targets.append(Target("part of the public reads with a p99 within 20 ms", sum(ms <= 20 for ms in slowest.values()) / len(slowest), 0.5))
    report.print()
    for address, why in report.more["public_refused"].items():  # type: ignore[attr-defined]
        print(f"refused: {address}: {why}")
    report.write(options.out)


if __name__ == "__main__":
    main()
