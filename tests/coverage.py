"""Prints which share of the program's lines and branches ran: those of the build folder of `tests/run --coverage`.

    tests/coverage.py BUILD              the shares of each folder and of the parts whose branches matter most
    tests/coverage.py BUILD PATH...      also each line and branch below these paths that did not run

Clang counts in the source: a branch is one result, true or false, of a condition or of a label of a switch. Left out are conditions that
the compiler decides, asserts, which must not fail, and the way past all labels of a switch without `default`, which only values without
an enumerator take. Lines without code, and lines that only end a block, do not count. Fails when a folder is below its share of lines.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LLVM = "/usr/lib/llvm-14/bin"
LINES_MIN = {"storage": 0.9, "cache": 0.9, "api": 0.9}
# The parts whose branches are to be reached completely, by the starts of their paths.
PARTS = {
    "fold": ("storage/model/event.", "storage/model/shelf.", "storage/ledger/batch_fold.", "storage/ledger/reading_history.", "storage/ledger/replay."),
    "protocol": ("cache/",),
    "parsers": ("storage/model/barcode/", "storage/model/gtin.", "storage/model/number.", "storage/model/text.", "storage/model/time.", "storage/model/uuid.",
                "storage/import/csv_reader.", "api/body.", "api/cache_entry.", "api/etag.", "api/feed_cursor.", "api/json.", "api/parameters.", "api/uri.",
                "api/transport/body.", "api/transport/head.", "api/transport/request_reader."),  # fmt: skip
}  # fmt: skip
# Lines, see above; a comparison that the compiler makes (`= default`) has branches too.
NOT_COUNTED = re.compile(r"\s*([]})>;,]*|//.*|__builtin_unreachable\(\);)\s*$|.*(\bassert\(|= default;$)")

Place = tuple[int, int, bool]  # the line and column of a condition, and its result


@dataclass
class Source:
    lines: dict[int, int] = field(default_factory=dict)  # how often each line ran
    branches: dict[Place, int] = field(default_factory=dict)


@dataclass
class Share:
    reached: int = 0
    total: int = 0

    def add(self, counts: Iterable[int]) -> None:
        for count in counts:
            self.reached += count > 0
            self.total += 1

    @property
    def part(self) -> float:
        return self.reached / self.total if self.total else 1.0

    def __str__(self) -> str:
        return f"{self.part:7.1%} of {self.total:6,}"


def programs(build: Path) -> list[Path]:
    """Returns: the programs that Clang counts in."""
    found = []
    for path in sorted(build.rglob("*")):
        if path.is_file() and path.stat().st_mode & 0o100 and path.read_bytes()[:4] == b"\x7fELF" and b"__llvm_covmap" in path.read_bytes():
            found.append(path)
    return found


def export(build: Path) -> dict[str, Any]:
    """Returns: what llvm-cov has on the files and functions of the folders."""
    first, *others = programs(build)
    with tempfile.TemporaryDirectory() as folder:
        profile = f"{folder}/all.profdata"
        subprocess.run([f"{LLVM}/llvm-profdata", "merge", "--sparse", *map(str, build.glob("profiles/*")), "-o", profile], check=True)
        command = [f"{LLVM}/llvm-cov", "export", f"--instr-profile={profile}", str(first), *(f"--object={each}" for each in others)]
        command += [str(ROOT / name) for name in LINES_MIN]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["data"][0]  # type: ignore[no-any-return]


def counts_of_lines(segments: list[Any]) -> dict[int, int]:
    """Returns: how often each line ran: the most of the regions that begin in it and of the one that it begins in. The gap behind a
    statement, such as an assert, does not count, but the region behind the gap does."""
    counts = {}
    around: Any = None  # the segment that the line begins in
    starts = defaultdict(list)
    for segment in segments:
        starts[segment[0]].append(segment)
    for line in range(segments[0][0], segments[-1][0] + 1):
        inside = [each for each in starts[line] if each[3] and each[4] and not each[5]]
        if around and around[3] and not around[5]:
            inside.append(around)
        if not inside:
            inside = [each for each in starts[line] if each[3] and not each[5]][:1]
        if inside:
            counts[line] = max(each[2] for each in inside)
        around = starts[line][-1] if starts[line] else around
    return counts


def sources(build: Path) -> dict[str, Source]:
    """Returns: the counts of each source, of all programs together."""
    found: dict[str, Source] = defaultdict(Source)
    texts = {str(path): path.read_text(encoding="utf-8").splitlines() for name in LINES_MIN for path in (ROOT / name).rglob("*.[ch]pp")}
    data = export(build)
    for file in data["files"]:
        path = file["filename"]
        for number, count in counts_of_lines(file["segments"]).items():
            if not NOT_COUNTED.match(texts[path][number - 1]):
                found[path].lines[number] = count
    for function in data["functions"]:
        for line, column, _, _, yes, no, number, *_ in function["branches"]:
            path = function["filenames"][number]
            if path not in texts or NOT_COUNTED.match(texts[path][line - 1]) or texts[path][line - 1][: column - 1].endswith("switch ("):
                continue
            for result, count in ((True, yes), (False, no)):
                place = line, column, result
                found[path].branches[place] = found[path].branches.get(place, 0) + count  # instances of templates together
    return {str(Path(path).relative_to(ROOT)): source for path, source in found.items()}


def shares(found: dict[str, Source], starts: tuple[str, ...]) -> tuple[Share, Share]:
    lines, branches = Share(), Share()
    for path, source in found.items():
        if path.startswith(starts):
            lines.add(source.lines.values())
            branches.add(source.branches.values())
    return lines, branches


def main() -> int:
    build, paths = Path(sys.argv[1]).resolve(), tuple(sys.argv[2:])
    found = sources(build)
    failed = []
    print(f"{'':12}{'lines':>16} {'branches':>18}")
    for name, starts in {**{folder: (f"{folder}/",) for folder in LINES_MIN}, **PARTS}.items():
        lines, branches = shares(found, starts)
        print(f"{name:10} {lines} {branches}")
        if name in LINES_MIN and lines.part < LINES_MIN[name]:
            failed.append(f"{name}: less than {LINES_MIN[name]:.0%} of the lines ran")
    for path, source in sorted(found.items()):
        if not paths or not path.startswith(paths):
            continue
        missed = {number for number, count in source.lines.items() if not count}
        for number in sorted(missed):
            print(f"{path}:{number}: did not run")
        for (line, column, result), count in sorted(source.branches.items()):
            if not count and line not in missed:
                print(f"{path}:{line}:{column}: never {str(result).lower()}")
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
