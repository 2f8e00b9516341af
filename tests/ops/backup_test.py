#!/usr/bin/python3
"""A base backup and the WAL since then: the way back to a moment, and to the last write before a loss."""

import json
import os
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
from stack import ROOT, Stack, eventually  # noqa: E402

BACKUP = ROOT / "config" / "deploy" / "backup" / "backup"
PSQL = ["/usr/lib/postgresql/15/bin/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
READINGS = 5


def backup(*words: object) -> subprocess.CompletedProcess[str]:
    """Calls config/deploy/backup/backup. Returns: what came of it, all words in stdout."""
    command = [str(word) for word in (BACKUP, *words)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", timeout=300)


def well(*words: object) -> str:
    """Calls it. Returns: what it said. Throws: AssertionError unless it succeeded."""
    done = backup(*words)
    assert done.returncode == 0, f"{words}: {done.stdout}"
    return done.stdout


def sql(stack: Stack, query: str, user: str = "postgres") -> str:
    address = f"host={stack.folder}/sockets user={user} dbname=codasync"
    return subprocess.run([*PSQL, "-c", query, address], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Writer:
    """Writes with keys, and remembers what was answered."""

    stack: Stack
    readings: list[int]
    answers: dict[str, dict[str, object]]

    def write(self, name: str, count: int) -> None:
        env = self.stack.env()
        for number in range(count):
            key = f"{name}-{number}"
            reading = self.readings[number % len(self.readings)]
            command = ["curl", "-s", "-f", "-H", f"Authorization: Bearer {env['CODASYNC_STAFF_TOKEN']}"]
            command += ["-H", "Content-Type: application/json", "-H", f"Idempotency-Key: {key}", "-d", '{"delta": 1}']
            command += [f"{env['CODASYNC_URL']}/api/v1/stock-readings/{reading}/adjust"]
            self.answers[key] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(stack: Stack, readings: list[int], told: dict[str, dict[str, object]]) -> None:
    """Throws: AssertionError unless the database has exactly these answers, and the rows are the fold of the ledger."""
    token = int(sql(stack, "select id from tokens where role = 'staff'"))
    rows = sql(
        stack,
        "select json_object_agg(k.name, split_part(k.answer, e'\\n', 4)::json) from idempotency_keys k join stock_operations o using (name)"
        f" where o.reading_id in ({','.join(map(str, readings))})",
    )
    kept = json.loads(rows or "{}")
    assert kept == {name_of_key(token, key): body for key, body in told.items()}, f"{len(kept)} writes are there, {len(told)} were expected"
    wrong = sql(
        stack,
        "select count(*) from stock_readings r where r.version <> (select max(version) from stock_events e where e.reading_id = r.id)"
        " or r.version <> (select count(distinct version) from stock_events e where e.reading_id = r.id)"
        " or r.quantity <> (select sum(coalesce(delta, quantity)) from stock_events e where e.reading_id = r.id)",
    )
    assert wrong == "0", f"{wrong} rows differ from the fold of their events"


def own(folder: Path, like: Path) -> None:
    """Makes a folder for the same account."""
    folder.mkdir(mode=0o700)
    os.chown(folder, like.stat().st_uid, like.stat().st_gid)


def restored(stack: Stack, store: Path, folder: Path, *when: object) -> Stack:
    """Returns: a running stack with the restored cluster."""
    again = Stack(folder)
    own(folder, store)
    shutil.copytree(stack.folder / "tokens", folder / "tokens")  # people keep theirs
    shutil.copy(stack.folder / "set-up", folder)
    for file in (folder / "set-up", folder / "tokens", *(folder / "tokens").iterdir()):
        shutil.chown(file, store.stat().st_uid, store.stat().st_gid)
    well("restore", "--folder", store, "--into", folder / "postgres", *when)
    again.up("--no-demo")
    return again


def main() -> None:
    report.end_on_sigterm()
    home = Path(tempfile.mkdtemp(prefix="codasync-backup."))
    home.chmod(0o755)
    stack = Stack(home / "state")
    stacks = [stack]
    receiver: subprocess.Popen[bytes] | None = None
    try:
        stack.up("--no-demo")
        store = home / "store"
        own(store, stack.folder)
        database = ("--database", f"host={stack.folder}/sockets user=postgres")
        readings = new_readings(stack, READINGS)
        busy = new_readings(stack, READINGS)
        writer = Writer(stack, readings, {})

        command = [str(word) for word in (BACKUP, "receive", "--folder", store, *database)]
        receiver = subprocess.Popen(command, cwd="/")
        eventually(lambda: sql(stack, "select count(*) from pg_stat_replication") == "1", "WAL is received")
        with Load(stack, busy, 4, 0):  # a backup is taken while people work
            writer.write("before-base", 20)
            well("take", "--folder", store, *database)
            writer.write("before", 20)
        before = dict(writer.answers)
        time.sleep(0.1)
        moment = sql(stack, "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        time.sleep(0.1)
        sql(stack, "select pg_switch_wal()")  # what comes after lies in another file
        writer.write("after", 20)

        position = sql(stack, "select pg_current_wal_flush_lsn()")
        eventually(
            lambda: sql(stack, f"select bool_and(flush_lsn >= '{position}') from pg_stat_replication") == "t", "all WAL is received"
        )
        os.kill(stack.pid_of("postgres"), signal.SIGKILL)  # and the machine burns down
        stack.down()
        shutil.rmtree(stack.folder / "postgres")
        receiver.send_signal(signal.SIGINT)
        assert receiver.wait(30) == 0

        said = well("verify", "--folder", store)
        assert "WAL without a gap" in said, said
        then = restored(stack, store, home / "then", "--time", moment)
        stacks.append(then)
        compare(then, readings, before)
        then.check_deeply()
        then.down()
        end = restored(stack, store, home / "end")
        stacks.append(end)
        compare(end, readings, writer.answers)
        end.check_deeply()
        writer.stack = end  # it goes on from here: a repeated key is still one write, a new one is a new one
        again = dict(writer.answers)
        writer.write("after", 20)
        assert writer.answers == again, "a key that was kept was executed again"
        report.checked(
            f"a base backup under load and WAL by pg_receivewal; restored to a moment: exactly the {len(before)} writes before it, not the"
            f" {len(again) - len(before)} after it; restored to the end after kill -9 and the loss of the cluster: all {len(again)};"
            " codasync check --deep is clean after both"
        )

        own(home / "attempts", store)
        late = backup("restore", "--folder", store, "--into", home / "attempts" / "late", "--time", "2999-01-01T00:00:00Z")
        assert late.returncode == 1 and "ends before that time" in late.stdout, late.stdout
        early = backup("restore", "--folder", store, "--into", home / "attempts" / "early", "--time", "2001-01-01T00:00:00Z")
        assert early.returncode == 1 and "No base backup is older" in early.stdout, early.stdout
        assert not list((home / "attempts").iterdir())
        segments = sorted(file for file in (store / "wal").iterdir() if len(file.name) == 24)
        missing = segments[-1].rename(home / "taken-away")
        gap = backup("verify", "--folder", store)
        assert gap.returncode == 1 and segments[-1].name[8:] in gap.stdout, gap.stdout
        missing.rename(segments[-1])
        (base,) = (store / "base").iterdir()
        with (base / "PG_VERSION").open("ab") as file:
            file.write(b"x")
        assert backup("verify", "--folder", store).returncode == 1, "a changed file was not noticed"
        report.checked("a missing WAL segment and a changed file of a base backup are found and named; moments out of reach are refused")
    finally:
        if receiver is not None and receiver.poll() is None:
            receiver.send_signal(signal.SIGINT)
            receiver.wait(30)
        for one in stacks:
            one.down()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
