"""The queries in config/deploy/prometheus: which metrics the rules and the dashboard use."""

import json
import re
from pathlib import Path
from typing import Any

from stack import ROOT

FOLDER = ROOT / "config" / "deploy" / "prometheus"

# A metric of one of the scraped programs, or the name of a recording rule, which has colons.
METRIC = re.compile(r"\b(?:codasync|process|pg|pgbouncer|nginx)_[a-z0-9_]+\b|\b[a-z]+:[a-z0-9_]+:[a-z0-9_]+\b")
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{| )", re.MULTILINE)


def file(name: str) -> Path:
    return FOLDER / name


def rules(name: str, kind: str) -> dict[str, str]:
    """Returns: the queries of the file's rules by name; kind: alert or record. Each query is on one line, so no YAML parser is needed."""
    return dict(re.findall(rf"^ +- {kind}: (\S+)\n +expr: (.+)$", file(name).read_text(), re.MULTILINE))


def panels() -> list[dict[str, Any]]:
    """Returns: the panels of the dashboard without the rows that group them."""
    return [panel for panel in json.loads(file("dashboard.json").read_text())["panels"] if panel["type"] != "row"]


def panel_queries() -> dict[str, list[str]]:
    """Returns: the queries of each panel by its title."""
    return {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels()}


def queries() -> dict[str, list[str]]:
    """Returns: all queries by the rule or the panel that has them."""
    alerts = {f"alert {name}": [query] for name, query in rules("alerts.yml", "alert").items()}
    records = {f"rule {name}": [query] for name, query in rules("recording.yml", "record").items()}
    return alerts | records | {f"panel {title!r}": found for title, found in panel_queries().items()}


def metrics_of(found: list[str]) -> set[str]:
    """Returns: the names of metrics in these queries; text in quotes does not count."""
    return {name for query in found for name in METRIC.findall(re.sub(r'"[^"]*"', '""', query))}


def sample_names(metrics: str) -> set[str]:
    """Returns: the names of the samples in Prometheus' text format."""
    return set(SAMPLE.findall(metrics))


def missing(existing: set[str], prefixes: tuple[str, ...]) -> list[str]:
    """Returns: each use of a metric that has one of these prefixes and does not exist."""
    return [
        f"{user} uses {name}"
        for user, found in queries().items()
        for name in sorted(metrics_of(found))
        if name.startswith(prefixes) and ":" not in name and name not in existing
    ]
