"""The completion in the shells themselves: a person types a few letters and the tabulator."""

import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from program import ENVIRONMENT, PROGRAM, run

READY = "ready-for-input"


class Typing:
    """A shell on a terminal."""

    def __init__(self, command: list[str], setup: str, prompt: str) -> None:
        self.seen = ""
        self.home = tempfile.TemporaryDirectory(prefix="codasync-shell.")
        environment = {**ENVIRONMENT, "HOME": self.home.name, "TERM": "xterm", "PS1": prompt, "ZDOTDIR": self.home.name}
        self.terminal, inside = pty.openpty()
        self.shell = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment, cwd=self.home.name,
                                      start_new_session=True)
        os.close(inside)
        self.type(f"{setup}\necho {READY[:5]}''{READY[5:]}\n")
        self.wait_for(READY)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def wait_for(self, text: str) -> None:
        """Throws: AssertionError when the text does not appear."""
        deadline = time.monotonic() + 30
        while text not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} is not in {self.seen!r}"
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.terminal)
        self.home.cleanup()


def needs(shell: str) -> None:
    if not shutil.which(shell):
        raise unittest.SkipTest(f"{shell} is not installed: config/install test")


class Shells(unittest.TestCase):
    def typed(self, command: list[str], setup: str, prompt: str = "$ ") -> None:
        """Types beginnings of words, each completed by the tabulator, and runs what they became."""
        shell = Typing(command, setup, prompt)
        self.addCleanup(shell.close)
        shell.type("codasync --ver\t\n")
        shell.wait_for("codasync 0.")
        shell.type("codasync comp\tz\t\n")
        shell.wait_for("#compdef codasync")
        Path(shell.home.name, "a-file-here").touch()
        shell.type("codasync export products --output a-fi\t --foramt csv\n")
        shell.wait_for('Did you mean "--format"?')
        self.assertIn("a-file-here", shell.seen)

    def test_bash(self) -> None:
        needs("bash")
        self.typed(["bash", "--norc", "-i"], "source <(codasync completion bash)")

    def test_bash_in_the_middle_of_an_option(self) -> None:
        script = """source <(codasync completion bash)
COMP_WORDS=(codasync export products --format = c) COMP_CWORD=5
_codasync
printf '%s\\n' "${COMPREPLY[@]}"
"""
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
        self.assertEqual((done.stdout, done.stderr), ("csv\n", ""))

    def test_zsh(self) -> None:
        needs("zsh")
        self.typed(["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u; source <(codasync completion zsh)")

    def test_zsh_with_the_file_of_the_package(self) -> None:
        needs("zsh")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "_codasync").write_text(run("completion", "zsh").stdout)
            self.typed(["zsh", "-f", "-i"], f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u")

    def test_fish(self) -> None:
        needs("fish")
        script = "codasync completion fish | source; complete --do-complete $argv[1]"
        with tempfile.TemporaryDirectory() as home:
            def candidates(line: str) -> list[str]:
                done = subprocess.run(["fish", "--no-config", "-c", script, line], capture_output=True, text=True, cwd=home,
                                      env={**ENVIRONMENT, "HOME": home}, timeout=60)
                self.assertEqual(done.stderr, "")
                return [found.split("\t")[0] for found in done.stdout.splitlines()]

            Path(home, "a-file-here").touch()
            self.assertEqual(candidates("codasync tok"), ["token"])
            self.assertEqual(candidates("codasync token create --role "), ["staff", "admin"])
            self.assertEqual(candidates("codasync export products --form"), ["--format"])
            self.assertIn("a-file-here", candidates("codasync --config a-fi"))

    def test_the_program_is_the_one_that_is_tested(self) -> None:
        self.assertEqual(shutil.which("codasync", path=ENVIRONMENT["PATH"]), PROGRAM)


if __name__ == "__main__":
    unittest.main()
