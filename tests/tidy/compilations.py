"""The compiler's command line of each source file, for analyses with Clang."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT


@dataclass(frozen=True)
class Compilation:
    source: str  # relative to the root
    directory: Path
    options: tuple[str, ...]  # of the language and of includes: -std, -D, -I, -isystem


def compilations(build: Path) -> list[Compilation]:
    """Returns: one for each C++ source file of the repository that `build` compiles, sorted. Two targets can compile the same file; one
    of them counts."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = Path(entry["directory"], entry["file"])
        if path.suffix != ".cpp" or not path.is_relative_to(ROOT) or path.is_relative_to(build):
            continue
        words = shlex.split(entry["command"])
        options = [word for word in words if word.startswith(("-std=", "-D", "-I"))]
        for at, word in enumerate(words):
            if word == "-isystem":
                options += words[at:at + 2]
        source = str(path.relative_to(ROOT))
        found[source] = Compilation(source, Path(entry["directory"]), tuple(options))
    return [found[source] for source in sorted(found)]
