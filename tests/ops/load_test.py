#!/usr/bin/python3
"""tests/load/run with Locust and with JMeter on a running stack: thresholds that are met, and thresholds that are not."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from report import checked, end_on_sigterm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from stack import ROOT, Stack, eventually, own_stack

SECONDS = 20
# This tests the tools, not the speed: the machine may be busy.
GENEROUS = ["--users", "30", "--seconds", str(SECONDS), "--p95-reads-ms", "5000", "--p95-writes-ms", "10000"]


def start(tool: str, stack: Stack, *options: object) -> subprocess.Popen[str]:
    command = [ROOT / "tests" / "load" / "run", tool, "--dir", stack.folder, *GENEROUS, *options]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)


def end(load: subprocess.Popen[str]) -> tuple[int, str]:
    """Returns: its status and its output. Kills its process group when it takes too long."""
    try:
        output = load.communicate(timeout=SECONDS + 150)[0]
    except BaseException:
        os.killpg(load.pid, signal.SIGKILL)
        load.wait()
        raise
    return load.returncode, output


def check(tool: str, stack: Stack) -> None:
    status, output = end(start(tool, stack))
    assert status == 0 and "thresholds met" in output, f"{tool}: {status}\n{output}"
    labels = re.findall(r"^((?:read|write) .+?) +(\d+) +(\d+) +\d+$", output, re.MULTILINE)
    users = {"read a product in a shop", "write a count", "write a scan", "read a page of products"}  # one of each kind
    assert users <= {label for label, _, _ in labels}, output
    summary = re.search(r"^(\d+) requests in .*$", output, re.MULTILINE)
    assert summary and int(summary[1]) > 100, output
    checked(f"{tool}: {len(labels)} kinds of requests of storefronts, staff, scanners and an admin; {summary[0]}; thresholds met")

    status, output = end(start(tool, stack, "--p95-reads-ms", "0.01", "--rate-min", "1000000"))
    assert status == 1, f"{tool}: {status}\n{output}"
    assert "missed: the 95th percentile of reads" in output and "missed: 0 of" not in output and "at least 1e+06 are required" in output, output
    checked(f"{tool}: with thresholds that cannot be met it fails and prints both")


def check_outage(stack: Stack) -> None:
    """Kills the service under load: the share of failures exceeds its threshold."""

    def changes() -> int:
        """Returns: the number of changes by the users; the preparation makes none."""
        text = stack.request("/metrics", base=stack.env()["CODASYNC_INSTANCES"].split(",")[0])[1]
        return sum(map(int, re.findall(r'^codasync_http_requests_total\{method="PATCH",.*status="200"\} (\d+)$', text, re.MULTILINE)))

    before = changes()
    load = start("locust", stack)
    try:
        eventually(lambda: changes() > before, "the load runs", 120)
        os.kill(stack.pid_of("service-1"), signal.SIGKILL)
    finally:
        status, output = end(load)
    missed = re.search(r"^missed: (\d+ of \d+ requests failed), at most a share of 0.001 is allowed$", output, re.MULTILINE)
    assert status == 1 and missed, f"{status}\n{output}"
    checked(f"locust while the only instance was killed: {missed[1]}, so the threshold failed")


def check_refusals() -> None:
    command = [ROOT / "tests" / "load" / "run", "locust", "--url", "http://192.0.2.1:80"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 1 and "is another machine" in done.stdout, done.stdout


def main() -> None:
    end_on_sigterm()
    check_refusals()
    with own_stack() as stack:
        stack.up("--no-demo")
        for tool in ("locust", "jmeter"):
            check(tool, stack)
        check_outage(stack)


if __name__ == "__main__":
    main()
