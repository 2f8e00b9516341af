"""The program, and its commands as its help shows them."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROGRAM = os.environ["CODASYNC_PROGRAM"]

# Not a folder with a private stack, and no settings.
ENVIRONMENT = {"PATH": f"{os.path.dirname(PROGRAM)}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


def run(*words: str, folder: str | Path = "/", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, env={**ENVIRONMENT, **environment}, cwd=folder, timeout=60)


def section(text: str, title: str) -> list[str]:
    """Returns: the first words of the lines of a section of the help."""
    found = re.search(rf"^{title}:\n((?:  .*\n|\n(?=  ))*)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", found[1], re.MULTILINE) if found else []


def commands(*above: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields: the words of each command below this one, and its help."""
    help_text = run(*above, "--help").stdout
    for name in section(help_text, "Subcommands"):
        words = (*above, name)
        yield words, run(*words, "--help").stdout
        yield from commands(*words)


def options(help_text: str) -> list[str]:
    """Returns: the long options of a help."""
    return re.findall(r"^  (?:-\w,)?(--[\w-]+)", help_text, re.MULTILINE)
