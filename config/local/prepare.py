"""What `up` does as the person who called it: build, choose the account and the place, hand the program over."""

import os
import pwd
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from state import Failed

ACCOUNT = "codasync"
HOME = Path("/var/lib/codasync")

# What the running stack needs; it gets a copy, so that a build or a checkout does not disturb it.
SOURCES = ("config/local", "config/deploy/pgbouncer", "config/deploy/prometheus", "config/deploy/ha", "nginx", "storage/setup.sql")
BUILT = ("api/codasync", "nginx/ngx_http_answer_cache_module.so")

# Its sockets lie in the state folder; the path of one has 107 bytes at most; the longest adds /sockets/service-16 and, while it is made, 12 more.
PATH = re.compile(r"[A-Za-z0-9._/+@=-]{1,76}")


@dataclass(frozen=True)
class Account:
    """The account that the servers run as."""

    name: str
    uid: int
    gid: int

    def command(self, *words: str | Path) -> list[str]:
        """Returns: the command so that it runs as this account."""
        words_ = [str(word) for word in words]
        if self.uid == os.geteuid():
            return words_
        identity = [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]
        return ["setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--", *words_]

    def may_enter(self, folder: Path) -> bool:
        return subprocess.run(self.command("test", "-x", folder), check=False, cwd="/").returncode == 0


def account() -> Account:
    """Returns: the caller; for root the system account `codasync`, made when it is missing. Throws: Failed."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
    else:
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            print(f"Making the system account {ACCOUNT}: servers do not run as root.", flush=True)
            make = [
                "useradd",
                "--system",
                "--user-group",
                "--home-dir",
                str(HOME),
                "--shell",
                "/usr/sbin/nologin",
                ACCOUNT,
            ]
            if subprocess.run(make, check=False).returncode != 0:
                raise Failed(f"useradd could not make the account {ACCOUNT}; its words are above.") from None
            entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def place(folder: Path, who: Account) -> Path:
    """Makes the state folder, owned by the account. When the account cannot reach it (a clone below /root), it lies in
    /var/lib/codasync and the name asked for is a link to it. Returns: where it really lies. Throws: Failed.
    """
    if not folder.exists() and not who.may_enter(nearest(folder)):
        real = HOME / str(folder).strip("/").replace("/", "-")
        HOME.mkdir(mode=0o755, exist_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.unlink(missing_ok=True)  # a link to a place that was removed
        folder.symlink_to(real)
        print(f"The account {who.name} cannot reach {folder}; it becomes a link to {real}.", flush=True)
        folder = real
    folder = folder.resolve()
    if not PATH.fullmatch(str(folder)):
        raise Failed(
            f"The path of the state folder, {folder}, is longer than 76 characters or has one besides letters, "
            "digits and ._/+@=- (sockets and Nginx want it so). Choose another one: --dir"
        )
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            os.chown(folder, who.uid, who.gid)
    except OSError as error:
        raise Failed(
            f"The state folder {folder} cannot be made ({error.strerror}). Choose another one: --dir"
        ) from error
    owner = folder.stat().st_uid
    if owner != who.uid:
        raise Failed(
            f"The state folder {folder} belongs to {name_of(owner)}, and the servers would run as {who.name}. "
            "Start it as before, or choose another one: --dir"
        )
    if not who.may_enter(folder):
        raise Failed(f"The account {who.name} cannot reach {folder}. Choose another state folder: --dir")
    return folder


def nearest(folder: Path) -> Path:
    """Returns: the nearest folder above that exists."""
    return next(above for above in folder.parents if above.is_dir())


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def check_port(port: int) -> None:
    """Throws: Failed when somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(
                f"Port {port} of 127.0.0.1 is taken ({error.strerror}). Stop what listens there "
                f"(ss -ltnp 'sport = :{port}' names it) or choose another one: --port"
            ) from error


def build(root: Path) -> Path:
    """Returns: the folder with the program. Throws: Failed."""
    print("Building (the first time takes a few minutes)", flush=True)
    built = root / ".build"
    command = [root / "config" / "build", "codasync", "codasync_nginx"]
    if subprocess.run(command, check=False, env={**os.environ, "CODASYNC_BUILD": str(built)}).returncode != 0:
        raise Failed("The build failed; the reason is above.")
    return built


def hand_over(root: Path, built: Path, into: Path, who: Account) -> None:
    """Puts a copy of the program into a new folder of the state folder. The account itself writes it: root only reads, so
    nothing that lies there can lead root astray. Throws: Failed.
    """
    pack = [
        "tar",
        "--create",
        "--exclude=__pycache__",
        "--mode=u+rwX,go-w",
        f"--directory={root}",
        *SOURCES,
        f"--directory={built}",
        *BUILT,
    ]
    unpack = ["tar", "--extract", "--no-same-owner", f"--directory={into}"]
    subprocess.run(who.command("rm", "-rf", into), check=True, cwd="/")
    subprocess.run(who.command("mkdir", "-m", "0700", into), check=True, cwd="/")
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packer:
        unpacked = subprocess.run(who.command(*unpack), check=False, stdin=packer.stdout, cwd="/").returncode
    if packer.returncode != 0 or unpacked != 0:
        free = shutil.disk_usage(into.parent).free >> 20
        raise Failed(f"The program could not be copied to {into}; {free} MB are free there.")


def owner_of(folder: Path) -> Account | None:
    """Returns: whose it is; None when there is no such folder."""
    try:
        entry = pwd.getpwuid(folder.stat().st_uid)
    except (FileNotFoundError, KeyError):
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
