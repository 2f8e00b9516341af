#!/usr/bin/python3
"""config/deploy/debian: the package on a minimal Debian. It is installed, started against a local PostgreSQL and Memcached, upgraded,
and removed. There is no systemd in the machine, so the commands of its units are run as the units would.
"""

import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
from machine import Machine, call, new_machine  # noqa: E402
from servers import ROOT, Postgres, eventually, folder, free_port, memcached, postgres  # noqa: E402
from smoke import expect, send, smoke, wait_until_ready  # noqa: E402

UNITS = "/lib/systemd/system"
INSTALL = """
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -qq --yes --no-install-recommends /tmp/{package} >/tmp/install.log 2>&1 || {{ cat /tmp/install.log; exit 1; }}
cat /tmp/install.log
"""
# Runs the commands of the units, until the file /tmp/enough exists.
START = """
command_of() {{ sed -n "s|^$2=||p" {units}/$1 | head -n 1 | sed 's|%d|/run/credentials|'; }}
as_user() {{ account=$1 groups=$2; shift 2; setpriv --reuid="$account" --regid="$account" --groups="$groups" "$@"; }}
# as_unit ACCOUNT FILE COMMAND: with the variables of the file, as the account of the unit.
as_unit() {{
  ( set -a; . "$2"; set +a; as_user "$1" "$1" sh -c "exec $3" )
}}
install --directory --owner=codasync --group=codasync --mode=750 /run/codasync-1
install --directory --owner=codasync-edge --group=codasync-edge --mode=750 /run/codasync-edge
as_unit codasync-migrate /etc/codasync/owner.env "$(command_of codasync-migrate.service ExecStart)"
# systemd gives each unit a copy of its own.
install -D --group=codasync --mode=640 /etc/codasync/cache-key /run/credentials/cache-key
export CODASYNC_MEMCACHED_KEY_FILE=/run/credentials/cache-key
as_unit codasync /etc/codasync/service.env 'codasync check' || true
# The role of the service makes the first token only.
[[ -s /tmp/token ]] || as_unit codasync /etc/codasync/service.env 'codasync token create --name smoke --role admin' >/tmp/token
as_unit codasync /etc/codasync/service.env "$(command_of codasync@.service ExecStart)" >/tmp/service.log 2>&1 &
export EDGE="--listen 127.0.0.1:{edge} --service unix:/run/codasync-1/service --memcached 127.0.0.1:{cache}"
as_user codasync-edge codasync sh -c "$(command_of codasync-edge.service ExecStartPre)"
as_user codasync-edge codasync sh -c "exec $(command_of codasync-edge.service ExecStart)" >/tmp/edge.log 2>&1 &
touch /tmp/started
for _ in $(seq 1200); do [[ ! -e /tmp/enough ]] || exit 0; sleep 0.1; done
cat /tmp/service.log /tmp/edge.log
exit 1
"""


def upgraded(package: Path, place: Path) -> Path:
    """Returns: the same package with a higher version."""
    tree = place / "tree"
    call(["dpkg-deb", "--raw-extract", str(package), str(tree)], 60)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), count=1, flags=re.MULTILINE))
    new = place / "next.deb"
    call(["dpkg-deb", "--build", "--root-owner-group", "-Znone", str(tree), str(new)], 60)
    return new


def write_settings(machine: Machine, database: Postgres, cache: int) -> None:
    for role in ("owner", "service"):
        file = machine.folder / f"etc/codasync/{role}.env"
        assert file.stat().st_mode & 0o777 == 0o600, oct(file.stat().st_mode)
        listen = "CODASYNC_SERVER_LISTEN=unix:/run/codasync-1/service\n"
        file.write_text(f"CODASYNC_POSTGRES_URL={database.url(f'codasync_{role}')}\nCODASYNC_MEMCACHED_SERVERS=127.0.0.1:{cache}\n{listen}")


