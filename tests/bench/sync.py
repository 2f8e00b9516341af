"""Measures lists of operations and the change feed: POST /stock-readings/batch and POST /sync beside the same writes by single requests, a page of the
feed beside a bare statement, and what the feed costs writers.

The operations are adjustments of random readings. All variants are measured in every round; the ratios of the medians count. Writes without the change
log are those of a second instance whose function write_stock() does not insert into `changes`; both alternate in short rounds.

The times of PostgreSQL are processor times, because statements wait for the processor while the machine has other work.
"""

import argparse
import datetime
import json
import random
import re
import statistics
import sys
import uuid
from dataclasses import replace

from databases import PROGRAMS, database, open_folder, start_postgres
from measure import Report, Requests, Sample, Series, Target, ratio, rounds, wrk
from options import parser_of, read_options
from processes import Processes, free_port
from served import API, Reading, Served, fetch

WRITERS = 256  # single requests
LISTS = 8  # clients that send lists
PAGE = 1_000
PULLED = 100  # changes in an answer of /sync
OPERATIONS_MOST = 30_000  # in a second: bodies are prepared for so many
FEED_ROUNDS = 15  # of writes with and without the change log
PAGE_MS = 10.0
FEED_COST = 0.03

# An instance whose writes do not appear in the feed.
WITHOUT_FEED = r"""
drop schema if exists without_feed cascade;
create schema without_feed;
grant usage on schema without_feed to codasync_service;
do $$
declare
  source text := pg_get_functiondef('public.write_stock'::regproc);
  changed text := regexp_replace(source, 'insert into changes \(shop_id, reading_id\).*?;', '');
begin
  if changed = source then raise 'write_stock() has no insert into changes'; end if;
  execute replace(changed, 'public.write_stock(', 'without_feed.write_stock(');
end $$;
"""

# The least that reads the rows of a page: their columns as they are, by the same indexes.
BARE_PAGE = """
select c.xid, r.id, r.shop_id, r.gtin, r.expiry_date, r.date_kind, r.quantity, r.version, r.observed_at, r.updated_at, r.looked_at, r.quantity_since,
       r.present, p.name, p.version as bench_bare_page
  from (select xid, reading_id from changes where shop_id = {shop} and (xid, reading_id) > ('{xid}'::xid8, 0) order by xid, reading_id limit {page}) c
  join stock_readings r on r.id = c.reading_id join products p using (gtin) order by c.xid, c.reading_id;
"""


def arguments() -> argparse.Namespace:
    parser = parser_of("sync", __doc__, quick="one short round on 10,000 readings", seconds="of each variant in each round",
                       clients="not used: each variant has its own number")
    parser.add_argument("--readings", type=int, default=1_000_000, help="in the database")
    options = read_options(parser)
    options.feed_rounds = 1 if options.quick else FEED_ROUNDS
    if options.quick:
        options.readings = 10_000
    return options


class Feed:
    """A shop whose readings all changed after the cursor."""

    def __init__(self, served: Served) -> None:
        sql = served.database.sql
        sql("truncate changes")
        # The smallest shop with enough readings, so that the snapshot before the cursor is short; in a small database the largest one.
        self.shop = int(sql(f"select shop_id from stock_readings where present group by shop_id order by count(*) < {PAGE},"
                            f" case when count(*) < {PAGE} then -count(*) else count(*) end limit 1"))
        rows = sql(f"select id, gtin from stock_readings where shop_id = {self.shop} and present and quantity is not null").splitlines()
        self.readings = [Reading(int(id), self.shop, gtin) for id, gtin in (row.split("|") for row in rows)]
        self.cursor, more = "", True
        while more:
            page = json.loads(fetch(f"http://{served.direct}{API}/changes?shop={self.shop}&limit=1000" + (f"&since={self.cursor}" if self.cursor else ""))[0])
            self.cursor, more = page["next"], page["more"]
        self.xid = sql("select pg_snapshot_xmin(pg_current_snapshot())")
        sql(f"insert into changes (shop_id, reading_id) select shop_id, id from stock_readings where shop_id = {self.shop} and present; vacuum analyze changes")
        self.path = f"{API}/changes?shop={self.shop}&since={self.cursor}&limit={PAGE}"
        self.rows = len(json.loads(fetch(f"http://{served.direct}{self.path}")[0])["changes"])


