"""The private stack of config/up and config/down, which tell its options.

    up    as the caller: builds, finds the account and the place, hands over to
    run   as the account that the servers have: starts and watches them
    down  asks a running one to stop, and waits
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import prepare
import run
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
    parser.add_argument("command", choices=("up", "run", "down"))
    parser.add_argument("--dir", type=lambda text: Path(text).absolute(), default=ROOT / ".run")
    parser.add_argument("--port", type=number(1024, 65535), default=8080)
    parser.add_argument("--instances", type=number(1, 16), default=1)
    parser.add_argument("--pgbouncer", action="store_true")
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--detach", action="store_true")
    return parser.parse_args()


def up(options: argparse.Namespace) -> NoReturn:
    """Prepares as the caller and becomes `run` as the servers' account. Throws: Failed."""
    who = prepare.account()
    folder = prepare.place(options.dir, who)
    state = State(folder)
    if state.supervisor() is not None:
        raise Failed(run.already_runs(state))
    state.wait_until_stopped()  # servers whose supervisor was killed are on their way
    prepare.check_port(options.port)
    prepare.hand_over(ROOT, prepare.build(ROOT), state, who)
    words: list[object] = ["run", "--dir", folder, "--port", options.port, "--instances", options.instances]
    words += [f"--{name}" for name in ("pgbouncer", "no-demo", "detach") if getattr(options, name.replace("-", "_"))]
    become(who, state, words)


def become(who: prepare.Account, state: State, words: list[object]) -> NoReturn:
    command = who.command(sys.executable, "-B", state.program / "config" / "stack", *map(str, words))
    sys.stdout.flush()
    os.chdir("/")
    os.execvp(command[0], command)


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
        if options.command == "down":
            return down(options)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    wanted = run.Options(options.port, options.instances, demo=not options.no_demo, pgbouncer=options.pgbouncer)
    job = partial(run.run, State(options.dir), wanted)
    return run.run_in_background(job) if options.detach else job(lambda: None)


if __name__ == "__main__":
    sys.exit(main())
