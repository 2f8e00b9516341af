"""One client tries to stop the others: with searches, connections, bodies, streams and tokens."""

import http.client
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from frame import Stage, Tally, attack, responses, status_of, still_open

WORKERS = len(os.sched_getaffinity(0))  # of Nginx
CONNECTIONS = 400  # the defaults of nginx/render
STREAMS = 200
UPLOADS = 16
DIRECT = 1000 + 128  # server.tcp_connections_max, and those that get their 503
FILES = 100 * 1_000_000  # bytes of bodies of a worker
ENOUGH = 60_000  # requests after which a limit must have refused some

SEARCH = "/api/v1/products?search=a+e+i+o+n+r+t+s+l+zqzq"
FORGED = b"Authorization: Bearer coda_" + b"B" * 43 + b"\r\n"
UPLOAD = b"POST /api/v1/stock-readings HTTP/1.1\r\nHost: s\r\nContent-Length: 1000000\r\n"


def open_many(stage: Stage, count: int, sent: bytes, address: tuple[str, int] | None = None) -> list[socket.socket]:
    """Returns: connections that sent these bytes; those that were closed at once are missing."""
    clients = []
    for _ in range(count):
        with suppress(OSError):
            client = stage.connect(address, 5)
            clients.append(client)
            client.setblocking(False)
            client.send(sent)
    return clients


def held_of(clients: list[socket.socket], most: int) -> int:
    """Returns: how many stay open. The server may accept some of them late."""
    end = time.monotonic() + 10
    while len(held := still_open(clients)) > most and time.monotonic() < end:
        time.sleep(0.2)
    return len(held)


def close(clients: list[socket.socket]) -> None:
    for client in clients:
        client.close()


@attack()
def abandoned_searches(stage: Stage) -> Tally:
    """Many slow searches, each with another address, whose client leaves at once."""
    tally, lasts = Tally(), stage.deadline()
    while lasts():
        for number in range(200):
            with suppress(OSError), stage.connect() as client:
                client.sendall(f"GET {SEARCH}{'&' * number} HTTP/1.1\r\nHost: s\r\n\r\n".encode())
            tally.attempts += 1
        time.sleep(0.5)
    return tally


