"""What config/deploy/prometheus asks for: the names in its rules and its dashboard."""

import json
import re
from pathlib import Path
from typing import Any

from stack import ROOT

FOLDER = ROOT / "config" / "deploy" / "prometheus"

# In a query: a metric of somebody we ask, or the name of a recording rule, which has colons.
METRIC = re.compile(r"\b(?:codasync|process|pg|pgbouncer|nginx)_[a-z0-9_]+\b|\b[a-z]+:[a-z0-9_]+:[a-z0-9_]+\b")
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{| )", re.MULTILINE)


def rules(file: str, kind: str) -> dict[str, str]:
    """Returns: the queries of a file's rules by name; kind: alert or record. They stand on a line each, so no YAML is needed."""
    text = (FOLDER / file).read_text()
    return dict(re.findall(rf"^ +- {kind}: (\S+)\n +expr: (.+)$", text, re.MULTILINE))


def dashboard() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "dashboard.json").read_text()))


def panels() -> dict[str, list[str]]:
    """Returns: the queries of each panel by its title."""
    return {panel["title"]: [target["expr"] for target in panel.get("targets", ())] for panel in dashboard()["panels"] if panel["type"] != "row"}


def asked() -> dict[str, list[str]]:
    """Returns: everything that is asked of Prometheus, by who asks."""
    alerts = {f"alert {name}": [query] for name, query in rules("alerts.yml", "alert").items()}
    records = {f"rule {name}": [query] for name, query in rules("recording.yml", "record").items()}
    return alerts | records | {f"panel {title!r}": queries for title, queries in panels().items()}


def names(queries: list[str]) -> set[str]:
    """Returns: the names of metrics in them; what stands in quotes is none."""
    return {name for query in queries for name in METRIC.findall(re.sub(r'"[^"]*"', '""', query))}


def told(metrics: str) -> set[str]:
    """Returns: the names of the samples in Prometheus' text format."""
    return set(SAMPLE.findall(metrics))


def missing(there: set[str], prefixes: tuple[str, ...]) -> list[str]:
    """Returns: who asks for a name with one of these prefixes that is not there."""
    return [
        f"{who} asks for {name}"
        for who, queries in asked().items()
        for name in sorted(names(queries))
        if name.startswith(prefixes) and ":" not in name and name not in there
    ]


def file(name: str) -> Path:
    return FOLDER / name