class Lists:
    """The variants of the same adjustments, and their requests."""

    def __init__(self, processes: Processes, options: argparse.Namespace) -> None:
        self.options, self.processes = options, processes
        self.served = served = Served(processes, database(processes, options.readings))
        served.database.warm()
        self.feed = Feed(served)
        self.some = served.readings(min(options.readings, 50_000), seed=10)
        self.chance = random.Random(11)
        edge = f"http://{served.nginx()}"
        self.now = datetime.datetime.now(datetime.UTC)
        single = served.file("single", [f'{reading.path}/adjust {{"delta":1}}' for reading in self.some])
        self.variants: dict[str, tuple[str, Requests, int, int]] = {
            "single": ("single adjustments", Requests(edge, single, again=True, token=served.token), WRITERS, 1),
        }
        # An id makes a write dearer: its name is stored too.
        self.variants["batch_1"] = ("batches of one", self.lists(edge, "batch", 1), WRITERS, 1)
        for count in (10, 100, 1000):
            self.variants[f"batch_{count}"] = (f"batches of {count}", self.lists(edge, "batch", count), LISTS, count)
        self.variants["sync_100"] = (f"/sync with 100, and {PULLED} changes", self.lists(edge, "sync", 100), LISTS, 100)
        self.page = Requests(f"http://{served.direct}{self.feed.path}")
        self.variants["page"] = (f"pages of {self.feed.rows} changes, a second", self.page, LISTS, 1)
        self.series = {name: Series(what) for name, (what, *_) in self.variants.items()}
        self.page_ms: list[float] = []
        self.bare_ms: list[float] = []

    def lists(self, edge: str, kind: str, count: int) -> Requests:
        """Returns: requests with so many operations each; no id comes twice."""
        number = max(LISTS * 4, round(OPERATIONS_MOST * self.options.rounds * max(1.0, self.options.seconds) / count))
        # Bodies of 1,000 operations have 100 KB.
        lines = [self.batch(count) if kind == "batch" else self.sync(count) for _ in range(number)]
        return Requests(edge, self.served.file(f"{kind}-{count}", lines), token=self.served.token)

    def operations(self, count: int, some: list[Reading]) -> list[dict[str, object]]:
        return [{"id": str(uuid.UUID(int=self.chance.getrandbits(128))), "GTIN": reading.gtin.zfill(13), "delta": 1}
                for reading in self.chance.choices(some, k=count)]

    def batch(self, count: int) -> str:
        chosen = self.chance.choices(self.some, k=count)
        items = [self.operations(1, [reading])[0] | {"op": "adjust", "shop": reading.shop} for reading in chosen]
        return f"{API}/stock-readings/batch {json.dumps({'items': items}, separators=(',', ':'))}"

    def sync(self, count: int) -> str:
        """As a device that was offline for up to an hour."""
        operations = [each | {"kind": "adjust", "observed_at": (self.now - datetime.timedelta(seconds=3600 * self.chance.random())).isoformat()}
                      for each in self.operations(count, self.feed.readings)]
        body = {"device": str(uuid.UUID(int=self.chance.getrandbits(128))), "shop": self.feed.shop, "limit": PULLED, "since": self.feed.cursor,
                "operations": operations}
        return f"{API}/sync {json.dumps(body, separators=(',', ':'))}"

    def measure(self, name: str) -> Sample:
        _, requests, clients, count = self.variants[name]
        sample = wrk(requests, clients, self.options.seconds, self.processes)
        # Rates and processor times of an operation; the delays are those of a request.
        return replace(sample, requests=sample.requests * count, cpu_us={process: us / count for process, us in sample.cpu_us.items()})

    def measure_page(self) -> None:
        """Adds PostgreSQL's time of a page for one client to `page_ms`, and that of the bare statement to `bare_ms`."""
        seconds = self.options.seconds
        self.page_ms.append(wrk(self.page, 1, seconds, self.processes).cpu_us["postgres"] / 1000)
        script = self.processes.folder / "page.sql"
        script.write_text(BARE_PAGE.format(shop=self.feed.shop, xid=self.feed.xid, page=PAGE))
        before = self.processes.processor_seconds()["postgres"]
        printed = self.processes.run(PROGRAMS / "pgbench", "-n", "-M", "extended", "-c", 1, "-T", max(1, round(seconds)), "-f", script, self.served.database.url)
        used = self.processes.processor_seconds()["postgres"] - before
        self.bare_ms.append(1000 * used / int(re.search(r"actually processed: (\d+)", printed)[1]))


