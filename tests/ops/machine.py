"""A minimal Debian 12 in a folder, with a process table and a /proc of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import report

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / ".build" / "ops" / "packages"
USER = "keeper"
CLONE = "srv/codasync"
ENVIRONMENT = {
    # As after a login.
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    # Reuses the host's compiler cache: it is the same compiler.
    "CCACHE_DIR": "/var/cache/ccache",
    "CCACHE_READONLY": "1",
    "CCACHE_TEMPDIR": "/tmp/ccache",
}

ALONE = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
# All mounts and processes end with the call. Downloaded packages remain for the next one.
ENTER = r"""
machine=$1 packages=$2 ccache=$3; shift 3
mount -t proc proc "$machine/proc"
mount -t tmpfs -o mode=1777 tmpfs "$machine/dev/shm"
mount --bind "$ccache" "$machine/var/cache/ccache"
mount --bind "$packages" "$machine/var/cache/apt/archives"
exec chroot "$machine" "$@"
"""


class Machine:
    """A Debian in a folder. It shares the network with this machine, so it uses loopback addresses and free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (PACKAGES / "partial").mkdir(parents=True, exist_ok=True)
        self.ccache = call(["ccache", "--get-config=cache_dir"], 60).strip()
        # Its files need not survive a power failure.
        options = ["--variant=minbase", "--include=sudo,ca-certificates", "--dpkgopt=force-unsafe-io"]
        # In a mount namespace, so that no mount remains below the folder in any case.
        call([*ALONE, "mmdebstrap", "--quiet", *options, "bookworm", str(folder)], 600)
        (folder / "var/cache/ccache").mkdir()
        (folder / CLONE).mkdir(parents=True)  # where run() begins
        (folder / f"etc/sudoers.d/{USER}").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n", encoding="ascii")
        call(["chroot", str(folder), "useradd", "--create-home", "--shell=/bin/bash", USER], 60)

    def clone(self, owner: str) -> None:
        """Copies the committed files there."""
        shutil.rmtree(self.folder / CLONE, ignore_errors=True)
        (self.folder / CLONE).mkdir(parents=True)
        packed = self.folder / "tmp/clone.tar"
        call(["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "archive", f"--output={packed}", "HEAD"], 60)
        call(["tar", "-x", "-C", str(self.folder / CLONE), "-f", str(packed)], 60)
        call(["chroot", str(self.folder), "chown", "-R", f"{owner}:", f"/{CLONE}"], 60)

    def run(self, user: str, script: str) -> str:
        """Runs a bash script as a user in the clone. Returns: its output."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = [f"{name}={value}" for name, value in {**ENVIRONMENT, "HOME": home, "USER": user}.items()]
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        enter = [*ALONE, "bash", "-euc", ENTER, "enter"]
        inside = ["env", "-i", *variables, *become, "bash", "-euo", "pipefail", "-c", f"cd /{CLONE}\n{script}"]
        return call([*enter, str(self.folder), str(PACKAGES), self.ccache, *inside], 900)


def call(command: list[str], seconds: float) -> str:
    """Returns: its output. Throws: AssertionError with the end of its output when it fails or takes longer."""
    with tempfile.TemporaryFile(mode="w+", errors="replace") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            status: int | str = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = f"none after {seconds:.0f} s"
        finally:  # also at this script's own time limit
            if process.returncode is None:
                process.kill()
                process.wait()
        output.seek(0)
        text = output.read()
    assert status == 0, f"{command[-1][:200]}: status {status}:\n{text[-6000:]}"
    return text


@contextmanager
def new_machine(what: str) -> Iterator[Machine]:
    """Yields: a machine, which is removed afterwards. Ends the script, which tests `what`, where none can be made."""
    report.end_on_sigterm()
    if os.geteuid() != 0:
        report.skip(f"{what}: only root can create a machine in a folder")
    place = Path(tempfile.mkdtemp(prefix="codasync-machine."))
    place.chmod(0o755)
    try:
        began = time.monotonic()
        machine = Machine(place / "machine")
        print(f"a machine after {time.monotonic() - began:.0f} s", flush=True)
        yield machine
    finally:
        shutil.rmtree(place, ignore_errors=True)
