#!/usr/bin/python3
"""Rolling restarts and scaling under full load: no request fails or takes a second."""

import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
from load import Load, failed_requests, new_readings  # noqa: E402
from stack import Stack, call, own_stack  # noqa: E402

WRITERS = READERS = 24
READINGS = 50
SLOWEST_MS = 1000.0
STEPS = (3, 3, 1, 2, 4, 1)  # instances after each restart, beginning with three


def undisturbed(stack: Stack, readings: list[int]) -> dict[str, Any]:
    """Returns: the results of the same load without restarts, to see the effect of the machine."""
    with Load(stack, readings, WRITERS, READERS) as load:
        time.sleep(15)
    return load.seen


def main() -> None:
    report.end_on_sigterm()
    with own_stack() as stack:
        stack.up("--instances", STEPS[0], "--no-demo")
        readings = new_readings(stack, READINGS)
        without = [undisturbed(stack, readings)]
        restarted = 0
        with Load(stack, readings, WRITERS, READERS) as load:
            for before, count in zip((STEPS[0], *STEPS), STEPS):
                done = call("rolling-restart", "--dir", stack.folder, "--instances", count)
                assert done.returncode == 0, done.stdout
                assert len(stack.env()["CODASYNC_INSTANCES"].split(",")) == count
                restarted += min(before, count)
        seen = load.seen
        without.append(undisturbed(stack, readings))
        print(f"without restarts {without}\nwith restarts    {seen}")
        assert load.process.returncode == 0, "a request was lost, an old version was read, or versions have a gap"
        for name in ("refused", "lost", "old"):
            assert seen[name] == 0, f"{name}: {seen[name]}\n{failed_requests(stack)}"
        written = sum(one["requests"] - one["reads"] for one in (seen, *without))
        total = sum(stack.request(f"/api/v1/stock-readings/{one}")[1]["quantity"] for one in readings)
        assert total == written, f"{written} writes were acknowledged, the readings add up to {total}"
        slowest = max(one["max_ms"] for one in without)
        report.checked(
            f"{restarted} instances restarted one after the other, and scaled {' → '.join(map(str, STEPS))}, under {WRITERS} writers and"
            f" {READERS} readers through Nginx for {seen['seconds']:.0f} s: {seen['requests']} requests"
            f" ({seen['requests'] / seen['seconds']:.0f}/s), none failed or read an old version, each write is stored once; p99"
            f" {seen['p99_ms']:.0f} ms, the slowest {seen['max_ms']:.0f} ms (without restarts {slowest:.0f} ms)"
        )
        if slowest > SLOWEST_MS / 2:
            report.not_here(f"the slowest request of a restart: without restarts one took {slowest:.0f} ms on this machine")
        else:
            assert seen["max_ms"] < SLOWEST_MS, f"the slowest request took {seen['max_ms']:.0f} ms"


if __name__ == "__main__":
    main()
