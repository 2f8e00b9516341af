"""The OpenAPI document of a service, and the comparison of real answers with it."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

Json = Any

# What HTTP and the proxy add; every answer may have them without a description.
TRANSPORT_HEADERS = {"Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Cache-Control", "Allow", "Vary", "X-Accel-Buffering", "Oldest-Console"}


class Description:
    """The document, with its references resolved where needed."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.resolver = jsonschema.RefResolver(base_uri="", referrer=document)

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Yields: method, path and operation."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def operation(self, method: str, path: str) -> Json:
        return self.document["paths"][path][method.lower()]

    def resolved(self, value: Json) -> Json:
        """Returns: what a reference refers to; every other value as it is."""
        while isinstance(value, dict) and "$ref" in value:
            value = self.resolver.resolve(value["$ref"])[1]
        return value

    def parameters(self, operation: Json, place: str) -> dict[str, Json]:
        """Returns: the parameters in the path, the query or the header, by name."""
        found = map(self.resolved, operation["parameters"])
        return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}

    def problems(self, operation: Json) -> set[str]:
        """Returns: the codes of all problems of an operation."""
        return {code for status in operation["responses"] for code in self.codes(operation, status)}

    def codes(self, operation: Json, status: str) -> set[str]:
        """Returns: the codes of the problems with this status."""
        content = self.resolved(operation["responses"][status]).get("content", {})
        if status == "default" or "application/problem+json" not in content:
            return set()
        types = content["application/problem+json"]["schema"]["allOf"][1]["properties"]["type"]["enum"]
        return {name.removeprefix("urn:codasync:problem:") for name in types}

    def errors(self, value: Json, schema: Json) -> list[str]:
        """Returns: how the value differs from the schema."""
        validator = jsonschema.Draft202012Validator(
            schema, resolver=self.resolver, format_checker=jsonschema.draft202012_format_checker
        )
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(value)]

    def closed(self, schema: Json) -> Json:
        """Returns: the schema, without members that are not described."""
        schema = self.resolved(schema)
        if schema.get("type") == "array":
            return {**schema, "items": self.closed(schema["items"])}
        if "anyOf" in schema:
            return {**schema, "anyOf": [self.closed(each) for each in schema["anyOf"]]}
        if "properties" in schema or "allOf" in schema:
            return {**copy.deepcopy(schema), "unevaluatedProperties": False}
        return schema

    def header_differences(self, operation: Json, status: int, headers: Mapping[str, str]) -> list[str]:
        """Returns: how the header fields of an answer differ from the document. A status that it does not describe has those of `default`."""
        found = []
        described = self.resolved(operation["responses"].get(str(status), operation["responses"]["default"])).get("headers", {})
        described = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}} | described
        for name, value in headers.items():
            if name in described:
                schema = self.resolved(described[name])["schema"]
                found += self.errors(int(value) if schema.get("type") == "integer" else value, schema)
            elif name not in TRANSPORT_HEADERS:
                found.append(f"header {name} is not described")
        if "X-Request-Id" not in headers:
            found.append("no X-Request-Id")
        return found

    def differences(self, operation: Json, status: int, headers: Mapping[str, str], body: str) -> list[str]:
        """Returns: how an answer differs from what the document says about the operation."""
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"status {status} is not described"]
        found = self.header_differences(operation, status, headers)
        content = response.get("content", {})
        if not body:
            return found + (["there is no body"] if content else [])
        media_type = headers["Content-Type"].split(";")[0]
        if media_type not in content:
            return [*found, f"a body of {media_type} is not described"]
        if media_type in ("text/plain", "text/event-stream", "text/csv", "application/x-ndjson"):
            return found
        return found + self.errors(json.loads(body), self.closed(content[media_type]["schema"]))
