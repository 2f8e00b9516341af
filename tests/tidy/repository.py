"""The files of the repository, for the tests of this folder."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS_WITH_CODE = ("api", "cache", "config", "storage", "tests")
SUFFIXES_OF_TEXTS = {".c", ".cmake", ".conf", ".cpp", ".css", ".h", ".hpp", ".html", ".ini", ".js", ".json", ".md", ".mjs", ".py", ".sql",
                     ".template", ".toml", ".ts", ".txt", ".yaml", ".yml", ""}


def files() -> list[Path]:
    """Returns: the files that Git tracks or would add, relative to the root. Without Git: all except build and state folders."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if name.parts[0] not in (".git", ".build", ".run") and "__pycache__" not in name.parts]
    return sorted(name for name in names if (ROOT / name).is_file())


FILES = files()


def texts() -> Iterator[tuple[str, str]]:
    """Yields: path and text of every text file except the licence."""
    for name in FILES:
        if name.suffix in SUFFIXES_OF_TEXTS and name.name != "LICENSE":
            yield str(name), (ROOT / name).read_text(encoding="utf-8")


def sources(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Yields: path and text of the source files with one of these suffixes."""
    for name in FILES:
        if name.suffix in suffixes and name.parts[0] in FOLDERS_WITH_CODE:
            yield str(name), (ROOT / name).read_text(encoding="utf-8")


def scripts(interpreter: str) -> list[str]:
    """Returns: the files that "sh" (with bash) or "python" runs: those with its shebang, and Python's modules."""
    found = []
    for name in FILES:
        with open(ROOT / name, "rb") as file:
            first = file.readline(100)
        if re.match(rb"#!.*" + interpreter.encode() + rb"[0-9.]*\b", first) or (interpreter == "python" and name.suffix == ".py"):
            found.append(str(name))
    return found


def includes(text: str, opening: str) -> list[str]:
    """Returns: the included paths; `opening` is `"` or `<`."""
    return re.findall(rf'^\s*#\s*include\s*{opening}([^">]+)', text, re.MULTILINE)


def npm_packages() -> dict[Path, dict[str, str]]:
    """Returns: for each folder with a package.json the packages that it names, with their versions."""
    found = {}
    for name in FILES:
        if name.name == "package.json":
            package = json.loads((ROOT / name).read_text(encoding="utf-8"))
            found[name.parent] = package.get("dependencies", {}) | package.get("devDependencies", {})
    return found
