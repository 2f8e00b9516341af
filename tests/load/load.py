"""tests/load/run: makes the data, runs the tool, compares its results with the thresholds. The script `run` describes the options."""

import argparse
import csv
import ipaddress
import math
import os
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import prepare

HERE = Path(__file__).resolve().parent
JMETER = "/usr/share/jmeter"
ROOT = HERE.parents[1]
GRACE_SECONDS = 120  # for the tool to start and to stop

# Of 100 users. Both tools have the same mix: locustfile.py and codasync.jmx read these numbers.
MIX = {"storefront": 80, "staff": 12, "scanner": 7, "admin": 1}


@dataclass(frozen=True)
class Request:
    """One line of the results: label is `read …` or `write …`."""

    label: str
    milliseconds: float
    success: bool


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/load/run", usage="see --help", add_help=False, allow_abbrev=False)
    parser.add_argument("tool", choices=("locust", "jmeter"))
    parser.add_argument("--dir", type=Path, default=ROOT / ".run")
    parser.add_argument("--url")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--p95-reads-ms", type=float, default=250)
    parser.add_argument("--p95-writes-ms", type=float, default=1000)
    parser.add_argument("--failures-max", type=float, default=0.001)
    parser.add_argument("--rate-min", type=float, default=0)
    options = parser.parse_args()
    if options.users < 1 or options.seconds < 1:
        parser.error("--users and --seconds are at least 1")
    return options


def target(options: argparse.Namespace) -> prepare.Target:
    """Returns: the address, with tokens. Exits if they are not set, or the address is of another machine."""
    env = dict(os.environ)
    if options.url is None:
        try:
            lines = (options.dir / "env").read_text().splitlines()
        except OSError as error:
            sys.exit(f"{options.dir}/env cannot be read ({error.strerror}): start a stack (config/up --detach), or give --url")
        env |= dict(line.split("=", 1) for line in lines if "=" in line)
    url = (options.url or env["CODASYNC_URL"]).rstrip("/")
    host = urlsplit(url).hostname or ""
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        sys.exit(f"{host!r} is not a valid address")
    if not all(is_here(str(address)) for address in addresses):
        sys.exit(f"{host} is another machine. Run the load test on the machine of the service, because it sends as many requests as possible.")
    try:
        return prepare.Target(url, env["CODASYNC_ADMIN_TOKEN"], env["CODASYNC_STAFF_TOKEN"])
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set: the users need the tokens of an admin and of staff")


