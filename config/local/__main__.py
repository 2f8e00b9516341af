"""The private stack of config/up, config/rolling-restart and config/down, which tell its options.

    up       as the caller: builds, finds the account and the place, hands over to
    run      as the account that the servers have: starts and watches them
    restart  as the caller: builds, hands over to
    order    as that account: asks a running one to restart its instances, and repeats what it says
    down     asks a running one to stop, and waits
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import orders
import prepare
import run
from servers import INSTANCES_MAX
from state import Failed, State

ROOT = Path(__file__).resolve().parents[2]


def number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {lowest} to {highest}")
        return int(text)

    return parse


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage="see --help", add_help=False, allow_abbrev=False)
    parser.add_argument("command", choices=("up", "run", "restart", "order", "down"))
    parser.add_argument("--dir", type=lambda text: Path(text).absolute(), default=ROOT / ".run")
    parser.add_argument("--port", type=number(1024, 65535), default=8080)
    parser.add_argument("--instances", type=number(1, INSTANCES_MAX))
    parser.add_argument("--program")
    parser.add_argument("--pgbouncer", action="store_true")
    parser.add_argument("--prometheus", action="store_true")
    parser.add_argument("--ha", action="store_true")
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--detach", action="store_true")
    return parser.parse_args()


def up(options: argparse.Namespace) -> NoReturn:
    """Prepares as the caller and becomes `run` as the servers' account. Throws: Failed."""
    if options.ha and options.pgbouncer:
        raise Failed("--ha and --pgbouncer do not go together: PgBouncer 1.18 does not look for the primary.")
    if options.ha and options.prometheus:
        raise Failed("--ha and --prometheus do not go together: each of the three nodes would need an exporter of its own.")
    who = prepare.account()
    folder = prepare.place(options.dir, who)
    state = State(folder)
    if state.supervisor() is not None:
        raise Failed(run.already_runs(state))
    state.wait_until_stopped()  # servers whose supervisor was killed are on their way
    prepare.check_port(options.port)
    built = prepare.build(ROOT)
    for stale in folder.glob("program.*"):  # of a rolling restart that was interrupted
        subprocess.run(who.command("rm", "-rf", stale), check=True, cwd="/")
    prepare.hand_over(ROOT, built, state.program, who)
    words = ["run", "--dir", folder, "--port", options.port, *instances(options)]
    flags = ("pgbouncer", "prometheus", "ha", "no-demo", "detach")
    words += [f"--{name}" for name in flags if getattr(options, name.replace("-", "_"))]
    become(who, state, words)


def become(who: prepare.Account, state: State, words: list[object]) -> NoReturn:
    command = who.command(sys.executable, "-B", state.program / "config" / "local", *map(str, words))
    sys.stdout.flush()
    os.chdir("/")
    os.execvp(command[0], command)


def restart(options: argparse.Namespace) -> NoReturn:
    """Prepares as the caller and becomes `order` as the servers' account. Throws: Failed."""
    state = State(options.dir.resolve())
    owner = prepare.owner_of(state.folder)
    if owner is None or state.supervisor() is None:
        raise Failed(f"Nothing runs with the state folder {options.dir}. To start it: config/up")
    program = f"program.{os.getpid()}"
    prepare.hand_over(ROOT, prepare.build(ROOT), state.folder / program, owner)
    become(owner, state, ["order", "--dir", state.folder, "--program", program, *instances(options)])


def instances(options: argparse.Namespace) -> list[object]:
    return [] if options.instances is None else ["--instances", options.instances]


def down(options: argparse.Namespace) -> int:
    """Returns: the exit status, when everything has stopped."""
    state = State(options.dir.resolve())
    owner = prepare.owner_of(state.folder)
    if owner is None or not state.runs():
        print(f"Nothing runs with the state folder {options.dir}.")
        return 0
    if os.geteuid() == 0 and owner.uid != 0:
        become(owner, state, ["down", "--dir", state.folder])
    if (supervisor := state.supervisor()) is not None:
        os.kill(supervisor, signal.SIGTERM)
    state.wait_until_stopped()
    print("Stopped.")
    return 0


def main() -> int:
    options = arguments()
    try:
        if options.command == "up":
            up(options)
        if options.command == "restart":
            restart(options)
        if options.command == "order":
            return orders.give(State(options.dir), program=options.program, instances=options.instances)
        if options.command == "down":
            return down(options)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except PermissionError as refused:
        print(f"{refused.filename} is another account's: use that one or sudo, or another folder.", file=sys.stderr)
        return 1
    wanted = run.Options(
        options.port,
        options.instances or 1,
        demo=not options.no_demo,
        pgbouncer=options.pgbouncer,
        prometheus=options.prometheus,
        ha=options.ha,
    )
    job = partial(run.run, State(options.dir), wanted)
    return run.run_in_background(job) if options.detach else job(lambda: None)


if __name__ == "__main__":
    sys.exit(main())
