"""The instances of the service behind Nginx, replaced and scaled while clients go on: no request of theirs fails.

A successor is started beside the instance it replaces. When it is ready it takes over the path of its socket, where Nginx
connects, and only then the old one is asked to end: it answers what it has begun, and tells Nginx to leave its connections.
"""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import nginx
import servers
from state import Failed, State
from supervisor import Process, Supervisor

READY_SECONDS = 30.0
# Longer than Nginx waits for an answer (proxy_read_timeout): then its old workers have nothing left to do.
LEAVE_SECONDS = 40.0


@dataclass
class Instances:
    """Instance n (from 1) is the n-th of the lists."""

    state: State
    supervisor: Supervisor
    port: int  # of Nginx; the instances' direct ones follow it
    nginx_status: str | None  # where Nginx tells its figures
    processes: list[Process] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # for tools; changes with each successor
    nginx: Process | None = None

    def add(self) -> None:
        """Starts one more, which Nginx does not know yet. Throws: Failed, Asked."""
        number = len(self.processes) + 1
        address = self._free_address(number)
        self.processes.append(self.supervisor.start(servers.service(self.state, number, address), READY_SECONDS))
        self.addresses.append(address)

    def replace(self, number: int) -> None:
        """Puts a new process into the place of one. Throws: Failed, and then the old one goes on; Asked."""
        address = self._free_address(number)
        beside = self.state.sockets / "successor"
        successor = self.supervisor.start(servers.service(self.state, number, address, str(beside)), READY_SECONDS)
        beside.rename(servers.service_socket(self.state, number))
        successor.server = servers.service(self.state, number, address)  # should it die, it comes back in its place
        old, self.processes[number - 1] = self.processes[number - 1], successor
        self.addresses[number - 1] = address
        self.supervisor.retire(old)

    def point_nginx(self, count: int) -> None:
        """Lets Nginx know the first `count` and no others, or starts it. Throws: Failed, Asked."""
        configuration = nginx.render(self.state, self.supervisor, self.port, count, self.nginx_status)
        if self.nginx is None:
            self.nginx = self.supervisor.start(nginx.server(self.port, configuration), READY_SECONDS)
            return
        nginx.check(self.supervisor, configuration)
        old = children(self.nginx.popen.pid)
        with suppress(ProcessLookupError):  # it died, and will read the new one when it is started again
            os.kill(self.nginx.popen.pid, signal.SIGHUP)
        if not self.supervisor.wait_for(lambda: not old & children(self.nginx.popen.pid), LEAVE_SECONDS):
            self.supervisor.say("workers of Nginx with the old list still have long answers to send")

    def remove_after(self, count: int) -> None:
        """Ends those that Nginx does not know any more. Throws: Asked."""
        while len(self.processes) > count:
            self.supervisor.retire(self.processes.pop())
            self.addresses.pop()

    def _free_address(self, number: int) -> str:
        """Returns: the address whose port belongs to this instance, its successor's, or any that is free."""
        return servers.free_address(self.port + number, self.port + number + servers.INSTANCES_MAX)


def children(pid: int) -> set[int]:
    """Returns: the process ids of its children; none when it is gone."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


@contextmanager
def new_program(state: State, name: str) -> Iterator[None]:
    """Puts the program that lies under this name into its place. The one before comes back on Failed."""
    new, before = state.folder / name, state.folder / "program.before"
    if not re.fullmatch(r"program\.\d+", name) or not new.is_dir():
        raise Failed(f"There is no program {new}.")
    shutil.rmtree(before, ignore_errors=True)
    state.program.rename(before)
    new.rename(state.program)
    try:
        yield
    except Failed:
        state.program.rename(new)
        before.rename(state.program)
        shutil.rmtree(new)
        raise
    shutil.rmtree(before)


def roll(instances: Instances, program: str, wanted: int, migrate: Callable[[], object]) -> None:
    """Replaces each instance by one of the program that lies ready in the state folder, and changes their number.

    Throws: Failed: the rest goes on with the program before; Asked.
    """
    state, say = instances.state, instances.supervisor.say
    before = len(instances.processes)
    replaced = 0
    try:
        with new_program(state, program):
            migrate()
            for number in range(1, min(before, wanted) + 1):
                say(f"restarting instance {number} of {before}")
                instances.replace(number)
                replaced = number
            while len(instances.processes) < wanted:
                say(f"starting instance {len(instances.processes) + 1} of {wanted}")
                instances.add()
            say(f"Nginx reads its new configuration: {wanted} instances")
            instances.point_nginx(wanted)
    except Failed as failure:
        instances.remove_after(before)
        raise Failed(
            f"{failure}\nOf {before} instances {replaced} have the new program, the others go on with the one before. All of"
            " them serve. Mend what is wrong and call it again."
        ) from failure
    instances.remove_after(wanted)
