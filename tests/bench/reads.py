"""Measures what a read costs on each path: a file, a hit in Nginx, in the service and in Varnish, pages, lists, misses, and a mix.

All paths are measured in every round, one after the other, so that a noisy machine affects all of them. The ratios of the medians count.
"""

import argparse
import random
import re
import time
from pathlib import Path

from databases import PROGRAMS, database, open_folder, start_postgres
from measure import Report, Requests, Sample, Series, Target, ratio, rounds, wrk
from options import parser_of, read_options
from processes import Processes
from served import API, Reading, Served, fetch, fill, zipf

PAGE = 24  # products on a page of a storefront
PAGES = 200  # different ones
MIX_PRODUCTS = 100_000
MIX_WRITES = 0.05

# The fastest configuration of Nginx for a short file (sendfile costs one more packet), with the headers of the response.
STATIC = """
location = /static {{
  alias {file};
  sendfile off;
  open_file_cache max=16;
  open_file_cache_valid 60s;
  default_type application/json;
  etag off;
  max_ranges 0;
  add_header Last-Modified "";
  add_header ETag '{etag}';
  add_header Cache-Control no-cache;
  add_header X-Request-Id $codasync_request_id always;
  add_header X-Content-Type-Options nosniff always;
}}
"""

# The least that answers a read of one reading: one statement without a transaction block and without locks.
BARE = """
\\set i random(1, {keys})
select shop_id, gtin from bench_keys where i = :i \\gset
select r.id, r.shop_id, r.gtin, r.expiry_date - date '1970-01-01', r.date_kind, r.quantity, r.version, micros_of(r.observed_at),
  micros_of(r.updated_at), micros_of(r.looked_at), case when r.quantity is not null then micros_of(r.quantity_since) end,
  micros_of(end_of_day(r.expiry_date, s.time_zone)), micros_of(now()), p.name, p.version as bench_bare
  from stock_readings r join products p using (gtin) join shops s on s.id = r.shop_id
 where r.shop_id = :shop_id and r.gtin = :gtin and r.present;
"""
MISSES = ("miss", "uncached")  # the names of the paths that read PostgreSQL
BARE_CLIENTS = 8  # as many connections as the service has for reads
COLD_PER_SECOND = 30_000  # keys of each kind of miss; two quiet cores use up to 25,000


def arguments() -> argparse.Namespace:
    parser = parser_of(
        "reads", __doc__, quick="one short round on 10,000 readings", seconds="of each path in each round", clients="connections that send requests without a pause"
    )
    parser.add_argument("--readings", type=int, default=10_000_000, help="in the database")
    options = read_options(parser)
    if options.quick:
        options.readings = 10_000
    return options


