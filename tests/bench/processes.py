"""The processes that a benchmark measures: how they are started, and the processor time and memory that each one uses."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "config/local"))

import prepare  # noqa: E402  the accounts and folders of config/up

TICKS = os.sysconf("SC_CLK_TCK")
CACHE_MEGABYTES = 256  # as config/up has it


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def behind_nginx(folder: Path) -> tuple[list[str], list[str]]:
    """Returns: the instances and the Memcacheds of the running stack with this state folder."""
    conf = (folder / "nginx/nginx.conf").read_text()
    return (
        re.findall(r"^\s+server (\S+) max_fails", conf, re.MULTILINE),
        re.findall(r"^\s+response_cache_server (\S+);", conf, re.MULTILINE),
    )


def answers(address: str) -> bool:
    """Returns: whether a server listens at `unix:/path` or `host:port`."""
    family, target = socket.AF_UNIX, address.removeprefix("unix:")
    if not address.startswith("unix:"):
        host, port = address.rsplit(":", 1)
        family, target = socket.AF_INET, (host, int(port))
    with socket.socket(family) as probe:
        return probe.connect_ex(target) == 0


class Processes:
    """Starts processes as `account`, which is never root, and ends them in reverse order. Each one has a name.

    `folder` has their sockets, settings and logs; `program` is a folder with the built program; all inherit the descriptor `lock`.
    """

    def __init__(self, folder: Path, program: Path, account: prepare.Account, workers: str = "auto", lock: int | None = None) -> None:
        self.folder = folder
        self.program = program
        self.account = account
        self.workers = workers
        self.inherited = () if lock is None else (lock,)
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.ends: dict[str, signal.Signals] = {}
        self.give_away(folder)

    def give_away(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.account.uid, self.account.gid)

    def start(self, name: str, *command: object, end: signal.Signals = signal.SIGTERM, **environment: str) -> None:
        """Starts a process; its output is in the file `<name>.log`. `end` is the signal that stop() sends."""
        self.ends[name] = end
        with open(self.folder / f"{name}.log", "ab") as log:
            words = self.account.command(*map(str, command))
            self.started[name] = subprocess.Popen(words, env=os.environ | environment, cwd="/", stdout=log, stderr=log,
                                                  pass_fds=self.inherited)

    def run(self, *command: object, text: str = "", **environment: str) -> str:
        """Runs a command to its end. Returns: its output. Ends this program if it fails."""
        words = self.account.command(*map(str, command))
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, cwd="/", env=os.environ | environment)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop(self, *names: str) -> None:
        """Ends these processes, or all."""
        for name in names or list(reversed(self.started)):
            process = self.started.pop(name)
            process.send_signal(self.ends[name])
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for(self, name: str, address: str) -> None:
        for _ in range(3000):
            if answers(address):
                return
            if self.started[name].poll() is not None:
                break
            time.sleep(0.01)
        sys.exit(f"{name} does not respond at {address}:\n{(self.folder / f'{name}.log').read_text()[-2000:]}")

    # ---- the servers -------------------------------------------------------------------------------

    def nginx(self, name: str, services: list[str], memcached: list[str], include: str = "", on_socket: bool = False,
              console: bool = False) -> str:
        """Returns: the address of an Nginx from the project's template, on a port or a Unix socket; with the pages of the console or without."""
        place = self.folder / name
        place.mkdir()
        address = f"unix:{place}/socket" if on_socket else f"127.0.0.1:{free_port()}"
        # A copy, because the account of Nginx may not be allowed to read the build folder.
        module = shutil.copy(self.program / "nginx/ngx_http_response_cache_module.so", place)
        command = [ROOT / "nginx/render", "--dir", place, "--listen", address, "--module", module, "--workers", self.workers]
        command += ["--unlimited", "127.0.0.1", "--unlimited", "unix:"]  # the load is not one client
        if console:
            command += ["--console", self.program / "nginx/console/site"]
        if include:
            (place / "include").write_text(include)
            command += ["--include", place / "include"]
        for service in services:
            command += ["--service", service]
        for slot in memcached:
            command += ["--memcached", slot]
        conf = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout.strip()
        self.give_away(place, *place.iterdir())
        self.start(name, "nginx", "-e", place / "error.log", "-c", conf)
        self.wait_for(name, address)
        return address

    def instance(self, name: str, settings: str, *command: object, listen: str = "") -> str:
        """Returns: the address (a Unix socket) of an instance that `command` starts with these settings; `listen` is one more."""
        address = f"unix:{self.folder}/{name}.socket"
        file = self.folder / f"{name}.toml"
        file.write_text(settings)
        file.chmod(0o600)
        self.give_away(file)
        self.start(name, *command, "--config", file, CODASYNC_SERVER_LISTEN=",".join(filter(None, (address, listen))))
        self.wait_for(name, address)
        return address

    def memcached(self, name: str) -> str:
        """Returns: the address of a Memcached with the options of config/up."""
        path = self.folder / f"{name}.socket"
        self.start(name, "memcached", "-s", path, "-m", CACHE_MEGABYTES, "-c", 4096, "-t", 2, "-R", 200)
        self.wait_for(name, f"unix:{path}")
        return f"unix:{path}"

    def varnish(self, name: str, service: str) -> str:
        """Returns: the address of a Varnish that keeps every response of the service (a Unix socket) for an hour."""
        place = self.folder / name
        place.mkdir()
        self.give_away(place)
        vcl = place / "codasync.vcl"
        vcl.write_text(
            f'vcl 4.1;\nbackend service {{ .path = "{service.removeprefix("unix:")}"; }}\n'
            "sub vcl_backend_response { set beresp.ttl = 1h; return (deliver); }\n"
        )
        address = f"127.0.0.1:{free_port()}"
        self.start(name, "varnishd", "-F", "-j", "none", "-n", place / "work", "-a", address, "-f", vcl, "-s", f"malloc,{CACHE_MEGABYTES}m")
        self.wait_for(name, address)
        return address

    # ---- what they use ------------------------------------------------------------------------------

    def processor_seconds(self) -> dict[str, float]:
        """Returns: for each process the processor time of itself and its children since their start."""
        return {name: sum(own + (ended if pid == process.pid else 0.0) for pid, own, ended in family(process.pid))
                for name, process in self.started.items()}

    def memory_megabytes(self, name: str) -> float:
        """Returns: the resident memory of the process and its children; shared pages count in parts (PSS)."""
        total = 0
        for pid, _, _ in family(self.started[name].pid):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
        return total / 1024


def family(root: int) -> list[tuple[int, float, float]]:
    """Returns: for a process and its descendants the id, its processor seconds, and those of its ended children."""
    children: dict[int, list[int]] = {}
    seconds: dict[int, tuple[float, float]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        pid = int(entry.name)
        children.setdefault(int(fields[1]), []).append(pid)
        own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
        seconds[pid] = (own / TICKS, ended / TICKS)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in seconds:
            found.append((pid, *seconds[pid]))
        waiting += children.get(pid, [])
    return found
