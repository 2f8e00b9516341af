"""The faults. Each one breaks something for a while and repairs it again; all choices come from the seed."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from imports import Importer
from servers import Server, Service, eventually
from stack import Stack

POINTS = ("after-locks", "after-delete", "commit-sent", "after-commit", "lease-held", "before-cas")
POINT_SECONDS = 8.0
SLOT_SECONDS = 90.0
DAYS = 24 * 3600

Fault = Callable[["Injector"], None]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return register


class Injector:
    """Breaks one thing after the other in a stack under load."""

    def __init__(
        self, stack: Stack, seed: int, say: Callable[[str], None], importer: Importer | None = None
    ) -> None:
        self.stack = stack
        self.importer = importer
        self.random = random.Random(seed)
        self.say = say
        self.done: Counter[str] = Counter()
        self.impossible: dict[str, str] = {}
        self.not_reached: Counter[str] = Counter()
        self._bag: list[str] = []

    def next(self) -> None:
        """Injects the next fault: all kinds once in random order, then again."""
        if not self._bag:
            self._bag = [name for name in FAULTS if name not in self.impossible]
            self.random.shuffle(self._bag)
        self.inject(self._bag.pop())

    def inject(self, name: str) -> None:
        begun = time.monotonic()
        happened = True
        try:
            FAULTS[name](self)
        except Impossible as reason:
            self.impossible[name] = str(reason)
            happened = False
        except (NotReached, subprocess.SubprocessError, OSError):
            # No request reached the place, or PostgreSQL does not yet respond to this program's query.
            self.not_reached[name] += 1
            happened = False
        self.repair()
        if happened:
            self.done[name] += 1
        self.say(f"{name}{'' if happened else ': not this time'} ({time.monotonic() - begun:.1f} s)")

    def repair(self) -> None:
        """Starts all servers and opens all links, whatever state a fault left."""
        stack = self.stack
        assert stack.gates is not None
        for service in stack.services:
            service.disarm()
            service.send(signal.SIGCONT)
        for server in stack.servers:
            if not server.alive():
                server.start()
        for server in [*stack.services, stack.nginx]:
            eventually(server.ready, f"{server.name} answers again", 120)

    # -- what faults are made of --

    def pause(self, least: float, most: float) -> None:
        time.sleep(self.random.uniform(least, most))

    def service(self) -> Service:
        return self.random.choice(self.stack.services)

    def restart(self, server: Server, least: float = 0.0, most: float = 1.0) -> None:
        server.kill()
        self.pause(least, most)
        server.start()

    def links(self, links: list[int], mode: str, least: float, most: float) -> None:
        assert self.stack.gates is not None
        for link in links:
            self.stack.gates.set(link, mode)
        self.pause(least, most)
        for link in links:
            self.stack.gates.set(link, "pass")

    def slot_links(self, slot: int | None = None, who: int | None = None) -> list[int]:
        return [
            link
            for (whose, which), link in self.stack.slot_links.items()
            if (slot is None or which == slot) and (who is None or whose == who)
        ]

    def gated_slot(self) -> int:
        return self.random.choice(sorted({slot for _, slot in self.stack.slot_links}))

    def wait_for_slot(self, slot: int, state: str) -> None:
        """Throws: NotReached."""
        deadline = time.monotonic() + SLOT_SECONDS
        while self.stack.postgres.sql(f"select state from cache_slots where slot = {slot}") != state:
            if time.monotonic() > deadline:
                raise NotReached
            time.sleep(0.1)

    def reach(self, service: Service, point: str, action: str) -> None:
        """Lets a service be killed or stopped at a point. Throws: NotReached."""
        order = service.arm(point, action)
        deadline = time.monotonic() + POINT_SECONDS
        while order.exists():
            if time.monotonic() > deadline:
                order.unlink(missing_ok=True)
                raise NotReached
            time.sleep(0.002)


class Impossible(Exception):
    """This machine does not let us; the text says why."""


class NotReached(Exception):
    """No process reached the failpoint."""


# -- the service ---------------------------------------------------------------------------------------


@fault("service killed at random")
def kill_service(injector: Injector) -> None:
    injector.restart(injector.service())


@fault("service stopped at random")
def stop_service(injector: Injector) -> None:
    service = injector.service()
    service.send(signal.SIGSTOP)
    injector.pause(0.2, 8.0)
    service.send(signal.SIGCONT)


@fault("both services killed")
def kill_services(injector: Injector) -> None:
    for service in injector.stack.services:
        service.kill()
    injector.pause(0.0, 0.5)
    for service in injector.stack.services:
        service.start()


def killed_at(point: str) -> Fault:
    def inject(injector: Injector) -> None:
        service = injector.service()
        injector.reach(service, point, "kill")
        eventually(lambda: not service.alive(), "the killed service is gone")
        injector.pause(0.0, 0.5)
        service.start()

    return inject


def stopped_at(point: str) -> Fault:
    def inject(injector: Injector) -> None:
        service = injector.service()
        injector.reach(service, point, "stop")
        # Sometimes longer than PostgreSQL lets a transaction idle (5 s), so that its locks are gone.
        injector.pause(0.2, 7.5)
        service.send(signal.SIGCONT)

    return inject


for each in POINTS:
    FAULTS[f"service killed {each}"] = killed_at(each)
    FAULTS[f"service stopped {each}"] = stopped_at(each)


@fault("Memcached restarted between gets and cas")
def restart_under_lease(injector: Injector) -> None:
    service = injector.service()
    injector.reach(service, "before-cas", "stop")
    for node in injector.stack.nodes:
        injector.restart(node, 0.0, 0.1)
    injector.pause(0.1, 1.0)  # others fill: their ids begin at 1 again
    service.send(signal.SIGCONT)


@fault("filler loses its locks before its cas")
def filler_without_session(injector: Injector) -> None:
    service = injector.service()
    injector.reach(service, "before-cas", "stop")
    injector.stack.postgres.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where backend_type = 'client backend' and state = 'idle in transaction'"
    )
    injector.pause(0.3, 1.5)  # others write what it has read
    service.send(signal.SIGCONT)


@fault("wall clock jumps")
def clock(injector: Injector) -> None:
    service = injector.service()
    service.set_clock(injector.random.choice([-10 * DAYS, -3600, -2, 2, 3600, 10 * DAYS]))
    injector.pause(0.5, 3.0)
    service.set_clock(0)


@fault("import killed")
def kill_import(injector: Injector) -> None:
    """Throws: NotReached when none is running for a while."""
    if injector.importer is None:
        raise Impossible("nothing is imported")
    deadline = time.monotonic() + POINT_SECONDS
    while not injector.importer.kill():
        if time.monotonic() > deadline:
            raise NotReached
        injector.pause(0.0, 0.1)


# -- Memcached -----------------------------------------------------------------------------------------


@fault("Memcached killed and restarted")
def restart_memcached(injector: Injector) -> None:
    injector.restart(injector.random.choice(injector.stack.nodes), 0.0, 0.3)


@fault("one slot lost and back")
def lose_slot(injector: Injector) -> None:
    injector.restart(injector.random.choice(injector.stack.nodes), 2.0, 5.0)


@fault("all slots lost and back")
def lose_slots(injector: Injector) -> None:
    for node in injector.stack.nodes:
        node.kill()
    injector.pause(0.3, 2.0)
    for node in injector.stack.nodes:
        node.start()


@fault("Memcached stopped")
def stop_memcached(injector: Injector) -> None:
    node = injector.random.choice(injector.stack.nodes)
    node.send(signal.SIGSTOP)
    injector.pause(0.05, 3.0)
    node.send(signal.SIGCONT)


@fault("a slot without a response marked down; it is back with old data")
def mark_slot_down(injector: Injector) -> None:
    """Throws: NotReached when no process marked it down."""
    slot = injector.random.randrange(len(injector.stack.nodes))
    node = injector.stack.nodes[slot]
    node.send(signal.SIGSTOP)
    try:
        injector.wait_for_slot(slot, "down")
        injector.pause(0.0, 2.0)  # others write without it
    finally:
        node.send(signal.SIGCONT)
    injector.wait_for_slot(slot, "up")


@fault("cache turned off and on")
def turn_cache_off(injector: Injector) -> None:
    injector.stack.cache_command("off")
    injector.pause(0.0, 3.0)
    injector.stack.cache_command("on")


@fault("links to a slot stall; it is back with old data")
def stall_slot(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "stall", 0.1, 4.0)


@fault("links to a slot are cut; it is back with old data")
def cut_slot(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "cut", 0.1, 4.0)


@fault("one link to a slot stalls")
def stall_link(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "stall", 0.05, 3.0)


@fault("one link to a slot is cut")
def cut_link(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "cut", 0.1, 3.0)


@fault("one link to a slot is one-way")
def one_way(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "one-way", 0.1, 3.0)


@fault("links to a slot are slow")
def slow(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "delay", 1.0, 4.0)


@fault("eviction")
def evict(injector: Injector) -> None:
    """A slot with a tiny memory for a while, while other clients need it too. Throws: NotReached when it evicted nothing."""
    node = injector.random.choice(injector.stack.nodes)
    usual = node.command
    node.kill()
    node.command = [*node.words(1), "-I", "32k", "-o", "slab_chunk_max=16384"]
    node.start()
    end = time.monotonic() + injector.random.uniform(3.0, 5.0)
    while time.monotonic() < end:
        node.press([200, 400, 600, 800, 1200, 2500, 5000, 9000, 14000])
    evictions = node.stat("evictions")
    node.kill()
    node.command = usual
    node.start()
    if evictions == 0:
        raise NotReached


# -- PostgreSQL ----------------------------------------------------------------------------------------


@fault("sessions terminated")
def terminate(injector: Injector) -> None:
    """Ends the sessions that are in a transaction at this moment: writers and fillers."""
    sql = injector.stack.postgres.sql
    for _ in range(injector.random.randint(1, 5)):
        with suppress(subprocess.CalledProcessError):
            sql(
                "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start is not null"
                " order by random() limit 5) as some"
            )
        injector.pause(0.0, 0.2)


@fault("PostgreSQL stopped at once and restarted")
def restart_postgres(injector: Injector) -> None:
    injector.stack.postgres.end(signal.SIGQUIT)
    injector.pause(0.0, 1.0)
    injector.stack.postgres.start()


@fault("a backend of PostgreSQL killed")
def kill_backend(injector: Injector) -> None:
    """PostgreSQL takes that for a crash: it ends all sessions and recovers."""
    rows = injector.stack.postgres.sql(
        "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
    ).split()
    if not rows:
        raise NotReached
    os.kill(int(injector.random.choice(rows)), signal.SIGKILL)
    injector.pause(0.5, 1.0)
    eventually(injector.stack.postgres.ready, "PostgreSQL recovers")


@fault("links to PostgreSQL stall")
def stall_sql(injector: Injector) -> None:
    links = injector.random.choice([[link] for link in injector.stack.sql_links] + [injector.stack.sql_links])
    injector.links(links, "stall", 0.1, 7.0)


@fault("links to PostgreSQL are cut")
def cut_sql(injector: Injector) -> None:
    assert injector.stack.gates is not None
    for _ in range(injector.random.randint(1, 5)):
        injector.stack.gates.set(injector.random.choice(injector.stack.sql_links), "cut-now")
        injector.pause(0.0, 0.3)


@fault("links to PostgreSQL are one-way, then cut")
def doubt_sql(injector: Injector) -> None:
    """COMMIT arrives, and its answer does not: the writers have to determine the result."""
    assert injector.stack.gates is not None
    link = injector.random.choice(injector.stack.sql_links)
    injector.stack.gates.set(link, "one-way")
    injector.pause(0.05, 2.0)
    injector.stack.gates.set(link, "cut-now")
    injector.stack.gates.set(link, "pass")


@fault("disk of PostgreSQL full")
def disk_full(injector: Injector) -> None:
    if not injector.stack.mounted:
        raise Impossible("needs a file system of its own: run as root where mount is allowed")
    used = sum(path.stat().st_blocks * 512 for path in injector.stack.data.rglob("*") if path.is_file())
    injector.stack.resize_disk(used)
    injector.pause(1.0, 3.0)
    injector.stack.resize_disk(None)
    # A full pg_wal is a panic: PostgreSQL ends, or recovers by itself.
    injector.pause(0.2, 0.5)
    eventually(lambda: injector.stack.postgres.ready() or not injector.stack.postgres.alive(), "PostgreSQL recovers")


@fault("PgBouncer killed")
def kill_pgbouncer(injector: Injector) -> None:
    if injector.stack.pgbouncer is None:
        raise Impossible("PgBouncer is not installed")
    injector.restart(injector.stack.pgbouncer, 0.0, 1.0)


# -- Nginx ---------------------------------------------------------------------------------------------


@fault("Nginx reloaded")
def reload_nginx(injector: Injector) -> None:
    injector.stack.nginx.send(signal.SIGHUP)
    injector.pause(0.3, 1.0)


@fault("Nginx killed")
def kill_nginx(injector: Injector) -> None:
    injector.restart(injector.stack.nginx, 0.0, 0.5)