def is_here(address: str) -> bool:
    """Returns: whether the address belongs to this machine: then a socket can be bound to it."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback:
        return True
    with socket.socket(socket.AF_INET if parsed.version == 4 else socket.AF_INET6) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def numbers(users: int) -> dict[str, int]:
    """Returns: the number of users of each kind, at least one."""
    return {kind: max(1, round(users * share / 100)) for kind, share in MIX.items()}


def locust(to: prepare.Target, options: argparse.Namespace, place: Path) -> list[str]:
    words = ["locust", "--headless", "--only-summary", "--locustfile", str(HERE / "locustfile.py"), "--host", to.url]
    words += ["--users", str(sum(numbers(options.users).values())), "--spawn-rate", str(max(10, options.users // 5))]
    # Locust's exit status for failures is not used: the thresholds decide.
    return [*words, "--stop-timeout", "10", "--exit-code-on-error", "0"]


def jmeter(to: prepare.Target, options: argparse.Namespace, place: Path) -> list[str]:
    address = urlsplit(to.url)
    properties = {
        "host": address.hostname,
        "port": address.port or (443 if address.scheme == "https" else 80),
        "protocol": address.scheme,
        "seconds": options.seconds,
        "readings": place / "readings.csv",
        **{kind: number for kind, number in numbers(options.users).items()},
        "jmeterengine.nongui.port": 0,  # no port for stop requests
        "jmeter.save.saveservice.output_format": "csv",
        "jmeter.save.saveservice.print_field_names": "true",
    }
    java = ["java", f"-Djmeter.home={JMETER}", "-cp", f"{JMETER}/bin/ApacheJMeter.jar:/usr/share/java/bsh.jar"]
    words = [*java, "bsh.Interpreter", str(HERE / "jmeter.bsh"), "-n", "-t", str(HERE / "codasync.jmx"), "-l", str(place / "results.csv"), "-j", str(place / "jmeter.log")]
    # The tokens are in a file, because all accounts of a machine can read command lines.
    secrets = place / "secrets.properties"
    secrets.touch(mode=0o600)
    secrets.write_text(f"staff_token={to.staff_token}\nadmin_token={to.admin_token}\n")
    return [*words, "-q", str(secrets), *(f"-J{name}={value}" for name, value in properties.items())]


def run(to: prepare.Target, options: argparse.Namespace, place: Path) -> list[Request]:
    """Returns: the results of the tool. Exits if the tool itself failed."""
    (place / "readings.csv").write_text(
        "shop,gtin,reading\n" + "".join(f"{r.shop},{r.gtin},{r.id}\n" for r in prepare.readings(to))
    )
    command = {"locust": locust, "jmeter": jmeter}[options.tool](to, options, place)
    environment = os.environ | {
        "CODASYNC_ADMIN_TOKEN": to.admin_token,
        "CODASYNC_STAFF_TOKEN": to.staff_token,
        "CODASYNC_LOAD": str(place),
        "CODASYNC_LOAD_SECONDS": str(options.seconds),
        "CODASYNC_LOAD_MIX": ",".join(f"{kind}={number}" for kind, number in numbers(options.users).items()),
    }
    try:
        status = subprocess.run(command, env=environment, cwd=place, timeout=options.seconds + GRACE_SECONDS).returncode
    except subprocess.TimeoutExpired:
        sys.exit(f"{options.tool} did not end within {options.seconds + GRACE_SECONDS} s")
    results, log = place / "results.csv", place / "jmeter.log"
    if status != 0 or not results.exists():
        sys.exit(f"{options.tool} failed with status {status}\n" + (log.read_text()[-2000:] if log.exists() else ""))
    with results.open(newline="") as file:
        return [Request(row["label"], float(row["elapsed"]), row["success"] == "true") for row in csv.DictReader(file)]


def p95(requests: Sequence[Request]) -> float:
    """Returns: the 95th percentile; 0 if there are no requests."""
    times = sorted(request.milliseconds for request in requests)
    return times[math.ceil(0.95 * len(times)) - 1] if times else 0.0


def judge(requests: list[Request], options: argparse.Namespace) -> list[str]:
    """Prints the results. Returns: a text for each threshold that was missed."""
    by_label: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_label[request.label].append(request)
    print(f"\n{'':44}{'requests':>10}{'failed':>8}{'p95 ms':>9}")
    for label, own in sorted(by_label.items()):
        print(f"{label:44}{len(own):10}{sum(not request.success for request in own):8}{p95(own):9.0f}")

    failed = sum(not request.success for request in requests)
    rate = len(requests) / options.seconds
    missed = []
    for kind, limit in (("read", options.p95_reads_ms), ("write", options.p95_writes_ms)):
        own = [request for request in requests if request.label.startswith(kind)]
        if not own:
            missed.append(f"no {kind} was sent")
        elif p95(own) > limit:
            missed.append(f"the 95th percentile of {kind}s is {p95(own):.0f} ms, at most {limit:g} is allowed")
    if requests and failed / len(requests) > options.failures_max:
        missed.append(f"{failed} of {len(requests)} requests failed, at most a share of {options.failures_max:g} is allowed")
    if rate < options.rate_min:
        missed.append(f"{rate:.1f} requests per second, at least {options.rate_min:g} are required")
    print(f"{len(requests)} requests in {options.seconds} s ({rate:.1f}/s), {failed} failed")
    return missed


def main() -> int:
    options = arguments()
    to = target(options)
    with tempfile.TemporaryDirectory(prefix="codasync-load.") as place:
        missed = judge(run(to, options, Path(place)), options)
    for threshold in missed:
        print(f"missed: {threshold}")
    print("thresholds missed" if missed else "thresholds met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
