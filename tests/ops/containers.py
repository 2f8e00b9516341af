"""Podman without a configured engine and without a registry: a storage of its own, a base image of Debian's packages, the images
of config/deploy/container, containers in the host's network.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from report import skip
from servers import ROOT

STORE = ROOT / ".build" / "ops"
BASE = "docker.io/library/debian:12-slim"
REVISION = "tested"
TARGETS = ("service", "edge", "memcached", "pgbouncer", "postgres")
# Excluded as in Debian's own image. unsafe-io: these files need not survive a power failure.
SLIM = [
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
]
SETTINGS = """
[containers]
netns = "host"
base_hosts_file = "{hosts}"
cgroups = "enabled"
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
# The names of compose.yaml and of Kubernetes' Services in a network that has loopback only.
HOSTS = """127.0.0.1 localhost postgres memcached service codasync codasync-pgbouncer
127.0.0.2 codasync-memcached-0
127.0.0.3 codasync-memcached-1
"""


def image(target: str) -> str:
    return "localhost/codasync" if target == "service" else f"localhost/codasync-{target}"


def command(*words: object) -> list[str]:
    return ["podman", f"--root={STORE}/storage", f"--runroot={STORE}/run", *map(str, words)]


def environment() -> dict[str, str]:
    # The tests run health checks themselves: podman would need systemd for them.
    return {**os.environ, "CONTAINERS_CONF": str(STORE / "containers.conf"), "DISABLE_HC_SYSTEMD": "true"}


def podman(*words: object, seconds: float = 120.0, check: bool = True) -> str:
    """Returns: its standard output. Throws: AssertionError with all output, if it failed and `check` is set."""
    done = subprocess.run(command(*words), env=environment(), capture_output=True, text=True, timeout=seconds)
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def succeeds(*words: object) -> bool:
    return subprocess.run(command(*words), env=environment(), capture_output=True, timeout=120).returncode == 0


def logs(container: str) -> str:
    """Returns: the log of a container; empty when the container does not exist."""
    done = subprocess.run(
        command("logs", container), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout if done.returncode == 0 else ""


def prepare() -> None:
    """Makes the storage and the base image, once. Ends the script as skipped if this machine cannot."""
    if os.geteuid() != 0:
        skip("podman needs root here: subordinate ids of an ordinary user are not set up by this script")
    STORE.mkdir(parents=True, exist_ok=True)
    (STORE / "hosts").write_text(HOSTS)
    (STORE / "containers.conf").write_text(SETTINGS.format(hosts=STORE / "hosts"))
    if podman("images", "--quiet", BASE):
        return
    archive = STORE / "base.tar"
    began = time.monotonic()
    options = ["--variant=essential", "--include=apt,ca-certificates", *(f"--dpkgopt={each}" for each in SLIM)]
    print("making the base image of Debian's packages", flush=True)
    made = subprocess.run(
        ["mmdebstrap", "--quiet", *options, "bookworm", str(archive)], stdin=subprocess.DEVNULL, timeout=1500
    )
    if made.returncode != 0:
        raise AssertionError("mmdebstrap failed; its output is above")
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    podman("import", f"--change=ENV {path}", "--change=CMD bash", archive, BASE)
    archive.unlink()
    print(f"base image after {time.monotonic() - began:.0f} s", flush=True)


def build(*targets: str) -> dict[str, float]:
    """Builds images; a second build reuses unchanged layers. Returns: their sizes in MB."""
    prepare()
    words = ["--isolation=chroot", "--network=host", "--pull=never", "--layers", "--format=docker"]
    words += [f"--file={ROOT}/config/deploy/container/Dockerfile", f"--build-arg=REVISION={REVISION}"]
    if ccache := shutil.which("ccache"):
        # Reuses the host's compiler cache: it is the same compiler.
        cache = subprocess.run([ccache, "--get-config=cache_dir"], capture_output=True, text=True, check=True).stdout
        Path(cache.strip()).mkdir(parents=True, exist_ok=True)
        words += [f"--volume={cache.strip()}:/ccache", "--build-arg=CCACHE_DIR=/ccache"]
    for target in targets:
        began = time.monotonic()
        with open(STORE / f"build-{target}.log", "w", encoding="utf-8") as log:
            done = subprocess.run(
                command("build", *words, f"--target={target}", f"--tag={image(target)}", ROOT),
                env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=1500,
            )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(f"the image {target} cannot be built:\n{(STORE / f'build-{target}.log').read_text()[-4000:]}")
        print(f"image {image(target)} after {time.monotonic() - began:.0f} s", flush=True)
    sizes = {each: float(podman("image", "inspect", "--format={{.Size}}", image(each))) / 1e6 for each in targets}
    return sizes


def enter_own_network() -> None:
    """Starts this script again in a network namespace that has loopback only. There the ports of the images are free, and no
    connection to or from outside is possible. Returns in the new process.
    """
    if os.environ.get("CODASYNC_OWN_NETWORK") != "yes":
        os.environ["CODASYNC_OWN_NETWORK"] = "yes"
        sys.stdout.flush()
        words: Sequence[str] = [sys.executable, "-B", "-u", *sys.argv]
        os.execvp("unshare", ["unshare", "--net", "--", *words])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        up = struct.pack("16sH22x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, up)  # SIOCSIFFLAGS
