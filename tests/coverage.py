"""Prints which share of the program's lines and branches ran: those of the build folder of `tests/run --coverage`.

    tests/coverage.py BUILD              the shares of each folder and of the parts whose branches matter most
    tests/coverage.py BUILD PATH...      also each line and branch below these paths that did not run

gcov counts. Branches to the handlers of exceptions are left out: almost every call has one, and most need a failed allocation. So are
asserts, which must not fail, the way past all cases of a switch, which the compiler has for values that no enumerator has, and lines that
only end a block, where the compiler puts destructors. Fails when a folder is below its share of lines.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINES_MIN = {"storage": 0.9, "cache": 0.9, "api": 0.9}
# The parts whose branches are to be reached completely, by their paths.
PARTS = {
    "fold": ("storage/model/event.cpp", "storage/model/shelf.cpp", "storage/ledger/batch_fold.cpp", "storage/ledger/reading_history.cpp", "storage/ledger/replay.cpp"),
    "protocol": ("cache/slot_rules.cpp", "cache/row_commands.cpp", "cache/memcached_cache.cpp", "cache/memcached_invalidation.cpp", "cache/text_connection.cpp",
                 "cache/list_entry.cpp", "cache/page_read.cpp"),  # fmt: skip
    "parsers": ("storage/model/barcode/", "storage/model/gtin.cpp", "storage/model/time.cpp", "storage/model/number.cpp", "storage/model/uuid.cpp",
                "storage/import/csv_reader.cpp", "api/body.cpp", "api/etag.cpp", "api/feed_cursor.cpp", "api/parameters.cpp", "api/uri.cpp", "api/cache_entry.cpp",
                "api/transport/body.cpp", "api/transport/head.cpp", "api/transport/request_reader.cpp", "cache/codec.cpp"),  # fmt: skip
}  # fmt: skip

NOT_COUNTED = re.compile(r"\s*(\}[;)]*|__builtin_unreachable\(\);)\s*$|.*\bassert\(")  # see above


@dataclass
class Source:
    lines: dict[int, int] = field(default_factory=dict)  # how often each line ran
    branches: dict[tuple[int, int], int] = field(default_factory=dict)  # by line and number


@dataclass
class Share:
    reached: int = 0
    total: int = 0

    def add(self, counts: dict) -> None:  # type: ignore[type-arg]
        self.reached += sum(1 for count in counts.values() if count)
        self.total += len(counts)

    @property
    def part(self) -> float:
        return self.reached / self.total if self.total else 1.0

    def __str__(self) -> str:
        return f"{self.part:7.1%} of {self.total:6,}"


def gcov(note: Path) -> list[tuple[str, Source]]:
    """Returns: the sources of the program that one object file has. Without data no line ran."""
    command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", str(note)]
    done = subprocess.run(command, cwd=note.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    found = []
    for text in done.stdout.splitlines():
        report = json.loads(text)
        for file in report["files"]:
            path = Path(report["current_working_directory"], file["file"]).resolve()
            if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in LINES_MIN:
                continue
            source, texts = Source(), path.read_text(encoding="utf-8").splitlines()
            for line in file["lines"]:
                number = line["line_number"]
                if NOT_COUNTED.match(texts[number - 1]):
                    continue
                source.lines[number] = source.lines.get(number, 0) + line["count"]
                branches = [each["count"] for each in line["branches"] if not each["throw"]]
                if "switch (" in texts[number - 1]:
                    del branches[-1:]
                for place, count in enumerate(branches):
                    source.branches[number, place] = source.branches.get((number, place), 0) + count
            found.append((str(path.relative_to(ROOT)), source))
    return found


def sources(build: Path) -> dict[str, Source]:
    """Returns: the counts of each source, of all programs together."""
    merged: dict[str, Source] = defaultdict(Source)
    with ThreadPoolExecutor() as pool:
        for found in pool.map(gcov, sorted(build.rglob("*.gcno"))):
            for path, source in found:
                for mine, other in ((merged[path].lines, source.lines), (merged[path].branches, source.branches)):
                    for key, count in other.items():
                        mine[key] = mine.get(key, 0) + count  # type: ignore[index]
    return dict(merged)


def shares(found: dict[str, Source], prefixes: tuple[str, ...]) -> tuple[Share, Share]:
    lines, branches = Share(), Share()
    for path, source in found.items():
        if path.startswith(prefixes):
            lines.add(source.lines)
            if path.endswith(".cpp"):  # a header has other branches in each object file
                branches.add(source.branches)
    return lines, branches


def main() -> int:
    build, paths = Path(sys.argv[1]).resolve(), tuple(sys.argv[2:])
    found = sources(build)
    failed = []
    print(f"{'':12}{'lines':>16} {'branches':>18}")
    for name, prefixes in {**{folder: (f"{folder}/",) for folder in LINES_MIN}, **PARTS}.items():
        lines, branches = shares(found, prefixes)
        print(f"{name:10} {lines} {branches}")
        if name in LINES_MIN and lines.part < LINES_MIN[name]:
            failed.append(f"{name}: less than {LINES_MIN[name]:.0%} of the lines ran")
    for path in sorted(found):
        if paths and path.startswith(paths):
            missed = sorted(number for number, count in found[path].lines.items() if not count)
            half = sorted({number for (number, _), count in found[path].branches.items() if not count} - set(missed))
            if missed or half:
                print(f"{path}: lines {missed}; branches in lines {half}")
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
