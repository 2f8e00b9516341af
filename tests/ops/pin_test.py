#!/usr/bin/python3
"""config/deploy/container/pin against a registry on this machine: Debian's docker-registry, with an image of a manifest and no layers."""

import hashlib
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

from report import checked, end_on_sigterm
from servers import ROOT, eventually, folder, free_port, start, stop

CONTAINER = ROOT / "config" / "deploy" / "container"
KIND = "application/vnd.docker.distribution.manifest.v2+json"
SETTINGS = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: 127.0.0.1:{port}}}
"""


def send(method: str, url: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
    """Returns: the Location of the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.headers.get("Location", ""))


def push(registry: str, name: str, tag: str, settings: bytes) -> str:
    """Stores an image. Returns: its digest."""
    digest = f"sha256:{hashlib.sha256(settings).hexdigest()}"
    place = send("POST", f"{registry}/v2/{name}/blobs/uploads/")
    send("PUT", f"{place}&digest={digest}", settings)
    of_settings = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(settings), "digest": digest}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": KIND, "config": of_settings, "layers": []}).encode()
    send("PUT", f"{registry}/v2/{name}/manifests/{tag}", manifest, KIND)
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def is_up(registry: str) -> bool:
    try:
        send("GET", f"{registry}/v2/")
    except OSError:
        return False
    return True


def pin(dockerfile: Path, registry: str) -> subprocess.CompletedProcess[str]:
    command = [CONTAINER / "pin", "--registry", registry, "--dockerfile", dockerfile]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def main() -> None:
    end_on_sigterm()
    with folder() as place:
        port = free_port()
        registry = f"http://127.0.0.1:{port}"
        settings, log = place / "registry.yml", place / "registry.log"
        settings.write_text(SETTINGS.format(root=place / "images", port=port))
        server = start(["/usr/bin/docker-registry", "serve", settings], log, {})
        try:
            eventually(lambda: is_up(registry), f"the registry answers:\n{log.read_text()[-2000:]}")
            dockerfile = place / "Dockerfile"
            shutil.copy(CONTAINER / "Dockerfile", dockerfile)
            before = dockerfile.read_text()
            refused = pin(dockerfile, registry)
            assert refused.returncode == 1 and "nothing was changed" in refused.stdout and dockerfile.read_text() == before, refused.stdout
            for settings_of_image in (b"{}", b'{"os":"linux"}'):
                digest = push(registry, "library/debian", "12-slim", settings_of_image)
                line = f"ARG BASE=docker.io/library/debian:12-slim@{digest}\n"
                done = pin(dockerfile, registry)
                assert (done.returncode, done.stdout) == (0, line), done.stdout
                assert dockerfile.read_text() == before.replace("ARG BASE=docker.io/library/debian:12-slim\n", line)
                assert pin(dockerfile, registry).stdout == "unchanged\n"
            checked("config/deploy/container/pin: the digest of the tag in a registry is in the Dockerfile, and the next one after a change of the tag; "
                    "without the image nothing is changed")
        finally:
            stop(server)


if __name__ == "__main__":
    main()
