"""Measures the rate of stock writes: the service through Nginx, and pgbench's locked transactions on the same PostgreSQL.

A single writer is compared with one plain locked transaction behind the same Nginx and the same HTTP code: BEGIN, SELECT … FOR UPDATE,
UPDATE, INSERT into the ledger, COMMIT, without a lane, without locks for the cache and without cache deletions. It is measured once with
unnamed statements, as CodaSync sends them because they work behind PgBouncer, and once with prepared statements, which do not.

The writers connect to Nginx through a Unix socket, as pgbench does to PostgreSQL. The rates over TCP are measured too.

All variants are measured in every round, one after the other; the ratios of medians count. After each run of the service the
ledger, the rows and the responses are compared: every acknowledged write is in the ledger once, no other is, and versions have no gap.
PostgreSQL runs with its default durability.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from databases import PROGRAMS
from measure import WITHOUT_PREEMPTION
from processes import ROOT, Processes, behind_nginx
from processes import prepare as accounts

PGBENCH = PROGRAMS / "pgbench"
MANY = 10_000
ONE_ROW = "begin;\nselect n from bench_rows where id = 1 for update;\nupdate bench_rows set n = n + 1 where id = 1;\nend;\n"
MANY_ROWS = (
    "\\set id random(1, 10000)\nbegin;\nselect n from bench_rows where id = :id for update;\n"
    "update bench_rows set n = n + 1 where id = :id;\nend;\n"
)


@dataclass
class Variant:
    """One variant of writing."""

    name: str
    per_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


class Stack:
    """A running stack of config/up; commands run as the user that owns it."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines if "=" in line)
        self.port = self.env["CODASYNC_URL"].rsplit(":", 1)[1]
        owner = (folder / "env").stat()
        self.account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def run(self, *command: object, text: str = "") -> str:
        done = subprocess.run(
            [str(word) for word in command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.env},
            cwd="/",
            **self.account,
        )
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def sql(self, statement: str) -> str:
        url = self.env["CODASYNC_DATABASE_URL"]
        return self.run("psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", url, text=statement).strip()


def prepare(stack: Stack) -> tuple[int, list[int]]:
    """Creates the rows for pgbench and a shop with readings. Returns: the hot reading, and all readings."""
    stack.sql("drop table if exists bench_rows; create table bench_rows (id int primary key, n bigint not null);"
              f" insert into bench_rows select i, 0 from generate_series(1, {MANY}) i")
    stack.sql("insert into shops (name) values ('bench') on conflict do nothing")
    stack.sql(f"insert into products (gtin, name) select 95210000000000 + i, 'bench' from generate_series(1, {MANY}) i on conflict do nothing")
    stack.sql("insert into stock_readings (shop_id, gtin, quantity, plain, lowest, version, observed_at, updated_at, received_at, quantity_since, present)"
              " select s.id, 95210000000000 + i, 0, 0, 0, 1, now(), now(), now(), now(), true"
              f" from shops s, generate_series(1, {MANY}) i where s.name = 'bench' on conflict do nothing")
    ids = stack.sql("select id from stock_readings where shop_id = (select id from shops where name = 'bench') order by id").split()
    return int(ids[0]), [int(text) for text in ids]


