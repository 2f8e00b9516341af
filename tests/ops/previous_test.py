#!/usr/bin/python3
"""The previous version beside this one: it runs with the current schema, together with the current program.

The previous version is the newest release (a tag v*) that is not this commit. Without releases it is the commit before the
newest migration. A clone without enough history skips this test.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
from load import new_readings  # noqa: E402
from stack import ROOT, eventually, free_port, own_stack  # noqa: E402

MIGRATIONS = ROOT / "storage" / "migrations"


def git(*words: str) -> str:
    """Returns: its output; empty when it fails."""
    # The owner of the clone does not matter: this only reads.
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def previous() -> tuple[str, str]:
    """Returns: the commit and its description."""
    head = git("rev-parse", "--verify", "--quiet", "HEAD") if (ROOT / ".git").exists() else ""
    if not head:
        report.skip("the previous version: this clone has no git history")
    for tag in git("tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD").split():
        if (commit := git("rev-parse", f"{tag}^{{commit}}")) != head:
            return commit, f"release {tag}"
    newest = max(file.name for file in MIGRATIONS.glob("*.sql"))
    if newest.startswith("0001_"):
        report.skip("the previous version: the schema has one version only")
    added = git("log", "--diff-filter=A", "--format=%H", "-n1", "--", str(MIGRATIONS / newest))
    if not added:
        return head, f"the last commit, without {newest}"
    # The oldest commit of a shallow clone seems to add every file, and has no parent.
    before = git("rev-parse", "--verify", "--quiet", f"{added}^")
    if not before:
        report.skip(f"the previous version: the history of this clone starts after {newest} was added; fetch it with git fetch --unshallow")
    return before, f"the commit before {newest} (there is no release yet)"


def build(commit: str) -> Path:
    """Returns: the program of that commit. It remains in the build folder for the next run."""
    home = ROOT / ".build" / "ops" / "previous"
    source = home / commit
    if not source.exists():
        shutil.rmtree(home, ignore_errors=True)
        unpacked, packed = home / "unpacked", home / "source.tar"
        unpacked.mkdir(parents=True)
        git("archive", f"--output={packed}", commit)
        subprocess.run(["tar", "-x", "-f", packed, "-C", unpacked], check=True)
        unpacked.rename(source)
    subprocess.run([source / "config" / "build", "codasync"], check=True, stdout=subprocess.DEVNULL)
    return source / ".build" / "api" / "codasync"


def main() -> None:
    report.end_on_sigterm()
    commit, what = previous()
    with own_stack() as stack, ExitStack() as to_end:
        print(f"building {what}, {commit[:12]}", flush=True)
        built = build(commit)
        stack.up("--no-demo")
        owner = (stack.folder / "codasync.toml").stat()
        program = stack.folder / "previous"
        shutil.copy(built, program)
        os.chown(program, owner.st_uid, owner.st_gid)
        address = f"127.0.0.1:{free_port()}"
        account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        with (stack.folder.parent / "previous.log").open("wb") as log:
            old = subprocess.Popen(
                [program, "serve", "--config", stack.folder / "codasync.toml"],
                env={"CODASYNC_SERVER_LISTEN": address, "PATH": os.environ["PATH"]},
                stdout=log,
                stderr=log,
                **account,
            )
        to_end.callback(old.wait)
        to_end.callback(old.kill)  # called first; no effect if it has ended
        before = f"http://{address}"
        eventually(lambda: stack.request("/readyz", base=before)[0] == 200, "the previous version is ready with this schema")

        staff = stack.env()["CODASYNC_STAFF_TOKEN"]
        (reading,) = new_readings(stack, 1)
        path = f"/api/v1/stock-readings/{reading}"
        count = 0
        for round_ in range(100):
            for base in ("", before):  # through Nginx to this version, and directly to the previous one
                status, body = stack.request(f"{path}/adjust", {"delta": 1}, staff, base=base)
                assert status == 200, body
                count += 1
                assert (body["quantity"], body["version"]) == (count, count + 1), body
                for reader in ("", before):
                    seen = stack.request(path, base=reader)
                    assert seen[0] == 200 and seen[1]["version"] == count + 1, (round_, base, reader, seen)
        for base in ("", before):
            status, events = stack.request(f"{path}/history?limit=1000", token=staff, base=base)
            assert status == 200 and len(events) == count + 1, events
            for uri in ("/api/v1/shops/", "/api/v1/products/", "/api/v1/stock-readings/?ordering=expiry_date", "/metrics"):
                if not (base == "" and uri == "/metrics"):
                    assert stack.request(uri, base=base)[0] == 200, (base, uri)
        old.send_signal(signal.SIGTERM)
        assert old.wait(20) == 0
        schema = max(file.name for file in MIGRATIONS.glob("*.sql"))[:4]
        report.checked(
            f"{what}, built from {commit[:12]}, beside this version on schema {schema}: ready, {count} alternating writes of one reading,"
            " each visible at once in both and through the cache; histories and lists; ended with 0"
        )


if __name__ == "__main__":
    main()
