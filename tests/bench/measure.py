"""One measurement and its results: rates and times of wrk, the processor time of each process, medians of rounds, targets, and the JSON file."""

import datetime
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import chart
from processes import ROOT, Processes

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
# With SCHED_BATCH (sched(7)) the load generator does not preempt the measured processes each time a response arrives. In production
# the clients are on other machines.
WITHOUT_PREEMPTION = ("chrt", "--batch", "0")

REQUESTS_MAX = 60_000  # of a file in a second: wrk prepares them before it starts


@dataclass(frozen=True)
class Sample:
    """What one run of wrk measured. `errors`: responses with 400 and above."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    errors: int
    cpu_us: dict[str, float]  # of a request, of each process that used any; the generator is "wrk"

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass
class Series:
    """The samples of one thing that is measured, one for each round."""

    what: str
    samples: list[Sample] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(getattr(sample, name) for sample in self.samples)

    def cpu_us(self) -> dict[str, float]:
        """Returns: the medians of the processes that used at least a fiftieth of the time; the clock of the kernel is coarse."""
        names = {name for sample in self.samples for name in sample.cpu_us}
        medians = {name: statistics.median(sample.cpu_us.get(name, 0.0) for sample in self.samples) for name in names}
        return {name: round(value, 1) for name, value in sorted(medians.items()) if value >= sum(medians.values()) / 50}

    def result(self) -> dict[str, object]:
        """Returns: the medians, and the rates of all rounds, as the JSON file has them."""
        medians = {name: round(self.median(name), 3) for name in ("p50_ms", "p99_ms", "p999_ms", "max_ms")}
        return {"what": self.what, "per_second": round(self.median("per_second"), 1), **medians, "cpu_us": self.cpu_us(),
                "rounds": [round(sample.per_second, 1) for sample in self.samples]}


def ratio(of: Series, to: Series, name: str = "per_second") -> float:
    """Returns: the ratio of the medians."""
    return of.median(name) / to.median(name)


@dataclass(frozen=True)
class Target:
    what: str
    value: float
    required: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.required if self.at_most else self.value >= self.required

    def result(self) -> dict[str, object]:
        sign = "<=" if self.at_most else ">="
        return {"what": self.what, "value": round(self.value, 3), "required": f"{sign} {self.required:g}", "met": self.met}


@dataclass
class Requests:
    """The requests of a run: one URL, or those of a file (requests.lua has its form), of which each is sent once or `again`."""

    url: str
    file: Path | None = None
    again: bool = False
    token: str = ""
    headers: tuple[str, ...] = ()
    sent: int = 0  # lines of the file that were used

    def words(self, limit: int) -> list[str]:
        words = ["-s", str(HERE / "requests.lua")]
        for header in self.headers:
            words += ["-H", header]
        words += [self.url, "--"]
        if self.file:
            words += [str(self.file), "0" if self.again else str(self.sent), str(limit), "again" if self.again else "once", self.token]
        return words


def wrk(requests: Requests, clients: int, seconds: float, processes: Processes, allowed_errors: float = 0.0) -> Sample:
    """Sends requests from `clients` connections without a pause. Ends this program if a connection failed, or a larger part of the
    responses than `allowed_errors` was an error. Returns: what was measured.
    """
    before, own = processes.processor_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*WITHOUT_PREEMPTION, "wrk", "-t", "1", "-c", str(clients), "-d", f"{max(1, round(seconds))}s", "--timeout", "20s",
               *requests.words(round(REQUESTS_MAX * max(1, seconds)))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    after, used = processes.processor_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    seen = parse(done.stdout)
    if seen["lost"] or seen["requests"] == 0 or seen["status"] > allowed_errors * seen["requests"]:
        sys.exit(f"{' '.join(command)} got errors:\n{done.stdout}")
    requests.sent += int(seen["requests"]) + clients + 1  # those in flight at the end, and one that wrk makes for itself
    total = seen["requests"]
    cpu_us = {name: 1e6 * (after[name] - before.get(name, 0.0)) / total for name in after}
    cpu_us["wrk"] = 1e6 * (used.ru_utime + used.ru_stime - own.ru_utime - own.ru_stime) / total
    return Sample(int(total), seen["seconds"], seen["p50_ms"], seen["p99_ms"], seen["p999_ms"], seen["max_ms"], int(seen["status"]),
                  {name: value for name, value in cpu_us.items() if value > 0})


def parse(printed: str) -> dict[str, float]:
    """Returns: the JSON object at the end of what wrk printed with requests.lua."""
    return json.loads(printed.strip().splitlines()[-1])  # type: ignore[no-any-return]


def rounds(number: int, parts: list[tuple[Series, Callable[[], Sample]]]) -> None:
    """Measures all parts one after the other, in each round, so that a noisy machine affects all of them; in every second round
    from the last to the first, so that what one part leaves behind affects both neighbours.
    """
    for each in range(number):
        print(f"round {each + 1} of {number}", file=sys.stderr, flush=True)
        for series, measure in parts if each % 2 == 0 else reversed(parts):
            series.samples.append(measure())


# ---- results ------------------------------------------------------------------------------------------


def machine() -> dict[str, object]:
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = re.search(r'^PRETTY_NAME="(.*)"$', Path("/etc/os-release").read_text(), re.MULTILINE)
    return {"cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(), "memory_gb": round(memory), "system": release[1] if release else "",
            "kernel": platform.release(), "load_before": round(os.getloadavg()[0], 1)}


def huge_pages() -> int:
    """Returns: the size of the reserved huge pages, in MB."""
    values = dict(re.findall(r"^(\w+):\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE))
    return int(values.get("Hugetlb", 0)) >> 10


def commit() -> str:
    """Returns: the commit of this clone, with `+` if files differ from it; empty without Git."""
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip()


@dataclass
class Report:
    """The results of one benchmark, in the form of its JSON file."""

    bench: str
    setting: dict[str, object]
    machine: dict[str, object] = field(default_factory=machine)
    series: dict[str, object] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    more: dict[str, object] = field(default_factory=dict)

    def add(self, key: str, series: Series) -> None:
        self.series[key] = series.result()

    def result(self) -> dict[str, object]:
        date = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
        return {"bench": self.bench, "date": date, "commit": commit(), "machine": self.machine | {"huge_pages_mb": huge_pages()},
                "setting": self.setting, "series": self.series,
                **self.more, "targets": [target.result() for target in self.targets]}

    def write(self, folder: Path) -> None:
        """Writes `<bench>.json` and draws its SVG; for the recorded results also the table of targets in README.md."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.bench}.json"
        file.write_text(json.dumps(self.result(), indent=1, ensure_ascii=False) + "\n")
        chart.draw(file)
        if folder.resolve() == RESULTS:
            chart.write_table()
        print(f"\n{file} and {file.with_suffix('.svg').name}")

    def print(self) -> None:
        print(f"\n{'':52}{'per second':>11}{'p50 ms':>9}{'p99 ms':>9}{'p99.9 ms':>9}  processor time of a request, µs")
        for row in self.series.values():
            cpu = ", ".join(f"{name} {value:g}" for name, value in row["cpu_us"].items())  # type: ignore[index]
            print(f"{row['what']:52}{row['per_second']:11.0f}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}{row['p999_ms']:9.2f}  {cpu}")  # type: ignore[index]
        print()
        for target in self.targets:
            result = target.result()
            print(f"{target.what:88}{target.value:8.2f}  {result['required']:>8}  {'met' if target.met else 'NOT MET'}")