@attack(refuses=True)
def parallel_searches(stage: Stage) -> Tally:
    """The same searches, and the client waits for all of them."""
    tally, lasts = Tally(), stage.deadline()
    while lasts():
        clients = open_many(stage, 50, f"GET {SEARCH}&limit={tally.attempts % 900 + 1} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode())
        tally.attempts += len(clients)
        for client in clients:
            client.setblocking(True)
            with suppress(OSError):
                client.settimeout(20)
                tally.refused += status_of(client.recv(4096)) == 429
        close(clients)
    return tally


@attack(refuses=True)
def requests_without_a_pause(stage: Stage) -> Tally:
    """Reads of one cached address, pipelined on eight connections."""
    tally, lasts = Tally(), stage.deadline()
    request = b"GET /api/v1/shops/1 HTTP/1.1\r\nHost: s\r\n\r\n"
    clients = open_many(stage, 8, b"")
    while lasts() or not (tally.refused or tally.attempts > ENOUGH):
        for number, client in enumerate(clients):
            client.setblocking(True)
            client.settimeout(20)
            try:
                client.sendall(request * 200)
                seen = 0
                while seen < 200:
                    received = client.recv(1 << 20)
                    if not received:
                        raise OSError
                    seen += received.count(b"HTTP/1.1 ")
                    tally.refused += received.count(b"HTTP/1.1 429 ")
                tally.attempts += 200
            except OSError:
                clients[number] = stage.connect()
    close(clients)
    return tally


@attack(refuses=True)
def connections_with_a_body_that_does_not_come(stage: Stage) -> Tally:
    """More connections than the workers of Nginx have, each with the head of an upload with a token that was never issued."""
    tally = Tally(attempts=3000 if stage.short else 17_000)
    clients = open_many(stage, tally.attempts, UPLOAD + FORGED + b"\r\n")
    held = held_of(clients, CONNECTIONS * WORKERS)
    tally.refused = tally.attempts - held
    tally.admit("connections beyond the limit stay open", max(0, held - CONNECTIONS * WORKERS))
    lasts = stage.deadline()
    while lasts() and not stage.short:
        time.sleep(0.2)
    close(clients)
    return tally


@attack(refuses=True)
def connections_without_a_request(stage: Stage) -> Tally:
    """The same with half a head each."""
    tally = Tally(attempts=3000 if stage.short else 17_000)
    clients = open_many(stage, tally.attempts, b"GET /api/v1/shops/1 HTTP/1.1\r\nHost: s\r\nX: ")
    held = held_of(clients, CONNECTIONS * WORKERS)
    tally.refused = tally.attempts - held
    tally.admit("connections beyond the limit stay open", max(0, held - CONNECTIONS * WORKERS))
    lasts = stage.deadline()
    while lasts() and not stage.short:
        time.sleep(0.2)
    close(clients)
    return tally


def bytes_in_files(stage: Stage) -> int:
    """Returns: the size of the bodies that Nginx has written to files; they have no names any more."""
    folder = str((stage.stack.folder / "nginx" / "tmp").resolve())
    total = 0
    for process in stage.stack.processes():
        with suppress(OSError):
            for entry in Path(f"/proc/{process}/fd").iterdir():
                with suppress(OSError):
                    if os.readlink(entry).startswith(folder):
                        total += entry.stat().st_size
    return total


@attack(refuses=True)
def slow_uploads(stage: Stage) -> Tally:
    """Bodies of 950,000 of 1,000,000 bytes, whose ends come one byte at a time; with a token that was never issued."""
    tally, lasts = Tally(attempts=300), stage.deadline()
    clients = open_many(stage, tally.attempts, UPLOAD + FORGED + b"\r\n")
    time.sleep(0.5)
    statuses = responses(clients)
    tally.refused = sum(status == 429 for status in statuses)
    tally.admit("uploads beyond the limit", max(0, len(clients) - tally.refused - UPLOADS * WORKERS))
    rest = {client: 950_000 for client, status in zip(clients, statuses, strict=True) if status == 0}
    most = 0
    while lasts():
        for client in rest:
            with suppress(OSError):
                piece = max(min(rest[client], 65536), 1)
                rest[client] -= client.send(b"x" * piece)
        most = max(most, bytes_in_files(stage))
        time.sleep(0.1)
    tally.admit("more bytes in files than the limit", int(most > FILES * WORKERS))
    tally.notes.append(f"at most {most / 1e6:.0f} MB in files")
    close(clients)
    return tally


@attack(refuses=True)
def uploads_without_a_token(stage: Stage) -> Tally:
    """The same without a token: each has to end without a byte of its body."""
    tally, lasts = Tally(), stage.deadline()
    while lasts():
        with stage.connect() as client:
            client.sendall(UPLOAD + b"\r\n")
            status = status_of(client.recv(4096))
        tally.attempts += 1
        tally.refused += status in (401, 429)
        tally.admit(f"an upload without a token got {status}", int(status not in (401, 429)))
    return tally


@attack(refuses=True)
def guessed_tokens(stage: Stage) -> Tally:
    """Tokens of the right form that were never issued."""
    tally, lasts = Tally(), stage.deadline()
    connection = http.client.HTTPConnection(*stage.edge, timeout=20, source_address=(stage.source, 0))
    while lasts():
        headers = {"Authorization": f"Bearer coda_{os.urandom(21).hex()}0", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/shops", "{}", headers)
        response = connection.getresponse()
        response.read()
        tally.attempts += 1
        tally.refused += response.status == 429
        tally.admit(f"a guessed token got {response.status}", int(response.status not in (401, 429)))
    connection.close()
    return tally


@attack(refuses=True)
def many_streams(stage: Stage) -> Tally:
    """Streams of changes that are never closed."""
    tally, lasts = Tally(attempts=600 if stage.short else 2500), stage.deadline()
    clients = open_many(stage, tally.attempts, b"GET /api/v1/shops/1/stream HTTP/1.1\r\nHost: s\r\n\r\n")
    time.sleep(1)
    tally.refused = responses(clients).count(429)
    tally.admit("streams beyond the limit", max(0, len(still_open(clients)) - tally.refused - STREAMS * WORKERS))
    while lasts():
        time.sleep(0.2)
    close(clients)
    return tally


@attack(refuses=True)
def writes_without_a_pause(stage: Stage) -> Tally:
    """A token of staff that writes as fast as it can, on four connections."""
    tally, lasts = Tally(), stage.deadline()
    body = b'{"shop": 1, "GTIN": "9521000000025", "name": "Attack", "quantity": 1}'
    request = (
        f"POST /api/v1/stock-readings HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {stage.token('admin')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    clients = open_many(stage, 4, b"")
    while lasts() or not (tally.refused or tally.attempts > ENOUGH):
        for client in clients:
            client.setblocking(True)
            client.settimeout(20)
            client.sendall(request * 50)
        for number, client in enumerate(clients):
            seen = 0
            while seen < 50:
                received = client.recv(1 << 20)
                if not received:  # a refused request with a body ends its connection
                    client.close()
                    clients[number] = stage.connect()
                    break
                seen += received.count(b"HTTP/1.1 ")
                tally.refused += received.count(b"HTTP/1.1 429 ")
            tally.attempts += seen
    close(clients)
    return tally


@attack(refuses=True)
def idle_connections_to_the_direct_address(stage: Stage) -> Tally:
    """More than the service has at its direct address; those of Nginx' socket are not its."""
    tally = Tally(attempts=1500 if stage.short else 11_000)
    clients = open_many(stage, tally.attempts, b"", stage.direct)
    held = held_of(clients, DIRECT)
    tally.refused = tally.attempts - held
    tally.admit("connections beyond the share stay open", max(0, held - DIRECT))
    lasts = stage.deadline()
    while lasts():
        time.sleep(0.2)
    close(clients)
    return tally


def memory_of_service(stage: Stage) -> int:
    """Returns: the resident memory of the first instance, in bytes."""
    fields = Path(f"/proc/{stage.stack.pid_of('service-1')}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@attack(refuses=True)
def bodies_without_a_token_at_the_direct_address(stage: Stage) -> Tally:
    """Each sends a head without a token or with a malformed one, and then 990,000 bytes."""
    tally, before = Tally(), memory_of_service(stage)
    clients = []
    for number in range(300):
        with suppress(OSError):
            client = stage.connect(stage.direct, 5)
            clients.append(client)
            client.sendall(UPLOAD + (b"\r\n" if number % 2 else b"Authorization: Bearer coda_x\r\n\r\n"))
            tally.attempts += 1
    most = before
    for client in clients:
        client.settimeout(5)
        with suppress(OSError):
            tally.refused += status_of(client.recv(4096)) == 401
    for client in clients:
        client.setblocking(False)
        with suppress(OSError):
            client.send(b"x" * 990_000)
        most = max(most, memory_of_service(stage))
    tally.admit("bodies without a token were awaited", tally.attempts - tally.refused)
    tally.admit("memory of the service grew with them", int(most - before > 50_000_000))
    tally.notes.append(f"the service took {(most - before) / 1e6:.0f} MB more")
    close(clients)
    return tally


@attack()
def readers_that_do_not_read(stage: Stage) -> Tally:
    """Long lists that the client requests and never receives."""
    tally, lasts = Tally(attempts=100), stage.deadline()
    clients = open_many(stage, tally.attempts, b"GET /api/v1/products?limit=1000 HTTP/1.1\r\nHost: s\r\n\r\n" * 20)
    while lasts():
        time.sleep(0.2)
    close(clients)
    return tally
