"""What `up` does as the caller: build, choose the account and the state folder, copy the program."""

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

# The files of the running stack. It has a copy, so that a build or a checkout does not change it.
SOURCES = ("config/local", "config/deploy/pgbouncer", "config/deploy/prometheus", "config/deploy/ha", "nginx", "storage/setup.sql")
BUILT = ("api/codasync", "nginx/ngx_http_response_cache_module.so", "nginx/docs/site", "nginx/console/site")

# The path of a socket has at most 107 bytes. The longest is FOLDER/sockets/service-16, and 12 more bytes while it is made.
PATH = re.compile(r"[A-Za-z0-9._/+@=-]{1,76}")


@dataclass(frozen=True)
class Account:
    """The account that the servers run as."""

    name: str
    uid: int
    gid: int

    def command(self, *arguments: str | Path) -> list[str]:
        """Returns: the command so that it runs as this account."""
        command = [str(argument) for argument in arguments]
        if self.uid == os.geteuid():
            return command
        identity = [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]
        return ["setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--", *command]

    def may_enter(self, folder: Path) -> bool:
        return subprocess.run(self.command("test", "-x", folder), check=False, cwd="/").returncode == 0


def account() -> Account:
    """Returns: the caller's account; for root the system account `codasync`, created if missing. Throws: Failed."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
    else:
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            print(f"Creating the system account {ACCOUNT}: servers do not run as root.", flush=True)
            useradd = [
                "useradd",
                "--system",
                "--user-group",
                "--home-dir",
                str(HOME),
                "--shell",
                "/usr/sbin/nologin",
                ACCOUNT,
            ]
            if subprocess.run(useradd, check=False).returncode != 0:
                raise Failed(f"useradd could not create the account {ACCOUNT}; the reason is above.") from None
            entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def place(folder: Path, account: Account) -> Path:
    """Creates the state folder, owned by the account. If the account cannot reach it (a clone below /root), the folder is in
    /var/lib/codasync, and `folder` becomes a link to it. Returns: the path of the folder. Throws: Failed.
    """
    if not folder.exists() and not account.may_enter(nearest(folder)):
        real = HOME / str(folder).strip("/").replace("/", "-")
        HOME.mkdir(mode=0o755, exist_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.unlink(missing_ok=True)  # a link to a place that was removed
        folder.symlink_to(real)
        print(f"The account {account.name} cannot reach {folder}; it becomes a link to {real}.", flush=True)
        folder = real
    folder = folder.resolve()
    if not PATH.fullmatch(str(folder)):
        raise Failed(
            f"The path of the state folder, {folder}, is longer than 76 characters or has characters other than letters, "
            "digits and ._/+@=- (a limit of sockets and Nginx). Choose another one: --dir"
        )
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise Failed(
            f"The state folder {folder} cannot be created ({error.strerror}). Choose another one: --dir"
        ) from error
    owner = folder.stat().st_uid
    if owner != account.uid:
        raise Failed(
            f"The state folder {folder} belongs to {name_of(owner)}, but the servers would run as {account.name}. "
            "Start it as the same user as before, or choose another folder: --dir"
        )
    if not account.may_enter(folder):
        raise Failed(f"The account {account.name} cannot reach {folder}. Choose another state folder: --dir")
    return folder


def nearest(folder: Path) -> Path:
    """Returns: the nearest parent folder that exists."""
    return next(above for above in folder.parents if above.is_dir())


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def check_port(port: int) -> None:
    """Throws: Failed when another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(
                f"Port {port} of 127.0.0.1 is taken ({error.strerror}). Stop the program that listens there "
                f"(ss -ltnp 'sport = :{port}' shows it) or choose another port: --port"
            ) from error


def build(root: Path) -> Path:
    """Returns: the folder with the program. Throws: Failed."""
    print("Building (the first time takes a few minutes)", flush=True)
    built = root / ".build"
    command = [root / "config" / "build", "codasync", "codasync_nginx", "codasync_docs", "codasync_console"]
    if subprocess.run(command, check=False, env={**os.environ, "CODASYNC_BUILD": str(built)}).returncode != 0:
        raise Failed("The build failed; the reason is above.")
    return built


def copy_program(root: Path, built: Path, into: Path, account: Account) -> None:
    """Copies the program into a new folder of the state folder. The account itself writes the copy; root only reads, so a link in
    the state folder cannot make root overwrite other files. Throws: Failed.
    """
    pack = [
        "tar",
        "--create",
        "--exclude=__pycache__",
        "--exclude=node_modules",
        "--mode=u+rwX,go-w",
        f"--directory={root}",
        *SOURCES,
        f"--directory={built}",
        *BUILT,
    ]
    unpack = ["tar", "--extract", "--no-same-owner", f"--directory={into}"]
    subprocess.run(account.command("rm", "-rf", into), check=True, cwd="/")
    subprocess.run(account.command("mkdir", "-m", "0700", into), check=True, cwd="/")
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packer:
        unpacked = subprocess.run(account.command(*unpack), check=False, stdin=packer.stdout, cwd="/").returncode
    if packer.returncode != 0 or unpacked != 0:
        free = shutil.disk_usage(into.parent).free >> 20
        raise Failed(f"The program could not be copied to {into}; {free} MB are free there.")


def owner_of(folder: Path) -> Account | None:
    """Returns: the owner; None when the folder or the account does not exist."""
    try:
        entry = pwd.getpwuid(folder.stat().st_uid)
    except (FileNotFoundError, KeyError):
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
