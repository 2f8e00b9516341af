"""Runs the scripts of this folder for tests/ops/run, and prints a table of what was started and checked."""

import argparse
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from report import CHECKED, SKIPPED, SKIPPED_STATUS

HERE = Path(__file__).resolve().parent
SECONDS_EACH = 900.0
SECONDS_ALL = 1800.0
SECONDS_TO_CLEAN_UP = 60.0  # from SIGTERM to SIGKILL


@dataclass
class Result:
    name: str
    verdict: str = "failed"
    why: str = ""
    seconds: float = 0.0
    checked: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        if line.startswith(CHECKED):
            self.checked.append(line.removeprefix(CHECKED).strip())
        elif line.startswith(SKIPPED):
            self.skipped.append(line.removeprefix(SKIPPED).strip())

    def judge(self, status: int, limit: float | None) -> None:
        """Sets the verdict. A script that checked nothing has failed."""
        if limit is not None:
            self.why = f"ended after its limit of {limit:.0f} s"
        elif status == SKIPPED_STATUS and self.skipped:
            self.verdict = "skipped"
        elif status != 0:
            self.why = f"ended with status {status}"
        elif not self.checked:
            self.why = "reported nothing as checked"
        else:
            self.verdict = "passed"


def run(script: Path, limit: float) -> Result:
    """Runs one script in a process group of its own and prints its output. limit: seconds."""
    result = Result(script.name.removesuffix("_test.py"))
    began = time.monotonic()
    # Unbuffered, so that its output is printed at once.
    command = [sys.executable, "-B", "-u", str(script)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
        process_group=0,
    ) as process:
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            signal_group(process.pid, signal.SIGTERM)
            try:
                process.wait(SECONDS_TO_CLEAN_UP)
            except subprocess.TimeoutExpired:
                pass
            signal_group(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            for line in process.stdout:
                result.read(line)
                print(f"  {line}", end="", flush=True)
            status = process.wait()
        except BaseException:  # Ctrl-C: the script cleans up first
            signal_group(process.pid, signal.SIGTERM)
            process.wait(SECONDS_TO_CLEAN_UP)
            raise
        finally:
            timer.cancel()
            signal_group(process.pid, signal.SIGKILL)
    result.seconds = time.monotonic() - began
    result.judge(status, limit if late.is_set() else None)
    return result


def signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass


def table(results: list[Result]) -> str:
    """Returns: one row per script, and below it what was checked and skipped."""
    lines = [f"{'what':<20}{'time':>8}  result"]
    for result in results:
        verdict = f"{result.verdict}: {result.why}" if result.why else result.verdict
        lines.append(f"{result.name:<20}{result.seconds:>6.0f} s  {verdict}")
        for mark, texts in (("checked", result.checked), ("skipped", result.skipped)):
            for text in texts:
                lines += textwrap.wrap(text, 118, initial_indent=f"    {mark:<9}", subsequent_indent=" " * 13)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(usage="see tests/ops/run --help", add_help=False, allow_abbrev=False)
    parser.add_argument("--filter", type=re.compile, default="")
    wanted = parser.parse_args().filter
    scripts = [script for script in sorted(HERE.glob("*_test.py")) if re.search(wanted, script.name)]
    if not scripts:
        print("tests/ops/run: no script matches. The scripts:", file=sys.stderr)
        print("\n".join(f"  {script.name}" for script in sorted(HERE.glob("*_test.py"))), file=sys.stderr)
        return 2
    deadline = time.monotonic() + SECONDS_ALL
    results = []
    for number, script in enumerate(scripts, start=1):
        left = deadline - time.monotonic()
        print(f"[{number}/{len(scripts)}] {script.name}", flush=True)
        if left <= 0:
            results.append(Result(script.name.removesuffix("_test.py"), why="no time was left"))
            continue
        results.append(run(script, min(SECONDS_EACH, left)))
        print(f"  {results[-1].verdict} after {results[-1].seconds:.0f} s", flush=True)
    print(f"\n{table(results)}\n")
    count = {verdict: sum(one.verdict == verdict for one in results) for verdict in ("passed", "failed", "skipped")}
    if count["skipped"]:
        print(f"{count['skipped']} skipped")
    print(f"{count['passed']} passed, {count['failed']} failed")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