def pgbench(stack: Stack, variant: Variant, script: str, clients: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # another account runs it
        file = Path(folder, "script.sql")
        file.write_text(script)
        printed = stack.run(*WITHOUT_PREEMPTION, PGBENCH, "-n", "-M", "prepared", "-c", clients, "-j", 1, "-T", max(1, round(seconds + clients / 64)),  # connecting counts
                            "-f", file,
                            "--log", "--log-prefix", f"{folder}/log", stack.env["CODASYNC_DATABASE_URL"])
        took = sorted(int(line.split()[2]) / 1000 for log in Path(folder).glob("log*") for line in log.read_text().splitlines())
    variant.per_second.append(float(re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)[1]))
    variant.p50.append(took[len(took) // 2])
    variant.p99.append(took[len(took) * 99 // 100])


def plain_service(processes: Processes, options: argparse.Namespace, *flags: str) -> str:
    """Returns: the address of an Nginx in front of a plain_service."""
    name = "-".join(["plain", *flags]).replace("--", "")
    # A copy, because the other user may not be allowed to read the build folder.
    program = shutil.copy(options.build / "tests/bench/plain_service", processes.folder / f"{name}-service")
    address = processes.instance(name, (options.dir / "codasync.toml").read_text(), program, *flags)
    return processes.nginx(f"edge-{name}", [address], [], on_socket=True)


def standing(stack: Stack, ids: list[int]) -> str:
    return stack.sql(f"select id, version from stock_readings where id between {ids[0]} and {ids[-1]}").replace("|", " ")


@dataclass
class Writers:
    """Writes through one Nginx and checks the result."""

    stack: Stack
    options: argparse.Namespace
    address: str

    def write(self, variant: Variant, ids: list[int], clients: int, *more: object) -> None:
        before = int(self.stack.sql("select count(*) from stock_events"))
        load = self.options.build / "tests/bench/write_load"
        printed = self.stack.run(*WITHOUT_PREEMPTION, load, "--address", self.address, "--clients", clients, "--seconds", self.options.seconds, *more,
                                 text=standing(self.stack, ids))
        seen = json.loads(printed)
        written = seen["requests"] - seen["refused"]
        if int(self.stack.sql("select count(*) from stock_events")) != before + written:
            sys.exit(f"{variant.name}: the ledger differs from the acknowledged writes")
        wrong = self.stack.sql("select count(*) from stock_readings r where version <> 1 + (select count(*) from stock_events e where"
                          f" e.reading_id = r.id) and id between {ids[0]} and {ids[-1]}") if self.options.check_rows else "0"
        if wrong != "0":
            sys.exit(f"{variant.name}: {wrong} rows differ from the ledger")
        if seen["refused"]:
            sys.exit(f"{variant.name}: {seen['refused']} writes were refused")
        variant.per_second.append(seen["requests"] / seen["seconds"])
        variant.p50.append(seen["p50_ms"])
        variant.p99.append(seen["p99_ms"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run writes", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / ".run", help="state folder of a running stack (config/up --detach)")
    parser.add_argument("--build", type=Path, default=ROOT / ".build", help="build folder with the tests (tests/run makes it)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--workers", default="auto", help="of the Nginxes")
    parser.add_argument("--no-check-rows", dest="check_rows", action="store_false", help="compare only counts with the ledger")
    options = parser.parse_args()
    stack = Stack(options.dir)
    owner = accounts.owner_of(options.dir)
    if not (options.build / "tests/bench/write_load").exists():
        sys.exit(f"{options.build} has no tests/bench/write_load: build the tests first (tests/run --fast)")
    hot, ids = prepare(stack)

    one = {clients: Variant(f"pgbench, one row, {clients} clients") for clients in (1, 8, 32)}
    many = {clients: Variant(f"pgbench, {MANY} rows, {clients} clients") for clients in (32, 256)}
    plain = Variant("plain transaction, one reading, 1 writer")
    prepared = Variant("the same with prepared statements")
    hot_variants = {clients: Variant(f"service, one reading, {clients} writers") for clients in (1, 32, 256)}
    many_variants = {clients: Variant(f"service, {MANY} readings, {clients} writers") for clients in (32, 256)}
    keyed = Variant("service, one reading, 256 writers, with keys")
    keyed_many = Variant(f"service, {MANY} readings, 256 writers, with keys")
    tcp = Variant("service, one reading, 256 writers, over TCP")
    tcp_many = Variant(f"service, {MANY} readings, 256 writers, over TCP")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        processes = Processes(Path(folder), options.dir / "program", owner, options.workers)
        try:
            writers = Writers(stack, options, processes.nginx("edge", *behind_nginx(options.dir), on_socket=True))
            tcp_writers = Writers(stack, options, f"127.0.0.1:{stack.port}")
            plain_writer = Writers(stack, options, plain_service(processes, options))
            prepared_writer = Writers(stack, options, plain_service(processes, options, "--prepared"))
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
                for clients, variant in one.items():
                    pgbench(stack, variant, ONE_ROW, clients, options.seconds)
                for clients, variant in many.items():
                    pgbench(stack, variant, MANY_ROWS, clients, options.seconds)
                # The cache entries of the reading are deleted by the writes of the service, which follow.
                plain_writer.write(plain, [hot], 1)
                prepared_writer.write(prepared, [hot], 1)
                for clients, variant in hot_variants.items():
                    writers.write(variant, [hot], clients)
                tcp_writers.write(tcp, [hot], 256)
                for clients, variant in many_variants.items():
                    writers.write(variant, ids, clients)
                tcp_writers.write(tcp_many, ids, 256)
                run = f"{os.getpid()}-{number}"
                writers.write(keyed, [hot], 256, "--keys", f"hot-{run}")
                writers.write(keyed_many, ids, 256, "--keys", f"many-{run}")
        finally:
            processes.stop()

    print(f"{options.rounds} interleaved rounds of {options.seconds:g} s, {os.cpu_count()} cores; medians;"
          f" synchronous_commit = {stack.sql('show synchronous_commit')}, fsync = {stack.sql('show fsync')}")
    print(f"{'':52}{'writes/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for variant in [*one.values(), *many.values(), plain, prepared, *hot_variants.values(), keyed, tcp, *many_variants.values(), keyed_many, tcp_many]:
        print(f"{variant.name:52}{statistics.median(variant.per_second):10.0f}{statistics.median(variant.p50):9.2f}{statistics.median(variant.p99):9.2f}")

    def rate(variant: Variant) -> float:
        return statistics.median(variant.per_second)

    def time(variant: Variant) -> float:
        return statistics.median(variant.p50)

    best = max(map(rate, one.values()))
    print(f"\none hot reading, ratio to pgbench's best on one row:  {rate(hot_variants[256]) / best:.2f} with 256 writers (required 6),"
          f" {rate(hot_variants[32]) / best:.2f} with 32, {rate(keyed) / best:.2f} with 256 and keys, {rate(tcp) / best:.2f} with 256 over TCP")
    print(f"many readings, ratio to pgbench with as many clients: {rate(many_variants[256]) / rate(many[256]):.2f} with 256 (required 3),"
          f" {rate(many_variants[32]) / rate(many[32]):.2f} with 32, {rate(keyed_many) / rate(many[256]):.2f} with 256 and keys,"
          f" {rate(tcp_many) / rate(many[256]):.2f} with 256 over TCP")
    print(f"p50 of a single writer, ratio to a plain transaction: {time(hot_variants[1]) / time(plain):.2f} (required at most 1.3),"
          f" {time(hot_variants[1]) / time(prepared):.2f} to one with prepared statements")
    print("ledger, rows and responses agree: every acknowledged write once, no other, versions without a gap")


if __name__ == "__main__":
    main()
