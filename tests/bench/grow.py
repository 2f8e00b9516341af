"""Fills a database with shops, products, readings and three events for each reading, in the state that writers leave.

Indexes and foreign keys are created after the rows, and one session per core inserts rows. This takes minutes instead of hours. Rows
that are in the tables of a new database stay; a database with readings is refused.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = ("stock_readings", "products")

FUNCTIONS = """
create function grow_gtin(i bigint) returns bigint language sql immutable parallel safe as $$
  select b * 10 + (10 - (sum(case when n % 2 = 1 then 3 else 1 end * (b / (10 ^ (n - 1))::bigint % 10)))::integer % 10) % 10
    from (values (952100000000 + i)) v (b), generate_series(1, 12) n group by b $$;
create function grow_event(us bigint, reading bigint) returns uuid language sql stable parallel safe as $$
  select (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0') || '8' ||
          substr(md5(reading || '/' || us), 1, 15))::uuid $$;
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/run grow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, help="state folder of a running stack of config/up")
    parser.add_argument("--url", help="instead: address of a migrated database, as a superuser")
    parser.add_argument("--readings", type=int, default=10_000_000)
    parser.add_argument("--shops", type=int, default=200, help="the largest has about fifty times as many readings as the smallest")
    parser.add_argument("--products", type=int, default=120_000)
    options = parser.parse_args()
    if (options.dir is None) == (options.url is None):
        parser.error("--dir or --url is needed")
    if options.readings > options.shops * options.products // 2:
        parser.error("so many readings need more shops or products")
    return options


def url_of(options: argparse.Namespace) -> str:
    if options.url:
        return str(options.url)
    lines = (options.dir / "env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    address = env["CODASYNC_DATABASE_URL"]
    return "postgresql://postgres@" + address.split("@", 1)[1]


class Database:
    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, sql: str = "", file: Path | None = None, **variables: int) -> str:
        """Runs SQL. Returns: its output. Ends the program on an error."""
        command = ["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", self.url]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        if file:
            command += ["-f", str(file)]
        done = subprocess.run(command, input=sql, text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"grow: {done.stderr.strip()}")
        return done.stdout.strip()


def sizes(readings: int, shops: int) -> list[int]:
    """Returns: the number of readings of each shop. It grows evenly; the last shop has 49 times as many as the first."""
    weights = [1 + 48 * i / max(1, shops - 1) for i in range(shops)]
    chosen = [int(readings * weight / sum(weights)) for weight in weights]
    chosen[-1] += readings - sum(chosen)
    return chosen


def main() -> None:
    options = arguments()
    database = Database(url_of(options))
    started = time.monotonic()

    def report(what: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {what}", flush=True)

    if database.run("select exists (select from stock_readings)") == "t":
        sys.exit("grow: the database has stock readings already; use a new database")
    definitions = database.run(
        "select indexdef from pg_indexes join pg_class on relname = indexname join pg_index on indexrelid = pg_class.oid"
        f" where tablename in {TABLES} and not indisprimary and indexname not like '%_key' order by indexname").splitlines()
    names = database.run(
        "select indexname from pg_indexes join pg_class on relname = indexname join pg_index on indexrelid = pg_class.oid"
        f" where tablename in {TABLES} and not indisprimary and indexname not like '%_key'").split()
    database.run("drop index " + ", ".join(names) + ";" + FUNCTIONS)

    database.run(
        "insert into products (gtin, name, brand, category) select grow_gtin(i),"
        " (array['Green','Dark','Fresh','Fine','Small','Old','Sweet','Mild'])[1 + i % 8] || ' ' ||"
        " (array['tea','bread','milk','cheese','yoghurt','ham','rice','Äpfel','café','pasta','soup'])[1 + i / 8 % 11] || ' ' || i,"
        " case when i % 5 > 0 then 'Brand ' || i % 400 end, case when i % 7 > 0 then 'Category ' || i % 60 end"
        f" from generate_series(0, {options.products} - 1) i")
    database.run(
        "create table grow_products as select row_number() over (order by gtin) - 1 as number, gtin from products"
        f" where gtin between 9521000000000 and 9521000000000 + {options.products} * 10::bigint;"
        " alter table grow_products add primary key (number); analyze grow_products")
    first_shop = int(database.run(
        f"insert into shops (name, time_zone) select 'Grown ' || i, (array['UTC','Europe/Zurich','America/New_York','Asia/Tokyo'])[1 + i % 4]"
        f" from generate_series(1, {options.shops}) i returning id").split()[0])
    report(f"{options.products:,} products, {options.shops} shops")

    work = []
    first = 1
    for number, size in enumerate(sizes(options.readings, options.shops)):
        work.append({"shop": first_shop + number, "size": size, "products": options.products, "first": first})
        first += size
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for size in pool.map(lambda each: (database.run(file=HERE / "grow.sql", **each), each["size"])[1], reversed(work)):
            before, done = done, done + size
            if done * 10 // options.readings > before * 10 // options.readings:
                report(f"{done:,} of {options.readings:,} readings with {3 * done:,} events")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda definition: database.run("set maintenance_work_mem = '1GB';" + definition), definitions))
    database.run(f"select setval('stock_readings_id_seq', {first}); drop function grow_gtin(bigint), grow_event(bigint, bigint); drop table grow_products;"
                 " vacuum (analyze) stock_readings; vacuum (analyze) stock_events; analyze")
    report("indexes and statistics")
    print(database.run("select pg_size_pretty(pg_database_size(current_database()))"), "in all")


if __name__ == "__main__":
    main()
