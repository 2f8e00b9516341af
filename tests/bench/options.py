"""The options that `reads`, `growth` and `idle` share."""

import argparse
import tempfile
from pathlib import Path

from measure import RESULTS
from processes import ROOT


def parser_of(bench: str, text: str | None, quick: str, seconds: str, clients: str) -> argparse.ArgumentParser:
    """Returns: a parser of the shared options. `quick`, `seconds`, `clients`: what they mean in this benchmark."""
    parser = argparse.ArgumentParser(prog=f"tests/bench/run {bench}", description=text)
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="databases and servers of the benchmarks; kept between runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help=seconds)
    parser.add_argument("--clients", type=int, default=64, help=clients)
    parser.add_argument("--workers", default="auto", help="of Nginx")
    parser.add_argument("--quick", action="store_true", help=f"{quick}: it only shows that the benchmark works")
    parser.add_argument("--out", type=Path, help="folder of the results (default: tests/bench/results; with --quick a temporary one)")
    return parser


def read_options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Returns: the options of this run; with --quick one round of a second."""
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1
    options.out = options.out or (Path(tempfile.mkdtemp(prefix="bench-")) if options.quick else RESULTS)
    return options