class Statements:
    """PostgreSQL's own times of the statements of the service's role: planning and execution."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.us: dict[str, list[float]] = {}

    def measured(self, name: str, run: Sample) -> None:
        spent = self.served.database.sql(
            "select coalesce(sum(total_plan_time + total_exec_time), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid"
            " where d.datname = current_database() and s.userid = 'codasync_service'::regrole")
        self.us.setdefault(name, []).append(1000 * float(spent) / run.requests)

    def reset(self) -> None:
        self.served.database.sql("select pg_stat_statements_reset()")

    def bare(self, name: str, clients: int, seconds: float) -> None:
        """Measures the bare statement with pgbench and unnamed statements, as the service sends its own."""
        database = self.served.database
        script = self.served.processes.folder / "bare.sql"
        script.write_text(BARE.format(keys=database.sql("select count(*) from bench_keys")))
        self.reset()
        self.served.processes.run(PROGRAMS / "pgbench", "-n", "-M", "extended", "-c", clients, "-j", 1, "-T", max(1, round(seconds)),
                                  "-f", script, database.url)
        found = database.sql("select 1000 * sum(total_plan_time + total_exec_time) / sum(calls) from pg_stat_statements where query like '%bench_bare%'")
        self.us.setdefault(name, []).append(float(found))

    def median(self, name: str) -> float:
        return sorted(self.us[name])[len(self.us[name]) // 2]


def hits_of(log: Path, start: int) -> float:
    """Returns: the part of the look-ups of Nginx that were hits, in the log from this byte."""
    time.sleep(1.2)  # Nginx writes its log once a second
    with open(log, "rb") as file:
        file.seek(start)
        found = re.findall(rb'"cache":"(hit|miss)"', file.read())
    return found.count(b"hit") / max(1, len(found))


class Reads:
    """The paths and their requests."""

    def __init__(self, processes: Processes, options: argparse.Namespace) -> None:
        self.options = options
        self.served = served = Served(processes, database(processes, options.readings))
        self.processes = processes
        self.statements = Statements(served)
        served.database.warm()

        mixed = served.of_largest_shops(MIX_PRODUCTS)
        self.mix_products = len(mixed)
        random.Random(1).shuffle(mixed)
        self.one = one = mixed[0]
        shop = [reading for reading in mixed if reading.shop == one.shop]
        body, headers = fetch(f"http://{served.direct}{one.in_shop}")
        static = processes.folder / "reading.json"
        static.write_bytes(body)
        self.edge = edge = served.nginx(STATIC.format(file=static, etag=headers["ETag"]))
        self.varnish = processes.varnish("varnish", served.service)
        self.log = processes.folder / "nginx/access.log"

        self.product = f"{API}/products/{one.gtin}"
        self.list = f"{API}/stock-readings?shop={one.shop}&limit=100"
        bodies = {fill(url)[0] for url in (f"http://{edge}/static", f"http://{edge}{one.in_shop}", f"http://{served.direct}{one.in_shop}",
                                          f"http://{served.uncached}{one.in_shop}", f"http://{self.varnish}{one.in_shop}")}
        if len(bodies) != 1:
            raise SystemExit(f"the paths return different bodies: {bodies}")
        etag = fill(f"http://{edge}{self.product}")[1]["ETag"]
        fill(f"http://{edge}{self.list}")

        chance = random.Random(2)
        choose = [chance.sample(shop[:1000], min(PAGE, len(shop))) for _ in range(PAGES)]
        pages = [f"{API}/shops/{one.shop}/stock?GTIN={','.join(reading.gtin for reading in each)}" for each in choose]
        self.pages = [f"http://{edge}{page}" for page in pages]
        self.page_products = len(choose[0])

        needed = round(COLD_PER_SECOND * options.rounds * options.seconds)
        cold = served.readings(2 * needed + needed // 4, seed=3)
        part = len(cold) * 4 // 9
        in_shop = served.file("cold-in-shop", [reading.in_shop for reading in cold[:part]])
        by_id = served.file("cold-by-id", [reading.path for reading in cold[part:2 * part]])
        alone = served.file("cold-alone", [reading.in_shop for reading in cold[2 * part:]])
        self.keys(cold[:part])

        sequence = zipf(len(mixed), round(40_000 * options.seconds * (options.rounds + 3)), seed=4)
        lines = [f'{mixed[index].path}/adjust {{"delta":1}}' if chance.random() < MIX_WRITES else mixed[index].in_shop for index in sequence]
        self.mix = Requests(f"http://{edge}", served.file("mix", lines), token=served.token)
        self.hits: list[float] = []

        url = f"http://{edge}{one.in_shop}"
        self.paths: dict[str, tuple[str, Requests]] = {
            "file": ("Nginx, a file of the same bytes", Requests(f"http://{edge}/static")),
            "product": ("Nginx, a cached product", Requests(f"http://{edge}{self.product}")),
            "reading": ("Nginx, a cached reading", Requests(url)),
            "not_modified": ("Nginx, 304 for a cached product", Requests(f"http://{edge}{self.product}", headers=(f"If-None-Match: {etag}",))),
            "varnish": ("Varnish, the same reading", Requests(f"http://{self.varnish}{one.in_shop}")),
            "service": ("the service, the same reading from Memcached", Requests(f"http://{served.direct}{one.in_shop}")),
            "page": (f"through Nginx, a page of {self.page_products} products", Requests(f"http://{edge}", served.file("pages", pages), again=True)),
            "list": ("through Nginx, a cached list of 100", Requests(f"http://{edge}{self.list}")),
            "miss": ("the service, a cold miss by shop and GTIN", Requests(f"http://{served.direct}", in_shop)),
            "uncached": ("a service without a cache, the same reads", Requests(f"http://{served.uncached}", in_shop)),
            "miss_by_id": ("the service, a cold miss by id", Requests(f"http://{served.direct}", by_id)),
            "uncached_by_id": ("a service without a cache, the same reads by id", Requests(f"http://{served.uncached}", by_id)),
            "miss_alone": ("the service, a cold miss of a single client", Requests(f"http://{served.direct}", alone)),
            "uncached_alone": ("a service without a cache, the same reads", Requests(f"http://{served.uncached}", alone)),
        }
        self.series = {name: Series(what) for name, (what, _) in self.paths.items()}
        self.series["mix"] = Series(f"through Nginx, Zipf mix of {self.mix_products:,} readings, {MIX_WRITES:.0%} writes")

    def keys(self, readings: list[Reading]) -> None:
        """Makes the table of the keys with which the bare statement runs."""
        rows = "\n".join(f"{number}\t{reading.shop}\t{reading.gtin}" for number, reading in enumerate(readings, 1))
        self.served.database.sql("drop table if exists bench_keys; create table bench_keys (i int primary key, shop_id bigint, gtin bigint);"
                                 f"grant select on bench_keys to codasync_service;copy bench_keys from stdin;\n{rows}\n\\.\nvacuum analyze bench_keys")

    def measure(self, name: str) -> Sample:
        options, requests = self.options, self.paths[name][1]
        if name == "page":
            for page in self.pages:  # the mix has changed some of their readings
                fetch(page)
        if name.startswith(MISSES):
            self.statements.reset()
        sample = wrk(requests, 1 if name.endswith("_alone") else options.clients, options.seconds, self.processes)
        if name.startswith(MISSES):
            self.statements.measured(name, sample)
        return sample

    def measure_mix(self) -> Sample:
        time.sleep(1.2)
        start = self.log.stat().st_size
        sample = wrk(self.mix, self.options.clients, self.options.seconds, self.processes)
        self.hits.append(hits_of(self.log, start))
        self.statements.bare("bare", BARE_CLIENTS, self.options.seconds / 2)
        self.statements.bare("bare_alone", 1, self.options.seconds / 2)
        time.sleep(1)  # PostgreSQL is idle before the next round begins
        return sample

    def run(self) -> None:
        wrk(self.mix, self.options.clients, 2 * self.options.seconds, self.processes)  # so that the rounds start with a filled cache
        parts = [(self.series[name], lambda name=name: self.measure(name)) for name in self.paths]
        rounds(self.options.rounds, [*parts, (self.series["mix"], self.measure_mix)])

    def report(self) -> Report:
        options, series = self.options, self.series
        report = Report("reads", {"readings": options.readings, "rounds": options.rounds, "seconds": options.seconds, "clients": options.clients,
                                  "nginx_workers": options.workers, "mix_products": self.mix_products, "quick": options.quick})
        for name, one in series.items():
            report.add(name, one)
        page = self.page_products * ratio(series["page"], series["reading"])
        postgres = {name: round(self.statements.median(name), 1) for name in self.statements.us}
        report.more = {
            "page_products": self.page_products,
            "mix_hits": round(sorted(self.hits)[len(self.hits) // 2], 4),
            "postgres_us": postgres,
            "memory_mb": {name: round(self.processes.memory_megabytes(name), 1) for name in self.processes.started},
        }
        report.targets = [
            Target("a cached product through Nginx, of the file", ratio(series["product"], series["file"]), 0.85),
            Target("a cached reading through Nginx, of the file", ratio(series["reading"], series["file"]), 0.85),
            Target("a cached reading through Nginx, of Varnish", ratio(series["reading"], series["varnish"]), 1.3),
            Target("304 through Nginx, of the file", ratio(series["not_modified"], series["file"]), 0.9),
            Target("a hit in the service, of the file", ratio(series["service"], series["file"]), 0.55),
            Target(f"a page of {self.page_products}: products a second, of single hits through Nginx", page, 12),
            Target("cold misses by shop and GTIN, of the same reads without a cache", ratio(series["miss"], series["uncached"]), 0.9),
            Target("cold misses by id, of the same reads without a cache", ratio(series["miss_by_id"], series["uncached_by_id"]), 0.9),
            Target("PostgreSQL's time of a miss by shop and GTIN, of the bare statement", postgres["miss"] / postgres["bare"], 1.5, at_most=True),
            Target("PostgreSQL's time of a miss of a single client, of the bare statement", postgres["miss_alone"] / postgres["bare_alone"], 1.5, at_most=True),
        ]
        return report


def main() -> None:
    options = arguments()
    processes = open_folder(options.folder, options.workers)
    try:
        start_postgres(processes)
        reads = Reads(processes, options)
        reads.run()
        report = reads.report()
    finally:
        processes.stop()
    report.print()
    more = report.more
    print(f"\nhit rate of the mix in Nginx: {more['mix_hits']:.1%}; PostgreSQL's time of a request, µs: {more['postgres_us']};"
          f" memory, MB: {more['memory_mb']}")
    report.write(options.out)


if __name__ == "__main__":
    main()
