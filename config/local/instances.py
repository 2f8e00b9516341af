"""The instances of the service behind Nginx, replaced and scaled without a failed request.

A new process starts beside the one that it replaces. When it is ready it takes over the path of the socket where Nginx connects.
Only then the old process gets SIGTERM: it completes the requests in progress and closes the connections of Nginx.
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
# Longer than Nginx waits for a response (proxy_read_timeout): after that its old workers have ended.
LEAVE_SECONDS = 40.0


@dataclass
class Instances:
    """Instance n (from 1) is element n of both lists."""

    state: State
    supervisor: Supervisor
    port: int  # of Nginx; the direct ports of the instances follow it
    cors_origins: str
    nginx_status: str | None  # address of Nginx's status page
    processes: list[Process] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # for tools; a new process has a new address
    nginx: Process | None = None

    def add(self) -> None:
        """Starts another instance, which Nginx does not use yet. Throws: Failed, StopRequested."""
        number = len(self.processes) + 1
        address = self._free_address(number)
        self.processes.append(self.supervisor.start(servers.service(self.state, number, address), READY_SECONDS))
        self.addresses.append(address)

    def replace(self, number: int) -> None:
        """Replaces the process of an instance. Throws: Failed, and then the old process continues; StopRequested."""
        address = self._free_address(number)
        beside = self.state.sockets / "successor"
        successor = self.supervisor.start(servers.service(self.state, number, address, str(beside)), READY_SECONDS)
        beside.rename(servers.service_socket(self.state, number))
        successor.server = servers.service(self.state, number, address)  # it is restarted at the final path
        old, self.processes[number - 1] = self.processes[number - 1], successor
        self.addresses[number - 1] = address
        self.supervisor.remove(old)

    def configure_nginx(self, count: int) -> None:
        """Makes Nginx use the first `count` instances; starts it if it does not run. Throws: Failed, StopRequested."""
        configuration = nginx.render(self.state, self.supervisor, self.port, count, self.cors_origins, self.nginx_status)
        if self.nginx is None:
            self.nginx = self.supervisor.start(nginx.server(self.state, self.port, configuration), READY_SECONDS)
            return
        nginx.check(self.supervisor, configuration)
        old = children(self.nginx.popen.pid)
        with suppress(ProcessLookupError):  # it has ended, and reads the new configuration when it is restarted
            os.kill(self.nginx.popen.pid, signal.SIGHUP)
        if not self.supervisor.wait_for(lambda: not old & children(self.nginx.popen.pid), LEAVE_SECONDS):
            self.supervisor.say("old workers of Nginx still send long responses")

    def remove_after(self, count: int) -> None:
        """Stops the instances that Nginx does not use any more. Throws: StopRequested."""
        while len(self.processes) > count:
            self.supervisor.remove(self.processes.pop())
            self.addresses.pop()

    def _free_address(self, number: int) -> str:
        """Returns: one of the two preferred addresses of this instance, or one with any free port."""
        return servers.free_address(self.port + number, self.port + number + servers.INSTANCES_MAX)


def children(pid: int) -> set[int]:
    """Returns: the process ids of its children; empty when it has ended."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


@contextmanager
def new_program(state: State, name: str) -> Iterator[None]:
    """Makes the program in the folder of this name the current one. On Failed the previous one is restored."""
    new, before = state.folder / name, state.folder / "program.before"
    if not re.fullmatch(r"program\.\d+", name) or not new.is_dir():
        raise Failed(f"{new} does not exist or is not a program of rolling-restart.")
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
    """Replaces each instance by one of the new program in the state folder, and changes the number of instances.

    Throws: Failed: the other instances continue with the previous program; StopRequested.
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
            say(f"Nginx reloads its configuration: {wanted} instances")
            instances.configure_nginx(wanted)
    except Failed as failure:
        instances.remove_after(before)
        raise Failed(
            f"{failure}\n{replaced} of {before} instances have the new program, the others the previous one. All of them serve"
            " requests. Remove the cause and try again."
        ) from failure
    instances.remove_after(wanted)
