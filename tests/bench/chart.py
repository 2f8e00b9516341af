"""Draws the results of a benchmark as an SVG beside its JSON file, and writes the table of targets into README.md.

    tests/bench/run chart [FILE.json...]     default: all of tests/bench/results, and the table
"""

import json
import re
import sys
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
README = HERE / "README.md"
TABLE = re.compile(r"(<!-- targets: tests/bench/run chart -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH, LABEL, BAR, ROW, HEAD = 980, 400, 340, 22, 62
COLOURS = ("#3b6ea5", "#6fa8dc", "#b8d3ee")
SLOWEST = 15  # public reads in the chart of growth

Results = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """`part`: its length, from 0 to 1. `shade` chooses the colour."""

    label: str
    part: float
    text: str
    shade: int = 0


@dataclass(frozen=True)
class Group:
    title: str
    bars: list[Bar]


def rates(title: str, results: Results, names: dict[str, str], unit: str = "/s") -> Group:
    """Returns: a group with the rates of these series, and their labels; the longest bar is the fastest one."""
    found = {name: results["series"][name] for name in names}
    fastest = max(one["per_second"] for one in found.values())
    return Group(title, [Bar(names[name], one["per_second"] / fastest, f"{one['per_second']:,.0f}{unit}; p99 {one['p99_ms']:.1f} ms")
                         for name, one in found.items()])


def reads(results: Results) -> list[Group]:
    page = results["page_products"]
    hits = {"file": "a file of the same bytes, Nginx", "reading": "cached reading, Nginx", "product": "cached product, Nginx",
            "not_modified": "304 for a cached product, Nginx", "varnish": "the same reading, Varnish", "service": "the same reading, the service",
            "mix": f"Zipf mix with 5 % writes ({results['mix_hits']:.0%} hits)", "page": f"page of {page} products", "list": "list of 100"}
    misses = {"miss": "cold miss by shop and GTIN", "uncached": "the same reads without a cache",
              "miss_by_id": "cold miss by id", "uncached_by_id": "the same reads by id without a cache",
              "miss_alone": "cold miss, a single client", "uncached_alone": "the same reads, a single client, without a cache"}
    misses = {name: label for name, label in misses.items() if name in results["series"]}
    answers = rates("Answers from the cache, requests a second", results, hits)
    products = [replace(bar, text=f"{bar.text}; {page * results['series']['page']['per_second']:,.0f} products/s") if name == "page" else bar
                for name, bar in zip(hits, answers.bars, strict=True)]
    return [Group(answers.title, products), rates("Cold misses, requests a second", results, misses)]


def growth(results: Results) -> list[Group]:
    sizes = results["setting"]["sizes"]
    parts = [name.rsplit(" ", 1)[0] for name in results["series"] if name.endswith(f" {sizes[0]}")]
    groups = []
    for part in parts:
        found = [results["series"][f"{part} {size}"] for size in sizes]
        fastest = max(one["per_second"] for one in found)
        bars = [Bar(one["what"].split(":", 1)[0], one["per_second"] / fastest, f"{one['per_second']:,.0f}/s; p99 {one['p99_ms']:.1f} ms", shade)
                for shade, one in enumerate(found)]
        groups.append(Group(found[0]["what"].split(": ", 1)[1], bars))
    slow = sorted(results["public_p99_ms"].items(), key=lambda each: -each[1])[:SLOWEST]
    bars = [Bar(address, ms / max(slow[0][1], 1e-9), f"{ms:,.0f} ms") for address, ms in slow]
    return [*groups, Group(f"p99 of the {len(slow)} slowest of {len(results['public_p99_ms'])} public reads, {sizes[-1]:,} readings, 4 clients", bars)]


def idle(results: Results) -> list[Group]:
    loads = list(dict.fromkeys(name.split()[0] for name in results["series"]))
    groups = []
    for load in loads:
        found = {name: one for name, one in results["series"].items() if name.split()[0] == load}
        what = next(iter(found.values()))["what"].split(",", 1)[0]
        groups.append(rates(f"{what}, requests a second", results, {name: one["what"].split(", ", 1)[1] for name, one in found.items()}))
    return groups


def scan(results: Results) -> list[Group]:
    parses = results["parses_per_second"]
    fastest = max(parses.values())
    codes = [Bar(name, rate / fastest, f"{rate / 1e6:.1f} million/s") for name, rate in parses.items()]
    return [Group("Codes that one core parses", codes), rates("Requests a second", results, {name: one["what"] for name, one in results["series"].items()})]


def sync(results: Results) -> list[Group]:
    series = results["series"]
    lists = {name: one["what"] for name, one in series.items() if name.startswith(("single", "batch", "sync"))}
    page, bare = results["page_ms"], results["bare_page_ms"]
    pages = [Bar("a page of the feed", page / max(page, bare), f"{page:.1f} ms"), Bar("the bare statement", bare / max(page, bare), f"{bare:.1f} ms")]
    return [rates("Operations a second; delays of a request", results, lists),
            Group(f"PostgreSQL's time of {results['page_rows']:,} changes", pages),
            rates("What the change log costs, writes a second", results, {name: series[name]["what"] for name in ("with", "without")})]


def console(results: Results) -> list[Group]:
    starts = results["starts_ms"]
    longest = max(start["median"] for start in starts.values())
    bars = [Bar(start["what"], start["median"] / longest, f"{start['median']:,.0f} ms; processor {start['processor']:,.0f} ms") for start in starts.values()]
    return [Group("Until the console accepts input, processor 4 times slower", bars),
            rates("Hits through Nginx, requests a second", results, {name: one["what"] for name, one in results["series"].items()})]


GROUPS = {"reads": reads, "growth": growth, "idle": idle, "scan": scan, "sync": sync, "console": console}


def svg(results: Results) -> str:
    """Returns: the chart of the results."""
    groups = GROUPS[results["bench"]](results)
    y, body = HEAD, []

    def text(x: int, at: float, words: str, style: str = "") -> None:
        body.append(f'<text x="{x}" y="{at:g}"{style}>{escape(words)}</text>')

    machine = results["machine"]
    text(16, 26, f"{results['bench']}, {results['date'][:10]}", ' font-size="17" font-weight="bold"')
    text(16, 46, f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['system']}; commit {results['commit']};"
                 f" load before the run {machine['load_before']:g}", ' fill="#666"')
    for group in groups:
        y += 12
        text(16, y + 12, group.title, ' font-weight="bold"')
        y += ROW
        for bar in group.bars:
            text(LABEL - 8, y + 13, bar.label, ' text-anchor="end"')
            body.append(f'<rect x="{LABEL}" y="{y + 2}" width="{max(1.0, BAR * bar.part):.1f}" height="{ROW - 7}" fill="{COLOURS[bar.shade % len(COLOURS)]}"/>')
            text(LABEL + round(BAR * bar.part) + 8, y + 13, bar.text, ' fill="#333"')
            y += ROW
    height = y + 16
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' font-family="sans-serif" font-size="12.5" fill="#111">')
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *body, "</svg>\n"])


