#!/usr/bin/python3
"""The images of config/deploy/container: built, run without rights on a read-only file system, and compose.yaml started."""

import json
import os
import re
import secrets
import subprocess
import time
from pathlib import Path

from containers import REVISION, STORE, TARGETS, build, command, enter_own_network, environment, image, logs, podman, succeeds
from report import checked, end_on_sigterm
from servers import ROOT, eventually
from smoke import expect, send, smoke, wait_until_ready

URL = "http://127.0.0.1:8080"
SERVERS = ("postgres", "memcached", "service", "edge")
CACHE_KEY = STORE / "cache-key"
SECRETS = {f"CODASYNC_{role}_PASSWORD": secrets.token_hex(16) for role in ("OWNER", "SERVICE")} | {"CODASYNC_CACHE_KEY_FILE": str(CACHE_KEY)}


def check_image(target: str) -> None:
    """Checks the user, the health check and the labels of an image."""
    about = json.loads(podman("image", "inspect", image(target)))[0]
    config = about["Config"]
    assert config["User"] == "10001:10001", config
    assert about["Healthcheck"]["Test"], "no health check"
    for label in ("title", "description", "version", "revision", "licenses"):
        assert config["Labels"][f"org.opencontainers.image.{label}"], label
    assert config["Labels"]["org.opencontainers.image.revision"] == REVISION
    project = re.search(r"project\(.*? VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    assert project and config["Labels"]["org.opencontainers.image.version"] == project[1], config["Labels"]
    # No file of the build is in the image.
    words = ["run", "--rm", "--network=none", "--entrypoint=/bin/sh", image(target), "-c", "ls -d /src /out /usr/bin/g++ /usr/bin/cmake 2>/dev/null; true"]
    assert podman(*words) == "", podman(*words)


# podman-compose supports bridge networks only. The containers of this test use the network namespace of the test, so this wrapper
# removes the network options and passes all others on to podman.
PODMAN = """#!/usr/bin/python3
import os, sys
words = sys.argv[1:]
if words[:1] == ["network"]:
    sys.exit(0)
for option in ("--net", "--network-alias"):
    if option in words:
        del words[words.index(option) : words.index(option) + 2]
os.execv("/usr/bin/podman", {command} + words)
"""


def compose(*words: str) -> str:
    """Calls podman-compose as config/deploy/container/up does, with the containers in this test's network. Returns: its output."""
    programs = STORE / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "podman").write_text(PODMAN.format(command=command()))
    (programs / "podman").chmod(0o755)
    done = subprocess.run(
        ["podman-compose", "--project-name=codasync", "--file=compose.yaml", *words],
        cwd=ROOT / "config" / "deploy" / "container",
        env={**environment(), **SECRETS, "PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"podman-compose {words} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def name_of(service: str) -> str:
    return f"codasync_{service}_1"


def check_container(service: str) -> None:
    """Checks the rights of a running container and its health."""
    about = json.loads(podman("inspect", name_of(service)))[0]
    assert about["HostConfig"]["ReadonlyRootfs"], service
    status = Path(f"/proc/{about['State']['Pid']}/status").read_text()
    assert re.search(r"^Uid:\s+10001\s+10001\s+10001", status, re.MULTILINE), status
    assert re.search(r"^CapEff:\s+0{16}$", status, re.MULTILINE), status
    assert re.search(r"^CapBnd:\s+0{16}$", status, re.MULTILINE), status
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), status
    eventually(lambda: succeeds("healthcheck", "run", name_of(service)), f"{service} is healthy")


def run_compose() -> None:
    CACHE_KEY.write_text(secrets.token_hex(16) + "\n")
    compose("down", "--volumes")
    try:
        output = compose("up", "--detach", "--no-build")
        assert "exit code: 0" in output and not re.search(r"exit code: [1-9]", output), output
        wait_until_ready(URL, 120.0)
        for service in SERVERS:
            check_container(service)
        words = ["codasync", "token", "create", "--name=smoke", "--role=admin"]
        token = podman("exec", name_of("service"), *words)
        done = smoke(URL, token, edge=True)
        expect(send(f"{URL}/docs/swagger-ui-bundle.js"), 200)
        # Nginx writes its log once a second.
        eventually(lambda: '"cache":"hit"' in logs(name_of("edge")), "a cache hit in Nginx's log")
        assert token not in logs(name_of("edge")) + logs(name_of("service"))
        checked(f"compose.yaml with podman-compose (PostgreSQL, Memcached, migration, service, edge): {done}; a cache hit in Nginx's log; "
                "no root, no capabilities, read-only, each health check passed")

        podman("stop", "--time=30", name_of("service"))
        assert podman("inspect", "--format={{.State.ExitCode}}", name_of("service")) == "0"
        refused = send(f"{URL}/api/v1/shops")
        assert refused.status == 503 and refused.headers["content-type"] == "application/problem+json", refused
        eventually(lambda: succeeds("healthcheck", "run", name_of("edge")), "Nginx alone is healthy")
        podman("stop", "--time=40", name_of("edge"))
        assert podman("inspect", "--format={{.State.ExitCode}}", name_of("edge")) == "0"
        compose("down")
        compose("up", "--detach", "--no-build")
        wait_until_ready(URL, 120.0)
        assert "smoke" in podman("exec", name_of("service"), "codasync", "token", "list")
        checked("the service and Nginx end on their signals with 0, Nginx returns 503 meanwhile; the data remain after down and up")
    except BaseException:
        for service in (*SERVERS, "migrate"):
            print(f"--- {service}\n{logs(name_of(service))[-3000:]}")
        raise
    finally:
        compose("down", "--volumes")


def main() -> None:
    end_on_sigterm()
    if os.environ.get("CODASYNC_OWN_NETWORK") != "yes":
        began = time.monotonic()
        sizes = build(*TARGETS)
        for target in TARGETS:
            check_image(target)
        listed = ", ".join(f"{target} {size:.0f} MB" for target, size in sizes.items())
        checked(f"five images built from the Dockerfile in {time.monotonic() - began:.0f} s on a base of Debian's packages: {listed}; "
                "each with a user that is not root, a health check, labels, no files of the build")
    enter_own_network()
    run_compose()


if __name__ == "__main__":
    main()