def start_and_use(machine: Machine, cache: int) -> str:
    """Runs migration, service and edge, and is their client. Returns: what was done."""
    edge = free_port()
    for name in ("started", "enough"):
        (machine.folder / "tmp" / name).unlink(missing_ok=True)
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            machine.run("root", START.format(units=UNITS, edge=edge, cache=cache))
        except BaseException as failure:
            failures.append(failure)

    servers = threading.Thread(target=serve)
    servers.start()
    try:
        eventually(lambda: bool(failures) or (machine.folder / "tmp/started").exists(), "the commands of the units ran")
        assert not failures, failures
        url = f"http://127.0.0.1:{edge}"
        wait_until_ready(url)
        token = (machine.folder / "tmp/token").read_text().strip()
        done = smoke(url, token, edge=True)
        expect(send(f"{url}/docs/swagger-ui-bundle.js"), 200)
        listed = machine.run("root", f"CODASYNC_URL={url} CODASYNC_TOKEN={token} codasync product list")
        assert "4006381333931\tHighlighter" in listed, listed
        return done
    finally:
        (machine.folder / "tmp/enough").touch()
        servers.join()
        if failures:
            print(failures)


def check_installed(machine: Machine) -> None:
    machine.run("root", """
codasync --version
gzip --decompress --stdout /usr/share/man/man1/codasync.1.gz | grep --quiet '^.SH COMMANDS'
test -s /usr/share/bash-completion/completions/codasync
test -s /usr/share/zsh/vendor-completions/_codasync
test -s /usr/share/fish/vendor_completions.d/codasync.fish
test -s /usr/share/codasync/setup.sql
grep --quiet '"bomFormat": "CycloneDX"' /usr/share/doc/codasync/sbom.cdx.json
id codasync codasync-edge codasync-memcached codasync-migrate
! grep --recursive /usr/local /lib/systemd/system/codasync*
""")


def main() -> None:
    with new_machine("the package") as machine:
        place = machine.folder.parent
        began = time.monotonic()
        call([str(ROOT / "config/deploy/debian/build"), str(place / "built")], 900)
        (package,) = (place / "built").glob("codasync_*.deb")
        shutil.copy(package, machine.folder / "tmp/first.deb")
        shutil.copy(upgraded(package, place), machine.folder / "tmp/next.deb")
        print(f"a package after {time.monotonic() - began:.0f} s more", flush=True)
        with folder() as data, postgres(data) as database, memcached(data) as cache:
            machine.run("root", INSTALL.format(package="first.deb"))
            check_installed(machine)
            write_settings(machine, database, cache)
            done = start_and_use(machine, cache)
            report.checked(f"the Debian package ({package.stat().st_size / 1e6:.1f} MB) on a minimal Debian 12: installed with its dependencies,"
                           f" the commands of its units started against a local PostgreSQL and Memcached: {done}; codasync product list")
            upgrade(machine, cache)
        remove(machine)


def upgrade(machine: Machine, cache: int) -> None:
    settings, secrets = (machine.folder / "etc/codasync" / name for name in ("codasync.toml", "service.env"))
    settings.write_text(settings.read_text() + "\n# changed by the administrator\n")
    secret = secrets.read_text()
    output = machine.run("root", INSTALL.format(package="next.deb"))
    assert "CodaSync was upgraded from" in output, output
    assert settings.read_text().endswith("# changed by the administrator\n")
    assert secrets.read_text() == secret
    start_and_use(machine, cache)
    report.checked("the package upgraded: settings and secrets kept, everything started again with the same database")


def remove(machine: Machine) -> None:
    machine.run("root", "apt-get remove -qq --yes codasync >/dev/null")
    assert not (machine.folder / "usr/bin/codasync").exists()
    for name in ("codasync.toml", "service.env"):
        assert (machine.folder / "etc/codasync" / name).exists(), name
    machine.run("root", "apt-get purge -qq --yes codasync >/dev/null")
    left = subprocess.run(["find", "etc", "usr", "lib", "var/lib/dpkg/info", "-path", "*codasync*"], cwd=machine.folder, capture_output=True, text=True)
    assert left.stdout == "", left.stdout
    report.checked("the package removed: the program is gone and the settings stay; purged: no file is left")


if __name__ == "__main__":
    main()
