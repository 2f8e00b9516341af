"""Compares the rate of 2,000 clients on 20 server connections with that of few clients: pgbench through PgBouncer in transaction mode.

Needs a stack of `config/up --pgbouncer`. All variants are measured in every round, one after the other; the ratios of medians count.
Statements are unnamed ones with parameters, as the service sends them. PostgreSQL runs with its default durability.
"""

import argparse
import os
import re
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from writes import MANY, MANY_ROWS, PGBENCH, ROOT, Stack

READ = "\\set id random(1, 10000)\nselect n from bench_rows where id = :id;\n"
FEW = 20  # default_pool_size: a server connection for each
CLIENTS = 2_000
REQUIRED = 0.8


@dataclass
class Variant:
    """A number of clients at one address."""

    name: str
    url: str
    clients: int
    per_second: dict[str, list[float]] = field(default_factory=lambda: {"reads": [], "locked writes": []})


def measure(stack: Stack, variant: Variant, kind: str, script: Path, seconds: int) -> None:
    printed = stack.run(PGBENCH, "-n", "-M", "extended", "-c", variant.clients, "-j", 2, "-T", seconds, "-f", script, variant.url)
    if failed := re.search(r"number of failed transactions: [1-9].*", printed):
        sys.exit(f"{variant.name}: {failed[0]}")
    variant.per_second[kind].append(float(re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)[1]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run pgbouncer", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / ".run", help="state folder of a running stack (config/up --pgbouncer --detach)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    options = parser.parse_args()
    stack = Stack(options.dir)
    pooled = stack.env.get("CODASYNC_PGBOUNCER_URL") or sys.exit("this stack has no PgBouncer: start it with config/up --pgbouncer")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard >= 0 else 65536, hard))
    stack.sql("drop table if exists bench_rows; create table bench_rows (id int primary key, n bigint not null);"
              f" insert into bench_rows select i, 0 from generate_series(1, {MANY}) i;"
              " grant select, update on bench_rows to codasync_service")

    direct = re.sub(r"//\w+@", "//codasync_service@", stack.env["CODASYNC_DATABASE_URL"])
    variants = [
        Variant(f"{FEW} clients, directly", direct, FEW),
        Variant(f"{FEW} clients, PgBouncer", pooled, FEW),
        Variant(f"{CLIENTS} clients, PgBouncer", pooled, CLIENTS),
    ]
    most = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.chmod(folder, 0o755)  # another account runs it
        scripts = {"reads": Path(folder) / "reads.sql", "locked writes": Path(folder) / "writes.sql"}
        scripts["reads"].write_text(READ)
        scripts["locked writes"].write_text(MANY_ROWS)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for kind, script in scripts.items():
                for variant in variants:
                    measure(stack, variant, kind, script, options.seconds)
            backends = "select count(*) from pg_stat_activity where usename = 'codasync_service'"
            most = max(most, int(stack.sql(backends)))

    print(f"{options.rounds} interleaved rounds of {options.seconds} s, {os.cpu_count()} cores; medians of transactions a second;"
          f" at most {most} server connections for all clients and the service")
    held = True
    print(f"{'':26}" + "".join(f"{kind:>16}" for kind in scripts))
    for variant in variants:
        print(f"{variant.name:26}" + "".join(f"{statistics.median(variant.per_second[kind]):16.0f}" for kind in scripts))
    for kind in scripts:
        ratio = statistics.median(variants[2].per_second[kind]) / statistics.median(variants[1].per_second[kind])
        print(f"{kind}: {CLIENTS} clients hold {ratio:.2f} of the rate of {FEW} (required {REQUIRED})")
        held = held and ratio >= REQUIRED
    stack.sql("drop table bench_rows")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
