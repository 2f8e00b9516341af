"""config/deploy/systemd: the units as `install` writes them, checked by systemd-analyze."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from stack import ROOT

UNITS = ["codasync@1.service", "codasync-edge.service", "codasync-memcached.service", "codasync-migrate.service"]
# systemd-analyze's exposure level of a unit, from 0 (few rights) to 100 (all): as in the README of the units.
EXPOSURE_MAX = {unit: 12 for unit in UNITS} | {"codasync-edge.service": 16}


class Systemd(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="codasync-systemd.")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.install()
        # Other files of such a host: systemd's own units, and the programs that the units start.
        shutil.copytree("/lib/systemd/system", self.root / "usr/lib/systemd/system", symlinks=True)
        for program in ("/usr/sbin/nginx", "/usr/bin/memcached"):
            place = self.root / program[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/true", place)  # only its existence is checked

    def install(self) -> None:
        command = [ROOT / "config/deploy/systemd/install", "--root", self.root]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def analyze(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", f"--root={self.root}", *map(str, words)]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_the_units_are_valid_and_start_installed_programs(self) -> None:
        found = self.analyze("verify", "--man=no", *UNITS, "codasync.target")
        self.assertEqual((found.returncode, found.stdout), (0, ""))

    def test_a_unit_that_starts_a_missing_program_is_found(self) -> None:
        (self.root / "usr/local/bin/codasync").unlink()
        found = self.analyze("verify", "--man=no", "codasync@1.service")
        self.assertIn("/usr/local/bin/codasync is not executable", found.stdout)

    def test_the_units_have_few_rights(self) -> None:
        for unit in UNITS:
            with self.subTest(unit):
                found = self.analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX[unit]}", "--no-pager", unit)
                self.assertEqual(found.returncode, 0, found.stdout)

    def test_each_kind_of_process_has_an_account_of_its_own_and_writes_no_core_dump(self) -> None:
        made = re.findall(r"^u (\S+) ", (self.root / "usr/lib/sysusers.d/codasync.conf").read_text(), re.MULTILINE)
        settings = {unit: self.settings_of(unit) for unit in UNITS}
        self.assertEqual(sorted(each["User"] for each in settings.values()), sorted(made))
        for unit, each in settings.items():
            self.assertEqual((each["Group"], each["LimitCORE"]), (each["User"], "0"), unit)
        groups = {unit: each["SupplementaryGroups"] for unit, each in settings.items() if "SupplementaryGroups" in each}
        service, memcached = (settings[unit]["Group"] for unit in ("codasync@1.service", "codasync-memcached.service"))
        self.assertEqual(groups, {"codasync-edge.service": f"{service} {memcached}", "codasync@1.service": memcached},
                         "Nginx opens the sockets of the instances, and both that of Memcached")

    def test_memcached_listens_on_a_socket_and_both_of_its_clients_get_the_key(self) -> None:
        memcached = self.settings_of("codasync-memcached.service")
        self.assertIn("--unix-socket=/run/codasync-memcached/socket", memcached["Environment"])
        self.assertEqual((memcached["RuntimeDirectory"], memcached["RuntimeDirectoryMode"]), ("codasync-memcached", "0750"))
        settings = (self.root / "etc/codasync/codasync.toml").read_text()
        self.assertIn('servers = ["unix:/run/codasync-memcached/socket"]', settings)
        key = self.root / "etc/codasync/cache-key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertRegex(key.read_text(), r"\A[0-9a-f]{32}\n\Z")
        for unit in ("codasync@1.service", "codasync-edge.service"):
            self.assertEqual(self.settings_of(unit)["LoadCredential"], "cache-key:/etc/codasync/cache-key")

    def settings_of(self, unit: str) -> dict[str, str]:
        text = (self.root / "etc/systemd/system" / re.sub(r"@\d", "@", unit)).read_text()
        return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))

    def test_the_stop_timeout_is_longer_than_the_grace_of_the_service(self) -> None:
        example = (ROOT / "config/example.toml").read_text()
        grace = re.search(r'^shutdown_grace = "(\d+)s"$', example, re.MULTILINE)
        unit = re.search(r"^TimeoutStopSec=(\d+)$", (ROOT / "config/deploy/systemd/codasync@.service").read_text(), re.MULTILINE)
        assert grace and unit
        self.assertGreater(int(unit[1]), int(grace[1]) + 5)

    def test_the_edge_gets_what_is_installed(self) -> None:
        unit = (self.root / "etc/systemd/system/codasync-edge.service").read_text()
        (command,) = re.findall("^ExecStartPre=(.*) [$]EDGE$", unit, re.MULTILINE)
        command = command.replace("%d/cache-key", str(self.root / "etc/codasync/cache-key"))
        inside = re.sub(" /usr/", f" {self.root}/usr/", " " + command).split()
        folder = inside[inside.index("--dir") + 1] = str(self.root / "edge")
        done = subprocess.run([*inside, "--service", "unix:/s"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        files = re.findall(f"{self.root}/usr/[^ ;$]+", Path(folder, "nginx.conf").read_text())
        self.assertGreater(len(files), 1)
        for file in files:
            self.assertTrue(Path(file).exists(), file)

    def test_a_second_install_keeps_the_settings_and_only_root_reads_secrets(self) -> None:
        secret = self.root / "etc/codasync/service.env"
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
        secret.write_text("CODASYNC_POSTGRES_URL=postgresql://mine\n")
        self.install()
        self.assertEqual(secret.read_text(), "CODASYNC_POSTGRES_URL=postgresql://mine\n")
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
