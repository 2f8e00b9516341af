#!/usr/bin/python3
"""config/deploy/backup: Barman takes a base backup and receives WAL; restore to a moment, and to the last write before a loss."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
from load import Load, new_readings  # noqa: E402
from names import name_of_key  # noqa: E402
from stack import ROOT, Stack, call, eventually  # noqa: E402

CONFIGURATION = ROOT / "config" / "deploy" / "backup" / "codasync.conf"
PSQL = ["/usr/lib/postgresql/15/bin/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
READINGS = 5


class Barman:
    """Barman with codasync.conf, for the database of a stack, in a folder of its own. As root it runs as the stack's account."""

    def __init__(self, home: Path, stack: Stack) -> None:
        self.home = home
        make_folder(home, stack.folder)
        text = CONFIGURATION.read_text()
        for name, database in (("conninfo", "dbname=codasync"), ("streaming_conninfo", "")):
            address = f"{name} = host={stack.folder}/sockets user=postgres {database}"
            text, changed = re.subn(rf"^{name} = .*$", address, text, flags=re.MULTILINE)
            assert changed == 1, name
        (home / "servers").mkdir()
        (home / "servers" / "codasync.conf").write_text(text)
        account = pwd.getpwuid(stack.folder.stat().st_uid).pw_name
        (home / "barman.conf").write_text(
            f"[barman]\nbarman_user = {account}\nbarman_home = {home}\nlog_file = {home}/barman.log\n"
            f"configuration_files_directory = {home}/servers\n"
        )

    def command(self, *words: object) -> list[str]:
        return ["barman", "-c", str(self.home / "barman.conf"), *map(str, words)]

    def call(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Returns: the result, with all output in stdout."""
        return subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", timeout=300)

    def run(self, *words: object) -> str:
        """Returns: the output. Throws: AssertionError when the command fails."""
        done = self.call(*words)
        assert done.returncode == 0, f"barman {words}: {done.stdout}"
        return done.stdout

    def receive(self) -> subprocess.Popen[bytes]:
        """Starts the receiver, which `barman cron` does otherwise."""
        return subprocess.Popen(self.command("receive-wal", "codasync"), cwd="/")

    def stop_receiving(self, receiver: subprocess.Popen[bytes]) -> None:
        if receiver.poll() is None:  # it ends by itself when the server is lost
            self.call("receive-wal", "--stop", "codasync")
            receiver.wait(30)

    def recover(self, cluster: Path, *options: str) -> None:
        """Restores the last base backup. PostgreSQL runs as Barman's account here, so it calls Barman without sudo."""
        self.run("recover", "--get-wal", *options, "codasync", "latest", cluster)
        settings = cluster / "postgresql.auto.conf"
        text, changed = re.subn(r"sudo -u \S+ barman", " ".join(self.command()), settings.read_text())
        assert changed == 1, text
        settings.write_text(text)


def sql(stack: Stack, query: str, user: str = "postgres") -> str:
    address = f"host={stack.folder}/sockets user={user} dbname=codasync"
    return subprocess.run([*PSQL, "-c", query, address], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Writer:
    """Writes with keys and keeps the responses."""

    stack: Stack
    readings: list[int]
    responses: dict[str, dict[str, object]]

    def write(self, name: str, count: int) -> None:
        env = self.stack.env()
        for number in range(count):
            key = f"{name}-{number}"
            reading = self.readings[number % len(self.readings)]
            command = ["curl", "-s", "-f", "-H", f"Authorization: Bearer {env['CODASYNC_STAFF_TOKEN']}"]
            command += ["-H", "Content-Type: application/json", "-H", f"Idempotency-Key: {key}", "-d", '{"delta": 1}']
            command += [f"{env['CODASYNC_URL']}/api/v1/stock-readings/{reading}/adjust"]
            self.responses[key] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(stack: Stack, readings: list[int], expected: dict[str, dict[str, object]]) -> None:
    """Throws: AssertionError unless the database has exactly these responses, and the rows are the fold of the ledger."""
    token = int(sql(stack, "select id from tokens where role = 'staff'"))
    rows = sql(
        stack,
        "select json_object_agg(k.name, split_part(k.answer, e'\\n', 4)::json) from idempotency_keys k join stock_operations o using (name)"
        f" where o.reading_id in ({','.join(map(str, readings))})",
    )
    stored = json.loads(rows or "{}")
    assert stored == {name_of_key(token, key): body for key, body in expected.items()}, f"{len(stored)} writes, {len(expected)} were expected"
    wrong = sql(
        stack,
        "select count(*) from stock_readings r where r.version <> (select max(version) from stock_events e where e.reading_id = r.id)"
        " or r.version <> (select count(distinct version) from stock_events e where e.reading_id = r.id)"
        " or r.quantity <> (select sum(coalesce(delta, quantity)) from stock_events e where e.reading_id = r.id)",
    )
    assert wrong == "0", f"{wrong} rows differ from the fold of their events"


def make_folder(folder: Path, like: Path) -> None:
    """Makes a folder for the same account."""
    folder.mkdir(mode=0o700)
    os.chown(folder, like.stat().st_uid, like.stat().st_gid)


def restored(stack: Stack, barman: Barman, folder: Path, *options: str) -> Stack:
    """Returns: a stack, not started, with the restored cluster."""
    make_folder(folder, barman.home)
    shutil.copytree(stack.folder / "tokens", folder / "tokens")  # clients keep their tokens
    shutil.copy(stack.folder / "set-up", folder)
    for file in (folder / "set-up", folder / "tokens", *(folder / "tokens").iterdir()):
        shutil.chown(file, barman.home.stat().st_uid, barman.home.stat().st_gid)
    barman.recover(folder / "postgres", *options)
    return Stack(folder)


def check_failures(stack: Stack, barman: Barman, home: Path) -> None:
    """A moment that cannot be reached is refused; a damaged base backup and missing WAL are found."""
    late = restored(stack, barman, home / "late", "--target-time", "2999-01-01 00:00:00+00:00", "--target-action", "promote")
    started = call("up", "--detach", "--no-demo", "--dir", late.folder, "--port", late.port)
    assert started.returncode == 1 and "recovery ended before configured recovery target was reached" in started.stdout, started.stdout
    early = barman.call("recover", "--target-time", "2001-01-01 00:00:00+00:00", "codasync", "latest", home / "early")
    assert early.returncode != 0 and "2001-01-01" in early.stdout, early.stdout

    (changed,) = (barman.home / "codasync" / "base").glob("*/data/PG_VERSION")
    with changed.open("ab") as file:
        file.write(b"x")
    assert barman.call("verify-backup", "codasync", "latest").returncode != 0, "a changed file was not found"
    needed = sorted((barman.home / "codasync" / "wals").glob("*/[0-9A-F]*"))[0]
    needed.rename(home / "taken-away")
    barman.run("check-backup", "codasync", "latest")
    assert "FAILED" in barman.run("list-backups", "codasync"), "missing WAL of a base backup was not found"
    report.checked("a changed file of a base backup and missing WAL that it needs are found; moments out of reach are refused")


def main() -> None:
    report.end_on_sigterm()
    home = Path(tempfile.mkdtemp(prefix="codasync-backup."))
    home.chmod(0o755)
    stack = Stack(home / "state")
    stacks = [stack]
    receiver: subprocess.Popen[bytes] | None = None
    try:
        stack.up("--no-demo")
        barman = Barman(home / "barman", stack)
        readings = new_readings(stack, READINGS)
        busy = new_readings(stack, READINGS)
        writer = Writer(stack, readings, {})

        receiver = barman.receive()
        eventually(lambda: sql(stack, "select count(*) from pg_stat_replication") == "1", "WAL is received")
        barman.run("switch-wal", "--force", "--archive", "codasync")  # Barman requires an archived WAL file before a backup
        with Load(stack, busy, 4, 0):  # the backup is taken under load
            writer.write("before-base", 20)
            barman.run("backup", "codasync")
            writer.write("before", 20)
        before = dict(writer.responses)
        time.sleep(0.1)
        moment = sql(stack, "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00:00')")
        time.sleep(0.1)
        barman.run("switch-wal", "--archive", "codasync")
        barman.run("check", "codasync")
        writer.write("after", 20)

        position = sql(stack, "select pg_current_wal_flush_lsn()")
        # The receiver reports its position every 10 s.
        eventually(
            lambda: sql(stack, f"select bool_and(write_lsn >= '{position}') from pg_stat_replication") == "t", "all WAL is received", 60
        )
        os.kill(stack.pid_of("postgres"), signal.SIGKILL)  # the database server is lost
        stack.down()
        shutil.rmtree(stack.folder / "postgres")
        barman.stop_receiving(receiver)

        barman.run("archive-wal", "codasync")
        barman.run("verify-backup", "codasync", "latest")
        then = restored(stack, barman, home / "then", "--target-time", moment, "--target-action", "promote")
        stacks.append(then)
        then.up("--no-demo")
        compare(then, readings, before)
        then.check_deeply()
        then.down()
        end = restored(stack, barman, home / "end")
        stacks.append(end)
        end.up("--no-demo")
        compare(end, readings, writer.responses)
        end.check_deeply()
        writer.stack = end  # clients continue here: a repeated key is still one write
        again = dict(writer.responses)
        writer.write("after", 20)
        assert writer.responses == again, "a write with a stored key was executed again"
        report.checked(
            f"Barman: a base backup under load and streamed WAL; restored to a moment: exactly the {len(before)} writes before it, not the"
            f" {len(again) - len(before)} after it; restored to the end after kill -9 and the loss of the cluster: all {len(again)};"
            " codasync check --deep finds no difference after both"
        )
        check_failures(stack, barman, home)
    finally:
        if receiver is not None:
            barman.stop_receiving(receiver)
        for one in stacks:
            one.down()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
