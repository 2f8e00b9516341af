"""The scripts of the repository: the list of packages, the script that installs them, and what the scripts do with accounts and images."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from stack import ROOT


class Scripts(unittest.TestCase):
    def test_each_package_has_a_reason_and_is_listed_once(self) -> None:
        names = []
        for line in (ROOT / "config" / "packages").read_text().splitlines():
            if not line or line.startswith(("#", "[")):
                continue
            self.assertRegex(line, r"^[a-z0-9.+-]+ +# .+$")
            names.append(re.split(r"\s", line)[0])
        self.assertEqual(len(names), len(set(names)))

    def test_installing_present_packages_prints_nothing_and_needs_no_root(self) -> None:
        command = [str(ROOT / "config" / "install"), "build", "run", "pgbouncer", "test"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    @unittest.skipUnless(os.geteuid() == 0, "needs two accounts")
    def test_a_stack_of_another_account_is_refused_with_a_reason(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stack = shutil.copytree(ROOT / "config" / "local", Path(folder, "stack"))  # that account may not reach the clone
            subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
            lock = Path(folder, "lock")
            lock.touch(0o600)
            for command in ("down", "restart"):
                done = subprocess.run([sys.executable, "-B", stack, command, "--dir", folder], user=65534,
                                      group=65534, extra_groups=[], cwd="/", capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertEqual(done.stderr, f"{lock} belongs to another account. Use that account, sudo or another folder.\n")

            lock.write_text("1\n")  # of a stack that has ended; the id is now that of another account's process
            os.chown(lock, 65534, 65534)
            done = subprocess.run([sys.executable, "-B", stack, "restart", "--dir", folder], user=65534, group=65534,
                                  extra_groups=[], cwd="/", capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("No stack runs with the state folder", done.stderr)

    def test_the_images_have_the_version_of_the_program(self) -> None:
        program = re.search(r"project\(codasync VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
        image = re.search(r"^ARG VERSION=([0-9.]+)$", (ROOT / "config/deploy/container/Dockerfile").read_text(), re.MULTILINE)
        assert program and image
        self.assertEqual(image[1], program[1])

    def test_secrets_and_generated_files_are_not_in_the_images(self) -> None:
        ignored = (ROOT / ".dockerignore").read_text().split()
        for name in (".git", ".build", ".run", "**/.env", "**/secrets.env", "**/userlist.txt"):
            self.assertIn(name, ignored)
