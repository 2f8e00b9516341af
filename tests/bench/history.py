"""Measures the cost of an event in a reading with millions of events: live, late, a void, and 256 late ones beside other writers.

It creates a new database on the PostgreSQL of a running stack, writes the history into it in the state that the ledger leaves, and
measures through the ledger without HTTP and without a cache. PostgreSQL runs with its default durability.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from writes import ROOT, Stack

DATABASE = "codasync_history"


def administrate(stack: Stack, statement: str, database: str = "postgres") -> None:
    """Runs one SQL statement as the superuser of the private stack."""
    address = re.sub(r"//\w+@/\w+\?", f"//postgres@/{database}?", stack.env["CODASYNC_DATABASE_URL"])
    stack.run("psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", address, text=statement)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run history", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / ".run", help="state folder of a running stack (config/up --detach)")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--adjustments-only", action="store_true", help="the worst case: no check and no count since the first")
    options = parser.parse_args()
    stack = Stack(options.dir)
    address = re.sub(r"/\w+\?", f"/{DATABASE}?", stack.env["CODASYNC_DATABASE_URL"])
    administrate(stack, f"drop database if exists {DATABASE};")
    administrate(stack, f"create database {DATABASE} owner codasync_owner encoding 'UTF8' template template0;")
    try:
        stack.run("env", f"CODASYNC_POSTGRES_URL={address}", ROOT / ".build/api/codasync", "migrate")
        words = [str(ROOT / ".build/tests/bench/long_history"), "--url", address, "--events", str(options.events)]
        words += ["--adjustments-only"] if options.adjustments_only else []
        status = subprocess.run(words, check=False, cwd="/", **stack.account).returncode
    finally:
        administrate(stack, f"drop database {DATABASE} with (force);")
    sys.exit(status)


if __name__ == "__main__":
    main()
