"""The load beside the servers, how often the cache answered it, and what is there at rest."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from servers import Broken, eventually
from stack import Stack

KINDS = "case date_kind when 'u' then '\"use_by\"' when 's' then '\"sell_by\"' when 'b' then '\"best_before\"' else 'null' end"


def time_text(column: str) -> str:
    """Returns: SQL for a time as a text of one length."""
    return f"to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"


def json_time(column: str) -> str:
    """Returns: SQL for a time, or none, as the service writes it."""
    return f"coalesce('\"' || rtrim(rtrim({time_text(column)}, '0'), '.') || 'Z\"', 'null')"


# What the load compares its answers with. A file each; absent values are empty.
DUMPS = {
    "events.tsv": "select reading_id, id, kind, coalesce(expiry_date::text, ''), coalesce(date_kind::text, ''),"
    " coalesce(quantity::text, ''), coalesce(delta, 0),"
    f" {time_text('observed_at')}, {time_text('received_at')}, coalesce(voids::text, ''), version, outcome, actor"
    " from stock_events order by reading_id, received_at",
    # Status, entity tag and location of a kept answer stand before its body, a line each.
    "keys.tsv": "select name, regexp_replace(answer, '^[^\n]*\n[^\n]*\n[^\n]*\n', '') from idempotency_keys",
    "products.tsv": "select gtin, version, name, coalesce(brand, ''), coalesce(category, ''), removed_at is null"
    " from products",
    "readings.tsv": "select id, version, case when present then '\"expiry_date\":' || "
    f" coalesce('\"' || expiry_date || '\"', 'null') || ',\"date_kind\":' || {KINDS}"
    " || ',\"quantity\":' || coalesce(quantity::text, 'null')"
    " || ',\"available\":' || (case when quantity = 0 then 'false' else 'true' end)"
    " || ',\"expired\":' || (case when expiry_date < now()::date then 'true' else 'false' end) || ',\"version\":' || version"
    f" || ',\"observed_at\":' || {json_time('observed_at')} || ',\"checked_at\":' || {json_time('looked_at')}"
    " || ',\"counted_at\":' ||"
    f" {json_time('case when quantity is not null then quantity_since end')}"
    f" || ',\"updated_at\":' || {json_time('updated_at')} else '' end"
    " from stock_readings",
}


class Load:
    """The generator of reads and writes, which checks what it is answered."""

    def __init__(self, stack: Stack, name: str, seed: int, options: Sequence[object] = ()) -> None:
        self.stack = stack
        self.stale: str | None = None  # the first stale read
        ports = [stack.port, *(service.port for service in stack.services)]
        words: list[object] = [stack.build / "tests/faults/faults_load", "--run", name, "--seed", seed]
        for port in ports:
            words += ["--port", port]
        for role in ("staff", "admin"):
            words += [f"--{role}-id", stack.postgres.sql(f"select id from tokens where name = '{role}'")]
        self.process = subprocess.Popen(
            [str(word) for word in [*words, *options]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "CODASYNC_STAFF_TOKEN": stack.tokens["staff"],
                "CODASYNC_ADMIN_TOKEN": stack.tokens["admin"],
            },
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._expect("ready")

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("VIOLATION stale"):
                self.stale = self.stale or line
            print(line, end="", file=sys.stderr, flush=True)

    def ask(self, line: str) -> str:
        """Returns: what it says to a line. Throws: Broken when it says nothing."""
        self._tell(line)
        answer = self._hear()
        if not answer:
            raise Broken(f"the load said nothing to {line!r}")
        return answer

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _expect(self, word: str) -> None:
        line = self._hear()
        if line != word:
            raise Broken(f"the load said {line or 'nothing'!r} instead of {word!r}")

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """No new operations; waits until every write has its answer. Throws: Broken."""
        self._tell("stop")
        self._expect("settled")

    def compare(self) -> dict[str, Any]:
        """Returns: the report, after the comparison with the ledger."""
        folder = self.stack.folder / "dumps"
        folder.mkdir()
        for name, query in DUMPS.items():
            dump(self.stack, query, folder / name)
        self._tell(f"compare {folder}")
        report: dict[str, Any] = json.loads(self._hear())
        self.process.wait(60)
        return report

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def dump(stack: Stack, query: str, path: Path) -> None:
    with open(path, "w", encoding="utf-8") as file:
        subprocess.run(
            ["/usr/lib/postgresql/15/bin/psql", "-X", "-q", "-h", stack.postgres.sockets, "-U", "postgres"]
            + ["-d", "codasync", "-c", f"copy ({query}) to stdout"],
            check=True,
            stdout=file,
            timeout=600,
        )


class Hits:
    """Counts, all the time, what the cache answered: in Nginx' log, and in the services' metrics."""

    HIT_SERIES = (
        'codasync_cache_lookups_total{result="hit"}',
        'codasync_cache_reads_total{path="hit"}',
    )

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.by_nginx = 0
        self.by_services = 0
        self._last: dict[str, dict[str, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(2.0):
            self._services()
            log = self.stack.nginx.state / "access.log"
            if log.exists() and log.stat().st_size > 20_000_000:
                self._nginx()

    def _services(self) -> None:
        for service in self.stack.services:
            now = service.metrics()
            before = self._last.get(service.name, {})
            if not now:
                continue
            # A restarted process counts from 0; what it counted since the last look is not known.
            for name in self.HIT_SERIES:
                old, new = before.get(name, 0.0), now.get(name, 0.0)
                self.by_services += int(new - old if new >= old else new)
            self._last[service.name] = now

    def _nginx(self) -> None:
        """Counts the log so far and takes it away."""
        log = self.stack.nginx.state / "access.log"
        aside = log.with_name("access.counted")
        log.rename(aside)
        self.stack.nginx.send(signal.SIGUSR1)  # opens a new one; its workers write their buffers out first
        time.sleep(1.5)
        with open(aside, "rb") as file:
            for block in iter(lambda: file.readlines(1 << 24), []):
                self.by_nginx += sum(b'"cache":"hit"' in line for line in block)
        aside.unlink()

    def finish(self) -> int:
        """Returns: all hits."""
        self._stop.set()
        self._thread.join()
        self._services()
        if (self.stack.nginx.state / "access.log").exists():
            time.sleep(1.1)
            self._nginx()
        return self.by_nginx + self.by_services


def differences_at_rest(stack: Stack) -> tuple[int, list[str]]:
    """Compares every entry of the cache, and every list and page through it, with what the database alone says.

    Returns: how many were compared, and what differs.
    """
    plain = stack.uncached()
    compared, wrong = 0, []
    lists = {"/api/v1/products?limit=1000", "/api/v1/shops?limit=1000"}
    for node in stack.nodes:
        eventually(node.ready, f"{node.name} answers")
        for line in node.ask("lru_crawler metadump all", b"END\r\n").decode().splitlines():
            found = re.match(r"key=(\S+) ", line)
            if found is None:
                continue
            key = unquote(found[1])
            if key.startswith("gen1:shop:"):
                lists.add(f"/api/v1/stock-readings?shop={key.rsplit(':', 1)[1]}&limit=1000")
            if key.startswith("row1:reading:"):
                _, _, shop, gtin = key.split(":")
                lists.add(f"/api/v1/shops/{shop}/stock?GTIN={gtin}")
            if key.startswith("row1:product:"):
                lists.add(f"/api/v1/products?GTIN={key.rsplit(':', 1)[1]}")
            if not key.startswith("coda1:"):
                continue
            entry = node.ask(f"get {key}", b"END\r\n")
            if not entry.startswith(b"VALUE ") or b"HTTP/1.1 200 OK\r\n" not in entry:
                continue  # a lease, or gone meanwhile
            head, _, body = entry.removesuffix(b"\r\nEND\r\n").partition(b"\r\n\r\n")
            tag = re.search(rb"\r\nETag: (\S+)", head)
            compared += 1
            truth = ask(plain.port, key.removeprefix("coda1:"))
            if truth != (200, tag[1].decode() if tag else None, body):
                wrong.append(f"{key} holds {entry!r}, the database says {truth!r}")
    for uri in lists:
        truth = ask(plain.port, uri)
        for port in [stack.port, *(service.port for service in stack.services)]:
            compared += 1
            shown = ask(port, uri)
            if shown != truth:
                wrong.append(f"{uri} shows {shown!r}, the database says {truth!r}")
    return compared, wrong


def ask(port: int, uri: str) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", uri)
        answer = connection.getresponse()
        return answer.status, answer.headers["ETag"], answer.read()
    finally:
        connection.close()
