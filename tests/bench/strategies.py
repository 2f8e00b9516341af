"""Compares three strategies for many writers of one row or of many: optimistic, pessimistic, folded. Without HTTP and without a cache."""

import argparse
import json
import os
import sys
from pathlib import Path

from writes import ROOT, Stack


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run strategies", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / ".run", help="state folder of a running stack (config/up --detach)")
    parser.add_argument("--build", type=Path, default=ROOT / ".build", help="build folder with the tests (tests/run makes it)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    options = parser.parse_args()
    program = options.build / "tests" / "bench" / "strategies"
    if not program.exists():
        sys.exit(f"{program} does not exist: build the tests first (tests/run --fast)")
    stack = Stack(options.dir)
    print(f"{options.seconds:g} s each, {os.cpu_count()} cores; synchronous_commit = {stack.sql('show synchronous_commit')}")
    print(f"{'rows':>8}{'writers':>9}  {'strategy':14}{'writes/s':>10}{'attempts/write':>16}")
    for line in stack.run(program, "--seconds", options.seconds).splitlines():
        seen = json.loads(line)
        print(f"{seen['rows']:8}{seen['writers']:9}  {seen['strategy']:14}{seen['per_second']:10.0f}{seen['attempts_per_write']:16.2f}")


if __name__ == "__main__":
    main()
