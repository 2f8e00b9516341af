#!/usr/bin/python3
"""config/deploy/apache/codasync.conf in a private Apache, in front of two instances."""

import re
import socket
from pathlib import Path

from report import checked, end_on_sigterm
from servers import (
    BUILD,
    ROOT,
    eventually,
    folder,
    free_port,
    listens,
    memcached,
    postgres,
    prepare_database,
    start,
    stop,
)
from smoke import expect, send, smoke, wait_until_ready

README = (ROOT / "config" / "deploy" / "apache" / "README.md").read_text()


def configuration(place: Path, listen: int, services: list[int]) -> Path:
    """Returns: the path of a configuration like Debian's apache2.conf after `a2enmod`, with the virtual host of the repository."""
    enabled = re.search(r"a2enmod ([a-z0-9_ ]+)", README)
    assert enabled, "config/deploy/apache/README.md has no a2enmod line"
    # The modules of the README, and those that Debian enables by default.
    modules = [*enabled[1].split(), "mpm_event", "authz_core", "alias", "env"]
    loads = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
    vhost = (ROOT / "config" / "deploy" / "apache" / "codasync.conf").read_text()
    # One line for each further instance, as the file says.
    member = re.search(r"^  BalancerMember .*$", vhost, re.MULTILINE)
    assert member
    more = "".join(
        "\n" + member[0].replace("${CODASYNC_SERVICE}", f"http://127.0.0.1:{port}") for port in services[1:]
    )
    (place / "codasync.conf").write_text(vhost.replace(member[0], member[0] + more))
    file = place / "apache2.conf"
    file.write_text(f"""
ServerRoot {place}
ServerName codasync
DefaultRuntimeDir {place}
PidFile {place}/apache2.pid
Define APACHE_LOG_DIR {place}
ErrorLog {place}/error.log
{loads}
<Directory />
  Require all granted
</Directory>
Define CODASYNC_LISTEN 127.0.0.1:{listen}
Define CODASYNC_SERVICE http://127.0.0.1:{services[0]}
Include {place}/codasync.conf
""")
    return file


def raw(port: int, text: bytes) -> bytes:
    """Returns: the response to these bytes, until Apache closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(text)
        response = b""
        while more := client.recv(65536):
            response += more
    return response


def check_edges(port: int, log: Path, token: str) -> None:
    """Checks what the virtual host does itself."""
    url = f"http://127.0.0.1:{port}"
    missing = expect(send(f"{url}/metrics"), 404)
    assert missing.headers["content-type"] == "application/problem+json", missing
    assert missing.json()["type"] == "urn:codasync:problem:not-found", missing
    body = {"name": "x" * 1_000_001}
    expect(send(f"{url}/api/v1/shops", "POST", body), 401)  # without reading the body
    long = expect(send(f"{url}/api/v1/shops", "POST", body, Authorization=f"Bearer {token}"), 413)
    assert long.json()["status"] == 413, long
    kept = expect(send(f"{url}/api/v1/shops", X_Request_Id="of-the-client.1"), 200)
    assert kept.headers["x-request-id"] == "of-the-client.1", kept
    other = expect(send(f"{url}/api/v1/shops", X_Request_Id="not a valid id"), 200)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", other.headers["x-request-id"]), other
    assert other.headers["x-request-id"] != "not a valid id"
    assert "content-encoding" not in expect(send(f"{url}/api/v1/products?limit=1000", Accept_Encoding="gzip"), 200).headers
    broken = raw(port, b"GET / HTTP/1.1\r\nBroken header\r\nConnection: close\r\n\r\n")
    assert b" 400 " in broken.split(b"\r\n")[0] and b"urn:codasync:problem:malformed-request" in broken, broken
    eventually(lambda: '"request_id":"of-the-client.1"' in log.read_text(), "the access log")
    assert "Bearer" not in log.read_text()


def main() -> None:
    end_on_sigterm()
    with folder() as place, postgres(place) as database, memcached(place) as cache:
        settings = {"MEMCACHED_URL": f"127.0.0.1:{cache}"}
        token = prepare_database(database, **settings)
        settings["CODASYNC_POSTGRES_URL"] = database.url("codasync_service")
        program = place / "codasync"
        program.write_bytes((BUILD / "api" / "codasync").read_bytes())
        program.chmod(0o755)
        ports = [free_port(), free_port()]
        services = [
            start([program, "serve"], place / f"service-{port}.log", {**settings, "PORT": str(port)}) for port in ports
        ]
        listen = free_port()
        try:
            for port in ports:
                wait_until_ready(f"http://127.0.0.1:{port}")
            words = ["-f", configuration(place, listen, ports), "-DFOREGROUND"]
            apache = start(["/usr/sbin/apache2", *words], place / "apache.log")
            try:
                eventually(lambda: listens(listen) or apache.poll() is not None, "Apache listens")
                assert apache.poll() is None, "Apache ended"
                done = smoke(f"http://127.0.0.1:{listen}", token, edge=True)
                check_edges(listen, place / "codasync.log", token)
                checked(f"Apache with the virtual host, two instances: {done}; limits, request ids, its own problem details, log")

                stop(services[0])
                url = f"http://127.0.0.1:{listen}"
                for _ in range(20):
                    expect(send(f"{url}/api/v1/shops"), 200)
                stop(services[1])
                gone = expect(send(f"{url}/api/v1/shops"), 503)
                assert gone.json()["type"] == "urn:codasync:problem:unavailable", gone
                assert gone.headers["retry-after"] == "1", gone
                checked("one instance stopped: the other one serves 20 of 20 requests; both stopped: 503 as problem details with Retry-After")
            except BaseException:
                for file in place.glob("*.log"):
                    print(f"--- {file.name}\n{file.read_text()[-3000:]}")
                raise
            finally:
                stop(apache)
        finally:
            for service in services:
                stop(service)


if __name__ == "__main__":
    main()
