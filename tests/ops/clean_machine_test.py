#!/usr/bin/python3
"""The first commands of the README on a new machine: a minimal Debian 12 in a folder, with a process table and a /proc of its
own. First as a user with sudo, then as root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
import tour  # noqa: E402
from stack import free_port  # noqa: E402

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


def try_the_readme(machine: Machine, user: str, servers_belong_to: str) -> None:
    """up, the demo catalogue, the README's tour, down; and up again with the same data."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    machine.clone(user)
    began = time.monotonic()
    output = machine.run(
        user,
        f"""config/up --detach --port {port}
for one in /proc/[0-9]*; do
  case $(<$one/comm) in postgres | memcached | nginx | codasync*) echo "server of $(stat -c %U $one)" ;; esac
done
printf 'fail-with-body\\nsilent\\nshow-error\\n' >~/.curlrc
echo "catalogue $(curl {url}/api/v1/products/?limit=1000 | grep -o '"GTIN"' | wc -l)"
{tour.script_of(readme, url, Path(".run"))}
rm ~/.curlrc
config/down
""",
    )
    took = time.monotonic() - began
    owners = {line.split()[-1] for line in output.splitlines() if line.startswith("server of ")}
    assert owners == {servers_belong_to}, f"servers run as {owners}\n{output}"
    products = int(next(line for line in output.splitlines() if line.startswith("catalogue ")).split()[1])
    assert products > 0, output
    output = machine.run(
        user,
        f"""config/up --detach --port {port}
curl --silent --fail {url}/api/v1/shops/1/stock/4006381333931
config/down
""",
    )
    assert '"quantity":10' in output, f"the second start does not have the data of the tour\n{output}"
    report.checked(
        f"a minimal Debian 12, {'as root' if user == 'root' else 'as a user with sudo'}: config/up as in the README, with missing packages and"
        f" the build, a page of {products} products of the demo through Nginx, the README's tour and config/down in {took:.0f} s;"
        f" servers ran as {servers_belong_to}; the second config/up had the data"
    )


def main() -> None:
    report.end_on_sigterm()
    if os.geteuid() != 0:
        report.skip("a clean machine: only root can create one in a folder")
    folder = Path(tempfile.mkdtemp(prefix="codasync-machine."))
    folder.chmod(0o755)
    try:
        began = time.monotonic()
        machine = Machine(folder)
        print(f"a machine after {time.monotonic() - began:.0f} s", flush=True)
        try_the_readme(machine, USER, servers_belong_to=USER)
        try_the_readme(machine, "root", servers_belong_to="codasync")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
