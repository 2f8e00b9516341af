"""The faults. Each one breaks something for a while and repairs it again; all choices come from the seed."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from imports import Importer
from servers import Broken, Server, Service, eventually, status_of
from stack import Stack

POINTS = ("after-locks", "after-delete", "commit-sent", "after-commit", "lease-held", "before-cas")
KEEPER_POINTS = ("slot-locked", "slot-emptied")
POINT_SECONDS = 8.0
TWO = "two faults at once"
TWO_TIMES = 8  # while each other kind comes once
SETTLE_SECONDS = 2.0  # pauses after a failed connection end
CALM_SECONDS = 1.5
SLOT_SECONDS = 90.0
DAYS = 24 * 3600

Fault = Callable[["Injector"], None]
FAULTS: dict[str, Fault] = {}
# What each fault stops, starts or cuts. Two faults at once have nothing in common.
TOUCHES: dict[str, frozenset[str]] = {}


def fault(name: str, *touches: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        TOUCHES[name] = frozenset(touches)
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
        self.calms: list[tuple[float, float]] = []  # when every server was in use; monotonic times
        self._bag: list[str] = []
        # For the second of two faults. It lives as long as the run, because servers end with the thread that started them.
        self.beside = ThreadPoolExecutor(1)

    def next(self) -> None:
        """Injects the next fault: all kinds once in random order, then again."""
        if not self._bag:
            self._bag = [name for name in FAULTS if name not in self.impossible]
            if TWO in self._bag:
                self._bag += [TWO] * (TWO_TIMES - 1)
            self.random.shuffle(self._bag)
        self.inject(self._bag.pop())

    def inject(self, name: str) -> None:
        begun = time.monotonic()
        happened = True
        try:
            FAULTS[name](self)
        except Impossible as reason:
            if name != TWO:
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
            eventually(lambda one=server: running(one).ready(), f"{server.name} answers again", 120)
        eventually(lambda: status_of(stack.port, "/healthz") == 200, "a service answers through Nginx again", 120)

    def calm(self) -> None:
        """Waits until every server is in use again, and notes a while in which no write may be refused. Throws: Broken."""
        deadline = time.monotonic() + SLOT_SECONDS
        while not self.slots_in_use():
            if time.monotonic() > deadline:
                raise Broken("a slot whose server responds is not in use again")
            time.sleep(0.1)
        time.sleep(SETTLE_SECONDS)
        begun = time.monotonic()
        time.sleep(CALM_SECONDS)
        self.calms.append((begun, time.monotonic()))

    def slots_in_use(self) -> bool:
        """A keeper that was killed may have left a server with another identity than the database has."""
        rows = self.stack.postgres.sql("select state = 'up' and asked_at is null, identity from cache_slots order by slot")
        slots = [row.split("|") for row in rows.splitlines()]
        return all(
            in_use == "t" and identity.encode() in node.ask("mg slot1 v", b"\r\n")
            for (in_use, identity), node in zip(slots, self.stack.nodes, strict=True)
        )

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


def running(server: Server) -> Server:
    """Starts a server that has ended and lets one continue that has stopped, also when it took its order just before that was withdrawn."""
    if not server.alive():
        server.start()
    server.send(signal.SIGCONT)
    return server


class Impossible(Exception):
    """This machine does not let us; the text says why."""


class NotReached(Exception):
    """No process reached the failpoint."""


# -- the service ---------------------------------------------------------------------------------------


@fault("service killed at random", "services")
def kill_service(injector: Injector) -> None:
    injector.restart(injector.service())


@fault("service stopped at random", "services")
def stop_service(injector: Injector) -> None:
    service = injector.service()
    service.send(signal.SIGSTOP)
    injector.pause(0.2, 8.0)
    service.send(signal.SIGCONT)


@fault("both services killed", "services")
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
    fault(f"service killed {each}", "services")(killed_at(each))
    fault(f"service stopped {each}", "services")(stopped_at(each))


def keeper_at(point: str, action: str) -> Fault:
    """A slot is lost and back, and the process that changes its state is killed or stopped meanwhile, with the exclusive lock."""

    def inject(injector: Injector) -> None:
        services = injector.stack.services
        orders = [service.arm(point, action) for service in services]
        injector.restart(injector.random.choice(injector.stack.nodes), 2.0, 4.0)
        deadline = time.monotonic() + POINT_SECONDS
        while all(order.exists() for order in orders):
            if time.monotonic() > deadline:
                raise NotReached
            time.sleep(0.002)
        if action == "stop":
            injector.pause(0.2, 7.5)  # repair() lets it continue

    return inject


for each in KEEPER_POINTS:
    fault(f"keeper killed {each}", "services", "Memcached")(keeper_at(each, "kill"))
    fault(f"keeper stopped {each}", "services", "Memcached")(keeper_at(each, "stop"))


@fault("Memcached restarted between gets and cas", "services", "Memcached")
def restart_under_lease(injector: Injector) -> None:
    service = injector.service()
    injector.reach(service, "before-cas", "stop")
    for node in injector.stack.nodes:
        injector.restart(node, 0.0, 0.1)
    injector.pause(0.1, 1.0)  # others fill: their ids begin at 1 again
    service.send(signal.SIGCONT)


@fault("filler loses its locks before its cas", "services", "PostgreSQL")
def filler_without_session(injector: Injector) -> None:
    service = injector.service()
    injector.reach(service, "before-cas", "stop")
    injector.stack.postgres.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where backend_type = 'client backend' and state = 'idle in transaction'"
    )
    injector.pause(0.3, 1.5)  # others write what it has read
    service.send(signal.SIGCONT)


@fault("wall clock jumps", "services")
def clock(injector: Injector) -> None:
    service = injector.service()
    service.set_clock(injector.random.choice([-10 * DAYS, -3600, -2, 2, 3600, 10 * DAYS]))
    injector.pause(0.5, 3.0)
    service.set_clock(0)


@fault("import killed", "imports")
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


@fault("Memcached killed and restarted", "Memcached")
def restart_memcached(injector: Injector) -> None:
    injector.restart(injector.random.choice(injector.stack.nodes), 0.0, 0.3)


@fault("one slot lost and back", "Memcached")
def lose_slot(injector: Injector) -> None:
    injector.restart(injector.random.choice(injector.stack.nodes), 2.0, 5.0)


@fault("all slots lost and back", "Memcached")
def lose_slots(injector: Injector) -> None:
    for node in injector.stack.nodes:
        node.kill()
    injector.pause(0.3, 2.0)
    for node in injector.stack.nodes:
        node.start()


@fault("Memcached stopped", "Memcached")
def stop_memcached(injector: Injector) -> None:
    node = injector.random.choice(injector.stack.nodes)
    node.send(signal.SIGSTOP)
    injector.pause(0.05, 3.0)
    node.send(signal.SIGCONT)


@fault("a slot without a response marked down; it is back with old data", "Memcached", "PostgreSQL", "services")
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


@fault("cache turned off and on", "Memcached", "PostgreSQL", "services")
def turn_cache_off(injector: Injector) -> None:
    injector.stack.cache_command("off")
    injector.pause(0.0, 3.0)
    injector.stack.cache_command("on")


@fault("links to a slot stall; it is back with old data", "slot links")
def stall_slot(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "stall", 0.1, 4.0)


@fault("links to a slot are cut; it is back with old data", "slot links")
def cut_slot(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "cut", 0.1, 4.0)


@fault("one link to a slot stalls", "slot links")
def stall_link(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "stall", 0.05, 3.0)


@fault("one link to a slot is cut", "slot links")
def cut_link(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "cut", 0.1, 3.0)


@fault("one link to a slot is one-way", "slot links")
def one_way(injector: Injector) -> None:
    link = injector.random.choice(injector.slot_links())
    injector.links([link], "one-way", 0.1, 3.0)


@fault("links to a slot are slow", "slot links")
def slow(injector: Injector) -> None:
    injector.links(injector.slot_links(slot=injector.gated_slot()), "delay", 1.0, 4.0)


@fault("the link of one instance to a slot is slow", "slot links")
def slow_instance(injector: Injector) -> None:
    """Its deletions arrive later than the reads of others that are sent after them."""
    injector.links(injector.slot_links(who=injector.random.randrange(2)), "delay", 1.0, 4.0)


@fault("eviction", "Memcached")
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


@fault("sessions terminated", "PostgreSQL")
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


@fault("PostgreSQL stopped at once and restarted", "PostgreSQL")
def restart_postgres(injector: Injector) -> None:
    injector.stack.postgres.end(signal.SIGQUIT)
    injector.pause(0.0, 1.0)
    injector.stack.postgres.start()


@fault("a backend of PostgreSQL killed", "PostgreSQL")
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


@fault("links to PostgreSQL stall", "PostgreSQL")
def stall_sql(injector: Injector) -> None:
    links = injector.random.choice([[link] for link in injector.stack.sql_links] + [injector.stack.sql_links])
    injector.links(links, "stall", 0.1, 7.0)


@fault("links to PostgreSQL are cut", "PostgreSQL")
def cut_sql(injector: Injector) -> None:
    assert injector.stack.gates is not None
    for _ in range(injector.random.randint(1, 5)):
        injector.stack.gates.set(injector.random.choice(injector.stack.sql_links), "cut-now")
        injector.pause(0.0, 0.3)


@fault("links to PostgreSQL are one-way, then cut", "PostgreSQL")
def doubt_sql(injector: Injector) -> None:
    """COMMIT arrives, and its answer does not: the writers have to determine the result."""
    assert injector.stack.gates is not None
    link = injector.random.choice(injector.stack.sql_links)
    injector.stack.gates.set(link, "one-way")
    injector.pause(0.05, 2.0)
    injector.stack.gates.set(link, "cut-now")
    injector.stack.gates.set(link, "pass")


@fault("disk of PostgreSQL full", "PostgreSQL")
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


@fault("PgBouncer killed", "PostgreSQL")
def kill_pgbouncer(injector: Injector) -> None:
    if injector.stack.pgbouncer is None:
        raise Impossible("PgBouncer is not installed")
    injector.restart(injector.stack.pgbouncer, 0.0, 1.0)


# -- Nginx ---------------------------------------------------------------------------------------------


@fault("Nginx reloaded", "Nginx")
def reload_nginx(injector: Injector) -> None:
    injector.stack.nginx.send(signal.SIGHUP)
    injector.pause(0.3, 1.0)


@fault("Nginx killed", "Nginx")
def kill_nginx(injector: Injector) -> None:
    injector.restart(injector.stack.nginx, 0.0, 0.5)


# -- several -------------------------------------------------------------------------------------------


@fault(TWO)
def two_faults(injector: Injector) -> None:
    """Throws: NotReached or another exception when one of them did not happen."""
    possible = [name for name in FAULTS if name != TWO and name not in injector.impossible]
    first = injector.random.choice(possible)
    second = injector.random.choice([name for name in possible if not TOUCHES[first] & TOUCHES[name]])
    injector.say(f"both: {first}; {second}")
    other = Injector(injector.stack, injector.random.getrandbits(32), injector.say, injector.importer)
    done = injector.beside.submit(FAULTS[second], other)
    try:
        FAULTS[first](injector)
    finally:
        failure = done.exception()
    if failure is not None:
        raise failure
