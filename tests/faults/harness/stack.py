"""Everything that one run needs, wired so that each link can fail by itself."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from servers import (
    ROOT,
    Broken,
    Gates,
    Memcached,
    Nginx,
    Postgres,
    Server,
    Service,
    copy_for_servers,
    own,
    own_folder,
    run_as,
    status_of,
)

TMPFS_BYTES = 2 << 30
GATED_SLOTS = 1
# For the service, the change feed does not wait for transactions that still run.
FEED_WITHOUT_HORIZON = """
    create schema broken;
    grant usage on schema broken to public;
    create function broken.pg_snapshot_xmin(pg_snapshot) returns xid8 language sql immutable
      as 'select pg_catalog.pg_snapshot_xmax($1)';
    alter role codasync_service in database codasync set search_path = broken, pg_catalog, public;
"""


class Stack:
    """PostgreSQL, two instances of the service, Nginx, three Memcacheds, and gates between them.

    Slot 0 is reached over gates, by each instance and by Nginx over one of its own, the others over their Unix sockets.
    Instance 1 reaches PostgreSQL over a gate, instance 2 through PgBouncer where that is installed; with a standby both
    have a connection string with two hosts.
    """

    def __init__(
        self,
        build: Path,
        port: int,
        nodes: int = 3,
        standby: bool = False,
        environment: Mapping[str, str] | None = None,
        feed_without_horizon: bool = False,
    ) -> None:
        self.folder = own(Path(tempfile.mkdtemp(prefix="codasync-faults-", dir="/tmp")))
        self.folder.chmod(0o755)
        self.build = build
        self.port = port
        self.servers: list[Server] = []
        self.gates: Gates | None = None
        self.mounted = False
        try:
            self._start(nodes, standby, environment or {}, feed_without_horizon)
        except BaseException:
            self.stop()
            raise

    def _start(self, nodes: int, standby: bool, environment: Mapping[str, str], feed_without_horizon: bool) -> None:
        folder = self.folder
        program = copy_for_servers(self.build / "tests/faults/codasync_failing", folder)
        clock = copy_for_servers(self.build / "tests/faults/libfaults_clock.so", folder)
        module = copy_for_servers(self.build / "nginx/ngx_http_response_cache_module.so", folder)
        self.program = program

        data = own_folder(folder / "postgres-data")
        self.mounted = os.geteuid() == 0 and mount(data)
        self.data = data
        self.postgres = Postgres("postgres", folder, data / "cluster", folder / "postgres")
        self.postgres.make()
        self.start(self.postgres)
        self.postgres.psql(
            "-v", "owner_password=x", "-v", "service_password=x", "-f", ROOT / "storage/setup.sql", database="postgres"
        )
        owner = f"postgresql://codasync_owner@/codasync?host={folder}/postgres"
        run_as([program, "migrate"], folder, {"CODASYNC_POSTGRES_URL": owner})
        self.tokens = {
            role: self._token(program, owner, role) for role in ("staff", "admin")
        }

        if feed_without_horizon:
            self.postgres.psql("-c", FEED_WITHOUT_HORIZON)

        self.standby: Postgres | None = None
        if standby:
            self.standby = Postgres("standby", folder, data / "standby", folder / "standby")
            self.servers.append(self.standby)
            self.standby.follow(self.postgres)

        self.nodes = [Memcached(f"memcached-{number}", folder) for number in range(nodes)]
        for node in self.nodes:
            self.start(node)
        gated = [f"unix:{node.socket}" for node in self.nodes[:GATED_SLOTS]]
        sql = f"unix:{folder}/postgres/.s.PGSQL.5432"
        # Links: instance 1, instance 2 and Nginx to each gated slot; then instance 1 and PgBouncer to PostgreSQL.
        self.gates = Gates(self.build / "tests/faults/faults_gates", [*gated * 3, sql, sql])
        ports = self.gates.ports
        self.slot_links = {
            (who, slot): who * len(gated) + slot for who in range(3) for slot in range(len(gated))
        }
        self.sql_links = [len(ports) - 2, len(ports) - 1]

        self.pgbouncer = self._pgbouncer(ports[-1])
        urls = [url(ports[-2]), url(self.port + 9 if self.pgbouncer else ports[-1])]
        if self.standby is not None:
            hosts = f"{self.postgres.sockets},{self.standby.sockets}"
            urls = [f"postgresql://codasync_service@/codasync?host={hosts}"] * 2
        self.services = []
        for number in range(2):
            self.services.append(
                Service(
                    f"service-{number + 1}",
                    folder,
                    program,
                    clock,
                    self.port + 1 + number,
                    {
                        "CODASYNC_POSTGRES_URL": urls[number],
                        "CODASYNC_MEMCACHED_SERVERS": ",".join(self.slots(number)),
                        "CODASYNC_LOG_LEVEL": "warning",
                        **environment,
                    },
                )
            )
            self.start(self.services[-1])
        self.nginx = Nginx(folder, module, self.port, self.services, self.slots(2))
        self.start(self.nginx)

    def slots(self, who: int) -> list[str]:
        """Returns: the addresses of the slots as instance 1, 2 or Nginx (0, 1, 2) has them."""
        assert self.gates is not None
        over_gates = [
            f"127.0.0.1:{self.gates.ports[link]}" for (whose, _), link in self.slot_links.items() if whose == who
        ]
        return over_gates + [f"unix:{node.socket}" for node in self.nodes[GATED_SLOTS:]]

    def cache_command(self, word: str) -> None:
        """`codasync cache off` or `on`, as an operator runs it beside the first instance. Throws: Broken."""
        environment = {
            name: value for name, value in self.services[0].environment.items() if name.startswith("CODASYNC_")
        }
        run_as([self.program, "cache", word], self.folder, environment)

    def start(self, server: Server) -> None:
        self.servers.append(server)
        server.start()

    def _token(self, program: Path, owner: str, role: str) -> str:
        words = [program, "token", "create", "--name", role, "--role", role]
        return run_as(words, self.folder, {"CODASYNC_POSTGRES_URL": owner}).split()[-1]

    def _pgbouncer(self, sql_port: int) -> Server | None:
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        if program is None:
            return None
        listen = self.port + 9
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\ncodasync = host=127.0.0.1 port={sql_port} dbname=codasync\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\nunix_socket_dir =\n"
            "auth_type = any\nauth_file =\npool_mode = transaction\ndefault_pool_size = 40\n"
            "max_client_conn = 500\nquery_wait_timeout = 3\nserver_login_retry = 1\n"
            "server_tls_sslmode = disable\nignore_startup_parameters = extra_float_digits\n"
        )
        # auth_type any does not pass the user's name on, so the database entry has it.
        text = configuration.read_text().replace("dbname=codasync", "dbname=codasync user=codasync_service")
        configuration.write_text(text)
        own(configuration)

        def ready() -> bool:
            ask = ["/usr/lib/postgresql/15/bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(listen)]
            return subprocess.run(ask, check=False).returncode == 0

        server = Server("pgbouncer", self.folder, [program, "-q", configuration], ready)
        self.start(server)
        return server

    def fail_over(self) -> None:
        """Kills the primary and promotes its standby. The old one never comes back: it is fenced."""
        assert self.standby is not None
        self.postgres.kill()
        self.servers.remove(self.postgres)
        self.standby.promote()
        self.postgres = self.standby

    def resize_disk(self, size: int | None) -> None:
        """Makes PostgreSQL's file system so small, or as large as it was."""
        size = size or TMPFS_BYTES
        while subprocess.run(
            ["mount", "-o", f"remount,size={size}", self.data], check=False, capture_output=True
        ).returncode:
            size += 1 << 20  # smaller than what is there by now

    def uncached(self) -> Service:
        """Starts an instance that reads only the database. It is never ready: it has another number of slots than the others."""
        settings = self.folder / "uncached.toml"
        settings.write_text("[memcached]\nservers = []\n")
        own(settings)
        service = Service(
            "uncached",
            self.folder,
            self.program,
            self.folder / "libfaults_clock.so",
            self.port + 8,
            {
                "CODASYNC_POSTGRES_URL": f"postgresql://codasync_service@/codasync?host={self.postgres.sockets}",
                "CODASYNC_CONFIG": str(settings),
            },
        )
        service.ready = lambda: status_of(service.port, "/healthz") == 200
        self.start(service)
        return service

    def print_last_log_lines(self) -> None:
        for server in self.servers:
            log = self.folder / f"{server.name}.log"
            lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
            print(f"-- {server.name}, the last of its log:", *lines, sep="\n", file=sys.stderr)

    def stop(self) -> None:
        for server in reversed(self.servers):
            server.send(signal.SIGCONT)
            server.kill()
        if self.gates is not None:
            self.gates.end()
        if self.mounted:
            for _ in range(50):
                if subprocess.run(["umount", self.data], check=False, capture_output=True).returncode == 0:
                    break
                time.sleep(0.1)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def url(port: int) -> str:
    return f"postgresql://codasync_service@127.0.0.1:{port}/codasync?sslmode=disable&gssencmode=disable"


def mount(folder: Path) -> bool:
    """Returns: whether a file system of its own, small enough to be filled up, is mounted at the folder now."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES},mode=0700", "tmpfs", str(folder)]
    if subprocess.run(words, check=False, capture_output=True).returncode != 0:
        return False
    own(folder)
    return True


__all__ = ["Broken", "Stack"]
