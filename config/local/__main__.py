"""The private stack of config/up, config/rolling-restart and config/down. Their help texts describe the options.

    up       as the caller: builds, chooses the account and the state folder, then becomes
    run      as the account of the servers: starts and monitors them
    restart  as the caller: builds, then becomes
    request  as that account: requests a restart of the instances from the running stack, and prints its messages
    down     stops the running stack and waits for its end
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

import control
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
    parser.add_argument("command", choices=("up", "run", "restart", "request", "down"))
    parser.add_argument("--dir", type=lambda text: Path(text).absolute(), default=ROOT / ".run")
    parser.add_argument("--port", type=number(1024, 65535), default=8080)
    parser.add_argument("--instances", type=number(1, INSTANCES_MAX))
    parser.add_argument("--program")
    parser.add_argument("--cors-origins", default="none")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--pgbouncer", action="store_true")
    parser.add_argument("--prometheus", action="store_true")
    parser.add_argument("--ha", action="store_true")
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--detach", action="store_true")
    return parser.parse_args()


def up(options: argparse.Namespace) -> NoReturn:
    """Prepares as the caller and becomes `run` as the servers' account. Throws: Failed."""
    if options.ha and options.pgbouncer:
        raise Failed("--ha and --pgbouncer cannot be combined: PgBouncer 1.18 cannot find the primary.")
    if options.ha and options.prometheus:
        raise Failed("--ha and --prometheus cannot be combined: each of the three nodes would need an exporter of its own.")
    account = prepare.account()
    folder = prepare.place(options.dir, account)
    state = State(folder)
    if state.supervisor() is not None:
        raise Failed(run.already_runs(state))
    state.wait_until_stopped()  # after a kill of the supervisor its servers are still stopping
    prepare.check_port(options.port)
    built = prepare.build(ROOT)
    for stale in folder.glob("program.*"):  # of a rolling restart that was interrupted
        subprocess.run(account.command("rm", "-rf", stale), check=True, cwd="/")
    prepare.copy_program(ROOT, built, state.program, account)
    arguments = ["run", "--dir", folder, "--port", options.port, *instances(options), "--cors-origins", options.cors_origins]
    flags = ("tls", "pgbouncer", "prometheus", "ha", "no-demo", "detach")
    arguments += [f"--{name}" for name in flags if getattr(options, name.replace("-", "_"))]
    become(account, state, arguments)


def become(account: prepare.Account, state: State, arguments: list[object]) -> NoReturn:
    command = account.command(sys.executable, "-B", state.program / "config" / "local", *map(str, arguments))
    sys.stdout.flush()
    os.chdir("/")
    os.execvp(command[0], command)


def restart(options: argparse.Namespace) -> NoReturn:
    """Prepares as the caller and becomes `request` as the servers' account. Throws: Failed."""
    state = State(options.dir.resolve())
    owner = prepare.owner_of(state.folder)
    if owner is None or state.supervisor() is None:
        raise Failed(f"No stack runs with the state folder {options.dir}. To start one: config/up")
    program = f"program.{os.getpid()}"
    prepare.copy_program(ROOT, prepare.build(ROOT), state.folder / program, owner)
    become(owner, state, ["request", "--dir", state.folder, "--program", program, *instances(options)])


def instances(options: argparse.Namespace) -> list[object]:
    return [] if options.instances is None else ["--instances", options.instances]


def down(options: argparse.Namespace) -> int:
    """Waits until all servers have ended. Returns: the exit status."""
    state = State(options.dir.resolve())
    owner = prepare.owner_of(state.folder)
    if owner is None or not state.runs():
        print(f"No stack runs with the state folder {options.dir}.")
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
        if options.command == "request":
            return control.send(State(options.dir), program=options.program, instances=options.instances)
        if options.command == "down":
            return down(options)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} belongs to another account. Use that account, sudo or another folder.", file=sys.stderr)
        return 1
    settings = run.Options(
        options.port,
        options.instances or 1,
        options.cors_origins,
        tls=options.tls,
        demo=not options.no_demo,
        pgbouncer=options.pgbouncer,
        prometheus=options.prometheus,
        ha=options.ha,
    )
    job = partial(run.run, State(options.dir), settings)
    return run.run_in_background(job) if options.detach else job(lambda: None)


if __name__ == "__main__":
    sys.exit(main())