class FeedCost:
    """Single adjustments with and without the change log, by two instances on one database."""

    def __init__(self, lists: Lists) -> None:
        served, self.lists = lists.served, lists
        processes = served.processes
        served.database.sql(WITHOUT_FEED)
        without = f"127.0.0.1:{free_port()}"
        settings = served.database.settings(served.cache)
        settings = settings.replace(served.database.url, served.database.url + "&options=-csearch_path%3Dwithout_feed,public")
        processes.instance("without-feed", settings, processes.program / "api/codasync", "serve", listen=without)
        file = served.file("feed-cost", [f'{reading.path}/adjust {{"delta":1}}' for reading in lists.some])
        self.requests = {name: Requests(f"http://{address}", file, again=True, token=served.token)
                         for name, address in (("with", served.direct), ("without", without))}
        self.series = {"with": Series("writes with the change log"), "without": Series("writes without it")}

    def measure(self) -> None:
        for each in range(self.lists.options.feed_rounds):
            # The second of two has no advantage: the order changes with each round.
            for name in ("with", "without") if each % 2 else ("without", "with"):
                self.series[name].samples.append(wrk(self.requests[name], WRITERS, self.lists.options.seconds, self.lists.processes))

    def ratio(self) -> float:
        """Returns: the median of the ratios of neighbouring measurements."""
        pairs = zip(self.series["with"].samples, self.series["without"].samples, strict=True)
        return statistics.median(with_feed.per_second / without.per_second for with_feed, without in pairs)

    def ratio_of_postgres(self) -> float:
        """Returns: the same for the processor time of PostgreSQL, which other work of the machine hardly changes."""
        pairs = zip(self.series["with"].samples, self.series["without"].samples, strict=True)
        return statistics.median(with_feed.cpu_us["postgres"] / without.cpu_us["postgres"] for with_feed, without in pairs)


def main() -> None:
    options = arguments()
    processes = open_folder(options.folder, options.workers)
    report = Report("sync", {"readings": options.readings, "rounds": options.rounds, "seconds": options.seconds, "writers": WRITERS, "list_clients": LISTS,
                             "page": PAGE, "feed_rounds": options.feed_rounds, "nginx_workers": options.workers, "quick": options.quick})
    try:
        start_postgres(processes)
        lists = Lists(processes, options)
        memory = {"before": processes.memory_megabytes("service")}
        rounds(options.rounds, [(lists.series[name], lambda name=name: lists.measure(name)) for name in lists.variants])
        memory["after lists and pages"] = processes.memory_megabytes("service")
        for _ in range(options.rounds):
            lists.measure_page()
        changes = lists.served.database.sql("select count(*) from changes")
        cost = FeedCost(lists)
        cost.measure()
        if lists.served.database.sql("select count(*) from changes") == changes:
            sys.exit("the writes with the change log made no changes")
    finally:
        processes.stop()

    for name, series in (lists.series | cost.series).items():
        report.add(name, series)
    page_ms, bare_ms = statistics.median(lists.page_ms), statistics.median(lists.bare_ms)
    report.more = {"page_rows": lists.feed.rows, "page_ms": round(page_ms, 2), "bare_page_ms": round(bare_ms, 2), "postgres_of_a_write_with_feed": round(cost.ratio_of_postgres(), 3),
                   "memory_mb": {name: round(megabytes, 1) for name, megabytes in memory.items()}}
    report.targets = [
        Target("batches of 100: operations a second, of batches of one", ratio(lists.series["batch_100"], lists.series["batch_1"]), 1),
        Target("batches of 1,000: operations a second, of batches of one", ratio(lists.series["batch_1000"], lists.series["batch_1"]), 1),
        Target("/sync with 100 operations: operations a second, of batches of one", ratio(lists.series["sync_100"], lists.series["batch_1"]), 0.5),
        Target(f"PostgreSQL's time of a page of {lists.feed.rows} changes, ms", page_ms, PAGE_MS, at_most=True),
        Target("PostgreSQL's time of a page, of the bare statement", page_ms / bare_ms, 2, at_most=True),
        Target("writes with the change log, of writes without it", cost.ratio(), 1 - FEED_COST),
    ]
    report.print()
    print(f"\nPostgreSQL's processor time of a write with the change log, of one without: {cost.ratio_of_postgres():.3f}; memory of the service, MB: {memory}")
    report.write(options.out)


if __name__ == "__main__":
    main()
