"""Measures the streams of changes: the delay from a write at one instance to its receipt at another one, the memory and processor time of
1,000 clients, and how fast a client that was away gets what it missed; beside requests of GET /changes, and beside writes without streams.

The delay is measured from the response to the write. Sums of processor time are those of a process and its children.
"""

import argparse
import bisect
import http.client
import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from databases import database, open_folder, start_postgres
from measure import HERE, WITHOUT_PREEMPTION, Requests, wrk
from options import parser_of, read_options
from processes import Processes
from served import API, Reading, Served

MISSED = 20_000  # changes of a client that was away


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, round(len(values) * part))]


class Streams:
    def __init__(self, processes: Processes, served: Served, options: argparse.Namespace) -> None:
        self.processes, self.served, self.options = processes, served, options
        self.edge = served.nginx()
        self.reading = served.of_largest_shops(1)[0]
        self.path = f"{API}/shops/{self.reading.shop}/stream"
        self.writer = http.client.HTTPConnection(served.direct, timeout=30)

    def write(self, reading: Reading) -> int:
        """Writes at the first instance. Returns: the version."""
        headers = {"Authorization": f"Bearer {self.served.token}", "Content-Type": "application/json"}
        self.writer.request("POST", f"{reading.path}/adjust", '{"delta":1}', headers)
        answer = self.writer.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"a write failed: {body}")
        return int(body["version"])

    @contextmanager
    def listeners(self, number: int, address: str) -> Iterator[dict[str, object]]:
        """Clients of the other instance. Yields: an object that has their results afterwards."""
        process = subprocess.Popen([*WITHOUT_PREEMPTION, "/usr/bin/python3", "-B", HERE / "listeners.py", address, str(number), self.path],
                                   text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        result: dict[str, object] = {}
        try:
            if process.stdout.readline() != "ready\n":  # type: ignore[union-attr]
                raise SystemExit("the clients did not get their first event")
            yield result
        finally:
            printed = process.communicate(timeout=60)[0]
            if printed:
                result |= json.loads(printed.splitlines()[-1])

    def delays(self, number: int, address: str, what: str) -> None:
        with self.listeners(number, address) as result:
            written: dict[int, int] = {}
            before = self.processes.processor_seconds()
            for _ in range(self.options.writes):
                written[self.write(self.reading)] = time.monotonic_ns()
                time.sleep(self.options.pause)
            time.sleep(1)
            after = self.processes.processor_seconds()
        arrivals = result["arrivals"]
        versions = sorted(map(int, arrivals))  # type: ignore[call-overload]
        found = []
        for version, wrote in written.items():
            # Writes between two queries arrive as one event, with the version of the last.
            seen = versions[bisect.bisect_left(versions, version)]
            found += [max(0.0, (at - wrote) / 1e6) for at in arrivals[str(seen)]]  # type: ignore[index]
        events = int(result["events"])  # type: ignore[call-overload]
        cpu = ", ".join(f"{name} {1e6 * (after[name] - before[name]) / max(1, events):.1f}" for name in after if after[name] > before[name])
        print(f"{what:44} delay p50 {percentile(found, 0.5):6.1f} ms, p99 {percentile(found, 0.99):6.1f} ms, longest {max(found):6.1f} ms;"
              f" {events:,} events of {number * len(written):,}; processor time of an event, µs: {cpu}")

    def idle(self) -> None:
        """Memory and processor time of clients that get nothing."""
        seconds = max(self.options.seconds, 5)

        def rates() -> dict[str, float]:
            before = self.processes.processor_seconds()
            time.sleep(seconds)
            after = self.processes.processor_seconds()
            return {name: 1000 * (after[name] - before[name]) / seconds for name in ("uncached", "postgres")}

        name = "uncached"
        alone, memory = rates(), self.processes.memory_megabytes(name)
        with self.listeners(1, self.served.uncached):
            one = rates()
        with self.listeners(self.options.clients, self.served.uncached):
            many, larger = rates(), self.processes.memory_megabytes(name)
        for what, each in (("no stream", alone), ("1 idle stream", one), (f"{self.options.clients:,} idle streams", many)):
            print(f"{what:44} the instance {each['uncached']:5.1f} ms of processor time a second, PostgreSQL {each['postgres']:5.1f}")
        print(f"{'memory of the instance':44} {memory:.1f} MB, with {self.options.clients:,} idle streams {larger:.1f} MB:"
              f" {1024 * (larger - memory) / self.options.clients:.1f} KB each")

    def feed(self) -> None:
        """The bare cost of GET /changes at its end: what a client pays that asks again and again."""
        since = ""
        while True:
            connection = http.client.HTTPConnection(self.served.uncached, timeout=60)
            connection.request("GET", f"{API}/changes?shop={self.reading.shop}&limit=1000" + (f"&since={since}" if since else ""))
            page = json.loads(connection.getresponse().read())
            connection.close()
            since = page["next"]
            if not page["more"]:
                break
        self.end = since
        sample = wrk(Requests(f"http://{self.served.uncached}{API}/changes?shop={self.reading.shop}&since={since}"), 8, self.options.seconds, self.processes)
        cpu = ", ".join(f"{name} {value:.0f}" for name, value in sorted(sample.cpu_us.items()) if name in ("uncached", "postgres"))
        print(f"{'GET /changes without a change, 8 clients':44} {sample.per_second:8,.0f} requests/s, p50 {sample.p50_ms:.1f} ms;"
              f" processor time of a request, µs: {cpu}")

    def missed(self) -> None:
        """A client that was away for MISSED changes."""
        # Many transactions, as writers make them.
        self.served.database.sql(
            f"do $$ declare done integer := 0; begin while done < {MISSED} loop insert into changes (shop_id, reading_id) select shop_id, id"
            f" from stock_readings where shop_id = {self.reading.shop} and present order by id limit 100; commit; done := done + 100; end loop; end $$")
        connection = http.client.HTTPConnection(self.served.uncached, timeout=60)
        started = time.monotonic()
        connection.request("GET", self.path, headers={"Last-Event-ID": self.end})
        events = 0
        for line in connection.getresponse():
            events += line == b"event: reading\n"
            if events == MISSED:
                break
        seconds = time.monotonic() - started
        connection.close()
        print(f"{f'a client that missed {MISSED:,} changes':44} {MISSED / seconds:8,.0f} events/s")

    def writes(self) -> None:
        """Writes of many readings, with and without streams."""
        some = self.served.readings(2_000, seed=12)
        requests = Requests(f"http://{self.served.direct}", self.served.file("writes", [f'{reading.path}/adjust {{"delta":1}}' for reading in some]),
                            again=True, token=self.served.token)
        alone, beside = [], []
        for _ in range(self.options.rounds):
            alone.append(wrk(requests, 64, self.options.seconds, self.processes).per_second)
            with self.listeners(100, self.served.uncached):
                beside.append(wrk(requests, 64, self.options.seconds, self.processes).per_second)
        print(f"{'writes of 64 clients, without streams':44} {statistics.median(alone):8,.0f}/s")
        print(f"{'the same, with 100 streams of one shop':44} {statistics.median(beside):8,.0f}/s")


def main() -> None:
    parser = parser_of("stream", __doc__, quick="one short round", seconds="of each load", clients="of the streams")
    parser.set_defaults(clients=1_000)
    parser.add_argument("--readings", type=int, default=100_000, help="in the database")
    parser.add_argument("--writes", type=int, default=200, help="of which the delay is measured")
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between these")
    options = read_options(parser)
    if options.quick:
        options.readings, options.clients, options.writes = 10_000, 100, 30
    processes = open_folder(options.folder, options.workers)
    try:
        start_postgres(processes)
        served = Served(processes, database(processes, options.readings))
        served.database.warm()
        streams = Streams(processes, served, options)
        streams.idle()
        streams.delays(1, served.uncached, "1 client of another instance")
        streams.delays(options.clients, served.uncached, f"{options.clients:,} clients of another instance")
        streams.delays(options.clients, streams.edge, f"{options.clients:,} clients through Nginx")
        streams.feed()
        streams.missed()
        streams.writes()
    finally:
        processes.stop()


if __name__ == "__main__":
    main()
