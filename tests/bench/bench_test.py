"""The benchmarks' own parts: requests, counts, crowds, charts, and the recorded results. No figure of this machine is checked."""

import asyncio
import datetime
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import chart
from growth import next_page, public_reads
from measure import Requests, Sample, Series, Target, parse, ratio, wrk
from processes import ROOT, Processes, prepare
from reads import hits_of
from served import Reading, zipf

HERE = Path(__file__).resolve().parent
RESULTS = sorted((HERE / "results").glob("*.json"))


class Server(ThreadingHTTPServer):
    """Answers every request and stores it: method, path, body, token."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, status: int = 200, body: bytes = b"[]") -> None:
        self.seen: list[tuple[str, str, str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                server.seen.append((self.command, self.path, sent, self.headers.get("Authorization", "")))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients reset their connections
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server_address[1]}"


def sample(per_second: float, p99: float = 1.0) -> Sample:
    return Sample(int(per_second), 1.0, 0.5, p99, 2.0, 3.0, 0, {"nginx": per_second / 10, "wrk": 0.001})


class Measuring(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.processes = Processes(self.folder, self.folder, prepare.owner_of(self.folder))
        self.addCleanup(self.processes.stop)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed (config/install bench)")
    def test_each_line_of_a_file_is_one_request(self) -> None:
        server = Server()
        self.addCleanup(server.shutdown)
        file = self.folder / "requests"
        file.write_text("".join(f"/{number}\n" for number in range(20)) + '/write {"delta":1}\n')
        requests = Requests(f"http://{server.address}", file, token="secret", sent=5)
        seen = wrk(requests, 2, 1, self.processes)
        # One more: wrk makes the first request once to check it. Two may be in flight at the end.
        self.assertGreaterEqual(requests.sent, 5 + seen.requests)
        gets = [path for method, path, _, _ in server.seen if method == "GET"]
        self.assertEqual(sorted(gets), sorted(f"/{number}" for number in range(6, 20)))
        self.assertEqual([one for one in server.seen if one[0] == "POST"][0], ("POST", "/write", '{"delta":1}', "Bearer secret"))
        self.assertLess(seen.p50_ms, 1000)
        self.assertGreater(seen.cpu_us["wrk"], 0)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed (config/install bench)")
    def test_a_file_can_start_again_and_errors_end_the_benchmark(self) -> None:
        server = Server()
        self.addCleanup(server.shutdown)
        file = self.folder / "requests"
        file.write_text("/a\n/b\n")
        wrk(Requests(f"http://{server.address}", file, again=True), 2, 1, self.processes)
        self.assertGreater([path for _, path, _, _ in server.seen].count("/a"), 2)
        broken = Server(status=503)
        self.addCleanup(broken.shutdown)
        with self.assertRaises(SystemExit):
            wrk(Requests(f"http://{broken.address}/"), 2, 1, self.processes)
        self.assertGreater(wrk(Requests(f"http://{broken.address}/"), 2, 1, self.processes, allowed_errors=1.0).errors, 0)

    def test_the_time_and_memory_of_a_process_include_its_children(self) -> None:
        before = time.monotonic()
        self.processes.start("busy", sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])")
        self.processes.start("idle", "sleep", "60")
        while self.processes.processor_seconds()["busy"] < 0.3 and time.monotonic() < before + 30:
            time.sleep(0.05)
        self.assertGreaterEqual(self.processes.processor_seconds()["busy"], 0.3)
        self.assertLess(self.processes.processor_seconds()["idle"], 0.1)
        self.assertGreater(self.processes.memory_megabytes("busy"), self.processes.memory_megabytes("idle"))
        child = Path(f"/proc/{self.processes.started['busy'].pid}/task/{self.processes.started['busy'].pid}/children").read_text().split()
        subprocess.run(["kill", *child], check=True)

    def test_medians_ratios_and_targets(self) -> None:
        slow, fast = Series("slow", [sample(100), sample(1), sample(120)]), Series("fast", [sample(200), sample(190), sample(900)])
        self.assertEqual(ratio(slow, fast), 0.5)
        self.assertEqual(slow.result()["rounds"], [100, 1, 120])
        self.assertEqual(slow.cpu_us(), {"nginx": 10.0}, "a process that used almost nothing is left out")
        self.assertTrue(Target("", 0.5, 0.5).met and Target("", 0.5, 0.5, at_most=True).met)
        self.assertFalse(Target("", 0.49, 0.5).met or Target("", 0.51, 0.5, at_most=True).met)
        self.assertEqual(parse('Running …\n  12 requests\n\n{"requests": 3}\n'), {"requests": 3})

    def test_hits_are_counted_from_a_position_of_the_log(self) -> None:
        log = self.folder / "access.log"
        log.write_text('{"cache":"hit"}\n')
        start = log.stat().st_size
        with open(log, "a", encoding="ascii") as file:
            file.write('{"cache":"hit"}\n' * 3 + '{"cache":"miss"}\n{"cache":""}\n')
        self.assertEqual(hits_of(log, start), 0.75)

    def test_zipf_prefers_the_first(self) -> None:
        found = zipf(1000, 100_000, seed=1)
        self.assertTrue(all(0 <= index < 1000 for index in found))
        first = found.count(0)  # 1 / H(1000) = 0.1336
        self.assertTrue(12_000 < first < 15_000, first)
        self.assertAlmostEqual(first / found.count(9), 10, delta=2)


class PublicReads(unittest.TestCase):
    def test_every_public_read_of_the_route_table_is_measured(self) -> None:
        # A stream has no end: `tests/bench/run stream` measures it. An export has all rows of the database.
        routes = re.findall(r'Route\{get,\s+"/api/v1([^"]*)",\s+kReader\w*,\s+(?!\s|EventStream|Export)', (ROOT / "api/routes.cpp").read_text())
        self.assertIn("/shops/{id}/stock", routes)
        reads = public_reads([Reading(1, 2, "4006381333931")], datetime.date(2026, 1, 1), random.Random(1))
        measured = {re.sub(r"\{\w+\}", "{}", address.split("?")[0]) for address in reads}
        self.assertFalse({re.sub(r"\{\w+\}", "{}", route) for route in routes} - measured)
        self.assertFalse([path for paths in reads.values() for path in paths if "{" in path])

    def test_the_next_page_is_in_the_link(self) -> None:
        self.assertEqual(next_page({"Link": '</a?cursor=b>; rel="next"'}), "/a?cursor=b")
        self.assertEqual(next_page({}), "")


class Crowds(unittest.TestCase):
    def crowd(self, *words: str, seconds: float = 0.0) -> dict[str, int]:
        process = subprocess.Popen([sys.executable, "-B", HERE / "crowd.py", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        time.sleep(seconds)
        return json.loads(process.communicate(timeout=60)[0])  # type: ignore[no-any-return]

    def test_idle_clients_request_again_at_the_end(self) -> None:
        server = Server()
        self.addCleanup(server.shutdown)
        self.assertEqual(self.crowd("idle", server.address, "30", "/x"), {"connected": 30, "answered": 30, "failed": 0})
        self.assertEqual(len(server.seen), 60)

    def test_pages_are_opened_with_the_files_that_they_name(self) -> None:
        server = Server(body=b'<link href="/assets/a.css"><script src="/assets/b.js"></script>')
        self.addCleanup(server.shutdown)
        counts = self.crowd("pages", server.address, "3", "/page", seconds=1.5)
        paths = [path for _, path, _, _ in server.seen]
        self.assertEqual(set(paths), {"/page", "/assets/a.css", "/assets/b.js"})
        self.assertGreaterEqual(paths.count("/assets/b.js"), 3)
        self.assertEqual((counts["connected"], counts["answered"], counts["failed"]), (3, len(paths), 0))

    def test_slow_writers_complete_their_requests(self) -> None:
        server = Server()
        self.addCleanup(server.shutdown)
        counts = self.crowd("writers", server.address, "5", "/w", "secret", seconds=8)
        self.assertGreaterEqual(counts["answered"], 5)
        self.assertEqual(counts["failed"], 0)
        self.assertEqual(set(server.seen), {("POST", "/w", '{"delta":1}', "Bearer secret")})

    def test_slow_readers_read_slowly_and_count_lost_connections(self) -> None:
        async def scenario() -> tuple[int, dict[str, int]]:
            sent = 0

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal sent
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
                for _ in range(3000):
                    writer.write(b"x" * 1000)
                    sent += 1000
                    if sent > 1_500_000:
                        break
                    await writer.drain()
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            counts = await asyncio.to_thread(self.crowd, "readers", address, "1", "/r", seconds=2)
            slow = sent
            server.close()
            return slow, counts

        sent, counts = asyncio.run(scenario())
        self.assertLess(sent, 3_000_000, "the reader did not slow the sender")
        self.assertEqual(counts["answered"], 0)


class Results(unittest.TestCase):
    def test_the_recorded_results_are_complete_and_their_charts_are_drawn_from_them(self) -> None:
        self.assertTrue(RESULTS, "no results are recorded")
        for file in RESULTS:
            with self.subTest(file.name):
                results = json.loads(file.read_text(encoding="utf-8"))
                self.assertEqual(file.stem, results["bench"])
                self.assertFalse(results["setting"]["quick"], "a quick run only shows that the benchmark works")
                self.assertRegex(results["commit"], r"^[0-9a-f]{12}\+?$")
                self.assertRegex(results["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$")
                self.assertTrue({"cpu", "cores", "memory_gb", "system", "kernel", "load_before"} <= set(results["machine"]))
                for target in results["targets"]:
                    sign, required = target["required"].split()
                    met = target["value"] <= float(required) if sign == "<=" else target["value"] >= float(required)
                    self.assertEqual(target["met"], met, target)
                self.assertEqual(file.with_suffix(".svg").read_text(encoding="utf-8"), chart.svg(results), "tests/bench/run chart draws it")

    def test_the_table_of_targets_in_the_readme_is_that_of_the_results(self) -> None:
        found = chart.TABLE.search(chart.README.read_text(encoding="utf-8"))
        self.assertIsNotNone(found, "the marks of the table are missing")
        self.assertEqual(found[0], found[1] + chart.table() + found[2], "tests/bench/run chart writes it")  # type: ignore[index]

    def test_a_chart_has_a_bar_for_each_rate(self) -> None:
        series = {name: Series(f"{name}, {crowd}", [sample(100, p99=7)]).result() for name, crowd in (("a alone", "alone"), ("a idle", "<idle>"))}
        made = chart.svg({"bench": "idle", "date": "2026-01-01T00:00Z", "commit": "0", "series": series,
                          "machine": {"cpu": "c", "cores": 2, "memory_gb": 1, "system": "s", "load_before": 0.0}})
        self.assertEqual(made.count("<rect"), 3)
        self.assertIn("&lt;idle&gt;", made)
        self.assertIn("100/s; p99 7.0 ms", made)


if __name__ == "__main__":
    unittest.main()
