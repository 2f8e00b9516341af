"""config/sbom: the list of what CodaSync is made of. Its form is that of CycloneDX 1.5, and no part that is installed is missing."""

import base64
import json
import os
import re
import subprocess
import unittest
from pathlib import Path
from typing import Any

import jsonschema
from stack import ROOT

PROGRAM, MODULE = (Path(os.environ[name]) for name in ("CODASYNC_PROGRAM", "CODASYNC_NGINX_MODULE"))

# What CycloneDX 1.5 requires of the members that are used; others are errors here.
TEXT = {"type": "string", "minLength": 1}
REFERENCES = {"type": "array", "items": TEXT, "uniqueItems": True}


def closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": required | optional}


LICENCES = {"type": "array", "minItems": 1, "items": {"oneOf": [closed({"license": closed({"id": TEXT})}), closed({"expression": TEXT})]}}
HASH = closed({"alg": {"enum": ["SHA-256", "SHA-384", "SHA-512"]}, "content": {"pattern": "^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$"}})
COMPONENT = closed(
    {"type": {"enum": ["application", "library"]}, "bom-ref": TEXT, "name": TEXT, "version": TEXT, "purl": {"pattern": "^pkg:(deb|npm|generic)/[^ ]+@[^ @]+$"}},
    scope={"enum": ["required", "optional", "excluded"]},
    hashes={"type": "array", "items": HASH},
    licenses=LICENCES,
    externalReferences={"type": "array", "items": closed({"type": {"const": "website"}, "url": TEXT})},
    properties={"type": "array", "items": closed({"name": TEXT, "value": TEXT})},
)
SCHEMA = closed(
    {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.5"},
        "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
        "version": {"type": "integer", "minimum": 1},
        "metadata": closed({"component": COMPONENT}),
        "components": {"type": "array", "items": COMPONENT, "uniqueItems": True},
        "dependencies": {"type": "array", "items": closed({"ref": TEXT, "dependsOn": REFERENCES})},
    }
)


def sbom(*words: object) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "config" / "sbom", *words]
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class Sbom(unittest.TestCase):
    text: str
    document: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        done = sbom("--build", PROGRAM.parents[1])
        assert done.returncode == 0, done.stdout
        cls.text, cls.document = done.stdout, json.loads(done.stdout)

    def with_use(self, use: str) -> set[str]:
        return {each["name"] for each in self.document["components"] if {"name": "codasync:use", "value": use} in each["properties"]}

    def test_its_form_is_that_of_cyclonedx(self) -> None:
        validator = jsonschema.Draft202012Validator(SCHEMA)
        self.assertEqual([error.message for error in validator.iter_errors(self.document)], [])
        damaged = {**self.document, "components": [{"type": "library", "name": "a"}]}
        self.assertFalse(validator.is_valid(damaged))

    def test_references_are_unique_and_lead_to_components(self) -> None:
        names = [each["bom-ref"] for each in (self.document["metadata"]["component"], *self.document["components"])]
        self.assertEqual(len(names), len(set(names)))
        for each in self.document["dependencies"]:
            self.assertLessEqual({each["ref"], *each["dependsOn"]}, set(names))

    def test_each_linked_library_is_in_it(self) -> None:
        linked = self.with_use("linked")
        needed = set()
        for file in (PROGRAM, MODULE):
            dynamic = subprocess.run(["readelf", "--dynamic", file], stdout=subprocess.PIPE, text=True, check=True).stdout
            needed |= set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
        self.assertGreater(len(needed), 10)
        for library in needed - {"ld-linux-x86-64.so.2"}:
            found = subprocess.run(["dpkg-query", "--search", f"*/{library}"], stdout=subprocess.PIPE, text=True, check=False).stdout
            owners = {line.partition(":")[0] for line in found.splitlines()}
            self.assertTrue(owners & linked, f"{library} of {owners} is missing")

    def test_each_package_of_the_build_and_of_the_servers_is_in_it(self) -> None:
        listed = {"libcereal-dev", "rapidjson-dev", "libcli11-dev", "libtomlplusplus-dev", "nginx-dev", "g++"}
        self.assertLessEqual(listed, self.with_use("build"))
        self.assertLessEqual({"postgresql-15", "memcached", "nginx", "python3"}, self.with_use("run"))

    def test_versions_are_those_that_are_installed(self) -> None:
        found = {each["name"]: each["version"] for each in self.document["components"] if each["purl"].startswith("pkg:deb/")}
        words = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *found]
        shown = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(found, dict(line.split() for line in shown.splitlines()))

    def test_packages_of_npm_have_the_checksums_of_their_lock_files(self) -> None:
        found = {(each["name"], each["version"]): each for each in self.document["components"] if each["purl"].startswith("pkg:npm/")}
        for lock in ("nginx/docs", "tests/browser", "tests/openapi/client"):
            for place, package in json.loads((ROOT / lock / "package-lock.json").read_text())["packages"].items():
                if place:
                    each = found[place.rpartition("node_modules/")[2], package["version"]]
                    self.assertEqual(each["hashes"], [{"alg": "SHA-512", "content": base64.b64decode(package["integrity"][7:]).hex()}])
                    self.assertEqual(each["scope"], "excluded" if lock.startswith("tests") else "required", place)

    def test_the_version_is_that_of_the_program(self) -> None:
        shown = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn(self.document["metadata"]["component"]["version"], shown)

    def test_the_same_versions_give_the_same_bytes(self) -> None:
        self.assertEqual(sbom("--build", PROGRAM.parents[1]).stdout, self.text)

    def test_without_a_build_it_says_what_to_do(self) -> None:
        done = sbom("--build", "/nonexistent")
        self.assertEqual(done.returncode, 1)
        self.assertIn("config/build codasync codasync_nginx", done.stdout)
