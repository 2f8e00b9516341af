#!/usr/bin/python3
"""config/deploy/systemd: installed and run on a host with systemd, which is a container here."""

import os
import re
import secrets
import shutil
import subprocess
import threading
import time

from containers import STORE, build, command, enter_own_network, environment, image, logs, podman, succeeds
from report import checked, end_on_sigterm
from servers import ROOT, eventually
from smoke import expect, send, smoke, wait_until_ready

HOST, DATABASE = "codasync-host", "codasync-host-postgres"
URL = "http://127.0.0.1:8080"
PASSWORDS = {role: secrets.token_hex(16) for role in ("owner", "service")}
# A usual host: Debian with systemd, Nginx, Memcached, and the libraries of the service.
DOCKERFILE = f"""
FROM {image("service")}
USER 0
RUN apt-get update && apt-get install --yes --no-install-recommends systemd nginx memcached python3-minimal && rm -rf /var/lib/apt/lists/*
RUN rm /usr/bin/codasync && systemctl mask nginx.service memcached.service
COPY tree/ /
RUN systemd-sysusers
ENTRYPOINT ["/lib/systemd/systemd"]
CMD []
"""
# Rights that systemd needs to isolate its units.
RIGHTS = ["--systemd=always", "--cap-add=SYS_ADMIN,SYS_PTRACE,SYS_RESOURCE,NET_ADMIN", "--security-opt=seccomp=unconfined"]
UNITS = ("codasync-memcached", "codasync@1", "codasync@2", "codasync-edge")


def build_host() -> None:
    place = STORE / "host"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run([ROOT / "config/deploy/systemd/install", "--root", place / "tree"], check=True)
    words = ["--isolation=chroot", "--network=host", "--pull=never", "--layers", "--format=docker"]
    podman("build", *words, f"--tag={image('host')}", place, seconds=600.0)


def systemctl(*words: str) -> str:
    return podman("exec", HOST, "systemctl", *words)


def write(path: str, text: str) -> None:
    """Writes a file of the host, readable by root only."""
    words = command("exec", "--interactive", HOST, "sh", "-c", f"umask 077 && cat >{path}")
    subprocess.run(words, input=text, text=True, check=True, env=environment(), timeout=60)


def start() -> None:
    podman("run", "--detach", f"--name={DATABASE}", "--read-only", "--tmpfs=/tmp",
           *(f"--env=CODASYNC_{role.upper()}_PASSWORD={word}" for role, word in PASSWORDS.items()), image("postgres"))  # fmt: skip
    podman("run", "--detach", f"--name={HOST}", *RIGHTS, image("host"))
    eventually(lambda: podman("exec", HOST, "systemctl", "is-system-running", check=False) == "running", "systemd runs")
    eventually(lambda: succeeds("healthcheck", "run", DATABASE), "PostgreSQL is ready", 120.0)
    for role, word in PASSWORDS.items():
        write(f"/etc/codasync/{role}.env", f"CODASYNC_POSTGRES_URL=postgresql://codasync_{role}:{word}@127.0.0.1/codasync\n")
    services = "--service unix:/run/codasync-1/service --service unix:/run/codasync-2/service"
    write("/etc/codasync/edge.env", f'EDGE="--listen 127.0.0.1:8080 {services} --memcached unix:/run/codasync-memcached/socket"\n')
    systemctl("start", "codasync-migrate")
    systemctl("enable", "codasync.target", *UNITS)
    systemctl("start", "codasync.target")


def pid_of(unit: str) -> int:
    """Returns: the process id of the main process, outside of the container."""
    inside = systemctl("show", "--property=MainPID", "--value", unit)
    about = podman("top", HOST, "hpid", "pid").split()[2:]
    return int(dict(zip(about[1::2], about[::2], strict=True))[inside])


def check_rights() -> None:
    accounts: dict[str, str] = {}
    for unit in UNITS:
        status = open(f"/proc/{pid_of(unit)}/status", encoding="ascii").read()
        uid = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)
        assert uid and uid[1] != "0", (unit, status)
        accounts[unit.partition("@")[0]] = uid[1]
        cores = re.search(r"^Max core file size +(\d+) ", open(f"/proc/{pid_of(unit)}/limits", encoding="ascii").read(), re.MULTILINE)
        assert cores and cores[1] == "0", unit
        bounds = re.search(r"^CapBnd:\s+([0-9a-f]+)$", status, re.MULTILINE)
        assert bounds and int(bounds[1], 16) == (1 << 10 if unit == "codasync-edge" else 0), (unit, status)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), (unit, status)
        assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE), (unit, status)
    assert len(set(accounts.values())) == 3, accounts


def check_restarts() -> str:
    """Restarts under load, and a kill. Returns: the measurements."""
    stop, statuses = threading.Event(), list[int]()

    def read() -> None:
        while not stop.is_set() and len(statuses) < 100_000:
            statuses.append(send(f"{URL}/api/v1/shops?limit=1").status)
            time.sleep(0.005)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in (1, 2):
            systemctl("restart", f"codasync@{number}")
            wait_until_ready(f"http://127.0.0.1:808{number}")
            time.sleep(2)  # as README.md says: Nginx does not use an instance for a second after a refused connection
    finally:
        stop.set()
        reader.join()
    assert statuses and set(statuses) == {200}, {status: statuses.count(status) for status in set(statuses)}
    killed = pid_of("codasync@2")
    os.kill(killed, 9)
    wait_until_ready("http://127.0.0.1:8082")
    assert pid_of("codasync@2") != killed
    return f"both instances restarted one after the other under {len(statuses)} reads, all 200; a killed one was restarted"


def main() -> None:
    end_on_sigterm()
    if os.environ.get("CODASYNC_OWN_NETWORK") != "yes":
        build("service", "postgres")
        build_host()
    enter_own_network()
    podman("rm", "--force", "--volumes", HOST, DATABASE, check=False)
    try:
        start()
        for number in (1, 2):
            wait_until_ready(f"http://127.0.0.1:808{number}")
        wait_until_ready(URL)
        words = "set -a; . /etc/codasync/service.env; exec codasync token create --name smoke --role admin"  # README.md
        token = podman("exec", HOST, "sh", "-c", words)
        done = smoke(URL, token, edge=True)
        expect(send(f"{URL}/docs/swagger-ui-bundle.js"), 200)
        check_rights()
        checked(f"systemd in a container, the units as installed (migration, Memcached, two instances, edge): {done}; "
                "no process has root or capabilities (Nginx: ports below 1024), each kind an account of its own and a filter of system calls, none writes a core dump")
        checked(check_restarts())
        write("/etc/codasync/edge.env", 'EDGE="--listen 127.0.0.1:8079 --service unix:/run/codasync-1/service"\n')
        systemctl("reload", "codasync-edge")
        eventually(lambda: send("http://127.0.0.1:8079/healthz").status == 200, "Nginx listens at the new address of edge.env")
        systemctl("stop", "codasync.target")
        eventually(lambda: send("http://127.0.0.1:8079/healthz").status == 0, "everything has stopped")
        for unit in UNITS:
            assert systemctl("show", "--property=Result", "--value", unit) == "success", systemctl("status", unit)
        checked("reload of Nginx with another edge.env; stopping codasync.target ends every unit with success")
    except BaseException:
        print(podman("exec", HOST, "journalctl", "--no-pager", "--lines=60", check=False))
        print(logs(DATABASE)[-2000:])
        raise
    finally:
        podman("rm", "--force", "--volumes", "--time=5", HOST, DATABASE, check=False)


if __name__ == "__main__":
    main()
