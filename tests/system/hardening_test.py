"""The protections against the abuse of memory errors are in what is installed: the program and Nginx' module (config/hardening.cmake)."""

import json
import os
import platform
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from stack import ROOT

PROGRAM, MODULE = (Path(os.environ[name]) for name in ("CODASYNC_PROGRAM", "CODASYNC_NGINX_MODULE"))
# The compiler writes the options that change code into the debug information of each file.
OPTIONS = ["-fstack-protector-strong", "-fstack-clash-protection"]
if platform.machine() == "x86_64":
    OPTIONS.append("-fcf-protection=full")


def readelf(file: Path, *words: str) -> str:
    done = subprocess.run(["readelf", "--wide", *words, file], stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    return done.stdout


def compilations(file: Path) -> list[str]:
    """Returns: compiler and options of each compiled file, each once, without those of the start code of the C library."""
    (section,) = re.findall(r" \.debug_str +PROGBITS +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+) ", readelf(file, "--section-headers"))
    at, size = (int(number, 16) for number in section)
    texts = file.read_bytes()[at : at + size].split(b"\0")
    return [text.decode() for text in texts if re.match(rb"GNU C(\+\+)?(11|20) ", text)]


def missing(file: Path) -> list[str]:
    """Returns: the protections that a program or a dynamic library does not have."""
    found = []
    if " DYN " not in readelf(file, "--file-header"):
        found.append("PIE: not at any address")
    segments = readelf(file, "--program-headers")
    if " GNU_RELRO " not in segments:
        found.append("RELRO")
    if not re.search(r" GNU_STACK .* RW +0x", segments):
        found.append("a stack without code")
    if re.search(r" LOAD .* RWE ", segments):
        found.append("memory that is either writable or code")
    dynamic = readelf(file, "--dynamic")
    if not re.search(r"\(FLAGS_1\).*\bNOW\b", dynamic):
        found.append("BIND_NOW: symbols are bound later")
    if re.search(r"\((TEXTREL|RPATH|RUNPATH)\)", dynamic):
        found.append("fixed code and fixed paths of libraries")
    imported = set(re.findall(r" UND (\w+)", readelf(file, "--dyn-syms")))
    if "__stack_chk_fail" not in imported:
        found.append("stack protector")
    made = compilations(file)
    found += [f"{option}: {each}" for each in made for option in OPTIONS if option not in each.split()]
    return found if made else [*found, "debug information"]


class Hardening(unittest.TestCase):
    def test_the_program_has_every_protection(self) -> None:
        self.assertEqual(missing(PROGRAM), [])

    def test_the_module_of_nginx_has_every_protection(self) -> None:
        self.assertEqual(missing(MODULE), [])

    def test_every_file_is_compiled_with_checks_of_the_libraries(self) -> None:
        """The compiler proves most calls to be right, so the binary need not have a trace of these checks; the commands have."""
        build = PROGRAM.parents[1]
        compiled = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
        production = [each for each in compiled if re.match(r"(api|cache|config|storage)/", os.path.relpath(each["file"], ROOT))]
        self.assertGreater(len(production), 100)
        for each in production:
            for check in ("-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS"):
                self.assertIn(f" {check} ", each["command"], each["file"])
        self.assertIn(" -D_FORTIFY_SOURCE=3 ", (build / "nginx/response_cache/objs/Makefile").read_text(encoding="utf-8"))

    def test_each_missing_protection_is_found(self) -> None:
        with tempfile.TemporaryDirectory(prefix="codasync-hardening.") as folder:
            source, program = Path(folder, "a.c"), Path(folder, "a")
            source.write_text("#include <string.h>\nint main(int n, char** words) { char text[64]; strcpy(text, words[0]); return text[n]; }\n")
            weak = ["-std=c11", "-g", "-O2", "-no-pie", "-fno-stack-protector", "-fcf-protection=none", "-Wl,-z,norelro,-z,lazy,-z,execstack"]
            subprocess.run(["gcc", *weak, source, "-o", program], check=True)
            found = " ".join(missing(program))
            for what in ("PIE", "RELRO", "a stack without code", "BIND_NOW", "stack protector", *OPTIONS):
                self.assertIn(what, found)
