"""What a mutex guards is only used while the mutex is held: Clang's thread-safety analysis of the attributes in storage/mutex.hpp.

    thread_safety.py BUILD    the build folder, with compile_commands.json
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from compilations import Compilation, compilations
from repository import ROOT, includes, sources

BUILD = Path(sys.argv.pop(1)).resolve()
MUTEX = "storage/mutex.hpp"
EXAMPLE = "tests/tidy/missing_lock.cpp"
CLANG = ("clang++-14", "-std=c++20", "-Wno-everything", "-Wthread-safety", "-Wthread-safety-beta", "-Werror")
SECONDS_MAX = 60  # for one file, which takes one


@cache
def reaches_mutex(path: str) -> bool:
    """Returns: whether the file includes storage/mutex.hpp, itself or through another file of the repository. Without it a file has no
    mutex (tidy_test.py), and there is nothing to analyse."""
    return path == MUTEX or any(reaches_mutex(name) for name in includes((ROOT / path).read_text(encoding="utf-8"), '"'))


def precompile_standard_library(folder: Path) -> Path:
    """Returns: the precompiled headers of the standard library, which are most of the work for most files."""
    names = {name for _, text in sources(".cpp", ".hpp") for name in includes(text, "<") if re.fullmatch("[a-z_]+", name)}
    header, precompiled = folder / "standard.hpp", folder / "standard.pch"
    header.write_text("".join(f"#include <{name}>\n" for name in sorted(names)), encoding="utf-8")
    subprocess.run([*CLANG, "-x", "c++-header", str(header), "-o", str(precompiled)], timeout=SECONDS_MAX, check=True)
    return precompiled


def findings(compilation: Compilation, *more: str) -> str:
    """Returns: what Clang reports; empty: nothing. `more`: further options."""
    command = [*CLANG, "-fsyntax-only", *more, *compilation.options, str(ROOT / compilation.source)]
    done = subprocess.run(command, cwd=compilation.directory, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    return done.stderr if done.returncode != 0 else ""


class ThreadSafety(unittest.TestCase):
    def test_a_missing_lock_is_found(self) -> None:
        lines = (ROOT / EXAMPLE).read_text(encoding="utf-8").splitlines()
        expected = {number for number, line in enumerate(lines, 1) if line.endswith("// found")}
        reported = findings(Compilation(EXAMPLE, ROOT, (f"-I{ROOT}",)))
        found = {int(number) for number in re.findall(rf"{EXAMPLE}:(\d+):\d+: error: .*\[-Werror,-Wthread-safety", reported)}
        self.assertGreater(len(expected), 0)
        self.assertEqual(found, expected, reported)

    def test_what_a_mutex_guards_is_used_under_it(self) -> None:
        analysed = [each for each in compilations(BUILD) if not each.source.startswith("tests/") and reaches_mutex(each.source)]
        self.assertGreater(len(analysed), 0)
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as threads:
            precompiled = str(precompile_standard_library(Path(folder)))
            found = "".join(threads.map(lambda each: findings(each, "-include-pch", precompiled), analysed))
        if found:
            self.fail("\n" + found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