def draw(file: Path) -> None:
    """Writes the SVG beside the JSON file."""
    file.with_suffix(".svg").write_text(svg(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8")


def table() -> str:
    """Returns: the targets of all recorded results, as a Markdown table."""
    lines, busy = ["| benchmark | target | required | measured | |", "| --- | --- | --- | --- | --- |"], []
    for file in sorted(RESULTS.glob("*.json")):
        results = json.loads(file.read_text(encoding="utf-8"))
        machine, setting = results["machine"], results["setting"]
        readings = setting.get("readings") or max(setting["sizes"])
        if machine["load_before"] > machine["cores"] / 2:
            busy.append(f"`{results['bench']}` ({readings:,} readings) was recorded while the machine had other work: the load average before it was"
                        f" {machine['load_before']:g} on {machine['cores']} cores.")
        for target in results["targets"]:
            required = target["required"].replace("<=", "≤").replace(">=", "≥")
            met = "met" if target["met"] else "**not met**"
            lines.append(f"| {results['bench']} | {target['what']} | {required} | {target['value']:.2f} | {met} |")
    return "\n".join([*lines, "", *busy, ""] if busy else [*lines, ""])


def write_table() -> None:
    """Writes the table into README.md, between its two marks."""
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda found: found[1] + table() + found[2], text), encoding="utf-8")


def main() -> None:
    if any(word.startswith("-") for word in sys.argv[1:]):
        sys.exit(__doc__)
    for file in [Path(word) for word in sys.argv[1:]] or sorted(RESULTS.glob("*.json")):
        draw(file)
        print(file.with_suffix(".svg"))
    if len(sys.argv) == 1:
        write_table()


if __name__ == "__main__":
    main()
