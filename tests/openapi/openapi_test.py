"""/openapi.json of a running service: real answers of every operation are as the document says, and its examples are real answers.

With CODASYNC_RECORD_EXAMPLES=1 the examples (api/openapi/examples.json) are written instead of compared.
"""

import datetime
import http.client
import json
import os
import re
import subprocess
import sys
import unittest
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import requests
from description import Description
from requests import MILK, Request

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from stack import ROOT, Stack, own_stack  # noqa: E402
from tour import comparable  # noqa: E402

EXAMPLES = ROOT / "api" / "openapi" / "examples.json"
RECORDS = os.environ.get("CODASYNC_RECORD_EXAMPLES") == "1"

# Their causes are faults of servers or clocks, or a flood of writes: tests/service and tests/faults cause them.
NOT_CAUSED = {"unavailable", "clock", "in-doubt", "id-reused", "moment-is-full", "too-many-readings"}
LONG_AGO = "2001-01-01T00:00:00Z"
SECRET = "the-secret"
VARIABLE_TEXT = re.compile(r'(retry: |id: |"epoch":")[^"\n]*')  # of the beginning of a stream


# Values of each type; absent: the member is left out.
ABSENT = object()
WRONG = (ABSENT, None, True, 0, -1, 1.5, 10**30, "", "x", [], {}, [None], {"a": 1})


def with_one_wrong_member(value: Any) -> Iterator[Any]:
    """Yields copies of a JSON value in which one member, at any depth, has each of the wrong values."""
    places: Iterable[Any] = value if isinstance(value, dict) else range(len(value))
    for place in places:
        for wrong in WRONG:
            copy = value.copy()
            if wrong is ABSENT:
                del copy[place]
            else:
                copy[place] = wrong
            yield copy
        if isinstance(value[place], (dict, list)):
            for inner in with_one_wrong_member(value[place]):
                copy = value.copy()
                copy[place] = inner
                yield copy


def first_event(response: http.client.HTTPResponse) -> str:
    """Returns: the beginning of a stream, which has no end."""
    text = ""
    for line in response:
        text += line.decode()
        if line == b"\n" and "data: " in text:
            break
    return text


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = dict(response.getheaders())
        is_stream = response.getheader("Content-Type") == "text/event-stream"
        self.body = first_event(response) if is_stream else response.read().decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of its problem; empty for another answer."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return ""
        return self.json()["type"].removeprefix("urn:codasync:problem:")


class OpenApi(unittest.TestCase):
    """One service for all tests. They run in the order of their names, and each continues with the rows of those before."""

    stack: Stack
    description: Description

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = cls.enterClassContext(own_stack())
        cls.stack.up("--no-demo")
        env = cls.stack.env()
        cls.base = env["CODASYNC_INSTANCES"]  # without Nginx, whose own problems are tested in tests/nginx
        cls.tokens = {"admin": env["CODASYNC_ADMIN_TOKEN"], "staff": env["CODASYNC_STAFF_TOKEN"]}
        cls.arguments: dict[str, str] = {}
        cls.seen: dict[tuple[str, str], set[str]] = {}  # codes and statuses of each operation
        cls.examples: dict[str, dict[str, Any]] = {}
        cls.description = Description(cls.send("GET", "/openapi.json").json())

    @classmethod
    def send(cls, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(cls.base).netloc, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask(self, request: Request, *, body: str | None = None, **headers: str) -> Answer:
        """Sends a request, and compares the answer with the document."""
        names = {name: value.format(**self.arguments) for name, value in request.arguments.items()}
        path = request.path.format(**names) + (f"?{request.query}" if request.query else "")
        if request.token:
            headers.setdefault("Authorization", f"Bearer {self.tokens[request.token]}")
        for name, value in request.headers.items():
            headers.setdefault(name.replace("-", "_"), value.format(**self.arguments))
        is_file = isinstance(request.body, str)
        if body is None and request.body is not None:
            body = request.body if is_file else json.dumps(request.body).replace("{secret}", self.tokens["staff"])
        if body is not None:
            headers.setdefault("Content_Type", "text/csv" if is_file else "application/json")
        answer = self.send(request.method, path, body, **headers)
        operation = self.description.operation(*request.operation)
        what = f"{request.method} {path} {body} -> {answer.status} {answer.body[:500]}"
        self.assertEqual(self.description.differences(operation, answer.status, answer.headers, answer.body), [], what)
        self.seen.setdefault(request.operation, set()).add(answer.code or str(answer.status))
        return answer

    def carry_out(self, request: Request) -> Answer:
        """Sends a request whose answer is known."""
        answer = self.ask(request)
        self.assertEqual((answer.status, answer.code), (request.status, request.code), (request, answer.body))
        for name, member in request.keep.items():
            cookie = member == "Set-Cookie"
            self.arguments[name] = answer.headers[member].split(";")[0] if cookie else self.member(answer.json(), member)
        operation = self.description.operation(*request.operation)
        if request.body is not None and not isinstance(request.body, str) and answer.status < 300:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            self.assertEqual(self.description.errors(request.body, schema), [], request)
        self.keep_example(request, answer)
        return answer

    @staticmethod
    def member(answer: Any, path: str) -> str:
        if path == "void/id":
            return next(row["id"] for row in answer if row["kind"] == "void")
        for name in path.split("/"):
            answer = answer[int(name) if name.isdecimal() else name]
        return str(answer)

    def keep_example(self, request: Request, answer: Answer) -> None:
        """Keeps the first request and the first answer with each status of each operation."""
        if request.path in ("/metrics", "/openapi.json"):
            return
        examples = self.examples.setdefault(f"{request.method} {request.path}", {})
        if request.body is not None and not isinstance(request.body, str) and answer.status < 300:
            shown = request.body | {"token": SECRET} if "token" in request.body else request.body
            examples.setdefault("request", shown)
        if answer.body and not answer.headers["Content-Type"].startswith(("text/csv", "application/x-ndjson")):
            is_json = "json" in answer.headers["Content-Type"]
            shown = json.loads(answer.body) if is_json else VARIABLE_TEXT.sub(r"\1…", answer.body)
            if isinstance(shown, dict) and isinstance(shown.get("token"), str):
                shown["token"] = SECRET
            examples.setdefault(str(answer.status), shown)

    # ---- the walk

    def test_1_every_operation_succeeds_as_described(self) -> None:
        for request in requests.GOOD:
            self.carry_out(request)
        shops = json.dumps({"name": "Phone of South", "role": "staff", "shops": [2]})
        headers = {"Authorization": f"Bearer {self.tokens['admin']}", "Content_Type": "application/json"}
        self.tokens["other"] = self.send("POST", requests.TOKENS, shops, **headers).json()["token"]

    def test_2_every_operation_has_its_own_problems_as_described(self) -> None:
        for request in requests.REFUSED:
            self.carry_out(request)

    def test_3_every_operation_has_the_common_problems_as_described(self) -> None:
        for token in ("admin", "staff"):
            used = Request("POST", requests.READINGS, 200, {"shop": 2, "GTIN": requests.TEA}, token)
            self.ask(used, Idempotency_Key="used")
        for request in self.one_of_each_operation():
            for code in sorted(self.description.problems(self.description.operation(*request.operation))):
                if code not in NOT_CAUSED and code not in self.seen[request.operation]:
                    with self.subTest(f"{request.method} {request.path}: {code}"):
                        self.assertEqual(self.cause(request, code).code, code)

    def one_of_each_operation(self) -> list[Request]:
        chosen: dict[tuple[str, str], Request] = {}
        for request in (*requests.GOOD, *requests.LAST):
            chosen.setdefault(request.operation, request)
            self.seen.setdefault(request.operation, set())
        return list(chosen.values())

    def cause(self, request: Request, code: str) -> Answer:
        """Sends the request with a mistake. Returns: the answer, which should have this problem."""

        def with_(**changes: Any) -> Request:
            return Request(**{**request.__dict__, **changes})

        body = request.body or {}
        match code:
            case "bad-query":
                return self.ask(with_(query="bogus=1"))
            case "unauthorized" | "forbidden" if request.path == requests.SESSION:
                wrong = {"token": "none"} if body else None
                return self.ask(with_(body=wrong, headers=requests.page if code == "unauthorized" else {}))
            case "unauthorized":
                return self.ask(with_(token=""))
            case "forbidden":
                return self.ask(with_(token="staff" if request.token == "admin" else "other"))
            case "not-found" if "event" in request.arguments:
                return self.ask(with_(arguments=request.arguments | {"event": str(uuid.uuid4())}))
            case "not-found" if "import" in request.arguments:
                return self.ask(with_(arguments=request.arguments | {"import": str(uuid.uuid4())}))
            case "not-found" if "id" in request.arguments:
                return self.ask(with_(arguments=request.arguments | {"id": "999999"}))
            case "not-found":
                return self.ask(with_(arguments={"gtin": MILK}))
            case "bad-fields" if "gtin" in request.arguments:
                return self.ask(with_(arguments=request.arguments | {"gtin": "4006381333932"}))
            case "bad-fields" if request.path == requests.STREAM:
                return self.ask(request, Last_Event_ID="x")
            case "bad-fields" if request.body is not None and not isinstance(body, str):
                return self.ask(with_(body=body | {"bogus": 1}))
            case "bad-fields":
                return self.ask(request, Idempotency_Key="")
            case "not-acceptable":
                return self.ask(request, Accept="text/html")
            case "bad-json":
                return self.ask(request, body="{")
            case "unsupported-media-type" if isinstance(body, str):
                return self.ask(request, Content_Type="multipart/form-data; boundary=x")
            case "content-too-large" if isinstance(body, str):
                return self.ask(with_(body=""), Content_Length="100000001")
            case "unsupported-media-type":
                return self.ask(with_(body=body), Content_Type="application/xml")
            case "content-too-large":
                return self.ask(request, body=" " * 1_000_001)
            case "precondition-failed":
                return self.ask(request, If_Match='"999"')
            case "key-reused":
                return self.ask(request, Idempotency_Key="used")
            case "too-old":
                self.close_ledger()
                return self.ask(with_(body=body | {"observed_at": LONG_AGO}))
        raise AssertionError(f"{request.method} {request.path}: no test causes {code}")

    def close_ledger(self) -> None:
        program, settings = self.stack.folder / "program" / "api" / "codasync", self.stack.folder / "codasync.toml"
        month = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-01")  # where the first partition begins
        command = [program, "ledger", "close", "--before", month, "--config", settings]
        owner = os.environ | {"CODASYNC_POSTGRES_URL": self.stack.env()["CODASYNC_DATABASE_URL"]}
        done = subprocess.run(command, env=owner, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_4_every_parameter_of_a_query_has_its_type_range_and_default(self) -> None:
        for request in self.one_of_each_operation():
            if request.method != "GET":
                continue
            parameters = self.description.parameters(self.description.operation(*request.operation), "query")
            for name, parameter in parameters.items():
                schema = self.description.resolved(parameter["schema"])
                with self.subTest(f"{request.path}: {name}"):
                    self.check_parameter(request, name, schema)

    def check_parameter(self, request: Request, name: str, schema: Any) -> None:
        def answer_to(value: Any) -> Answer:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            shop = {"shop": 1} if text == "-updated_at" else {}
            query = urllib.parse.urlencode(required | {name: text} | shop)
            return self.ask(Request(**{**request.__dict__, "query": query}))

        described = self.description.parameters(self.description.operation(*request.operation), "query")
        sent = dict(urllib.parse.parse_qsl(request.query))
        required = {other: sent[other] for other, parameter in described.items() if parameter.get("required") and other != name}
        several = schema.get("type") == "array"
        good, bad = values_of(self.description.resolved(schema["items"]) if several else schema)
        if several:
            bad = [*bad, *(f"{good[0]},{value}" for value in bad), ",".join(map(str, good * 100))]
            good = [*good, ",".join(map(str, good))]
        for value in good:
            # A single row that does not exist is 404; a filter finds nothing.
            names_a_row = (described[name].get("required") or name == "shop") and not several and sent[name] != str(value)
            self.assertEqual(answer_to(value).status, 404 if names_a_row else 200, value)
        for value in bad:
            self.assertEqual(answer_to(value).code, "bad-query", value)
        if "default" in schema:
            without = self.ask(Request(**{**request.__dict__, "query": urllib.parse.urlencode(required)}))
            self.assertEqual(answer_to(schema["default"]).json(), without.json())

    def test_5_a_client_that_has_the_answer_gets_304(self) -> None:
        for request in self.one_of_each_operation():
            operation = self.description.operation(*request.operation)
            if request.method != "GET" or "304" not in operation["responses"]:
                continue
            tag = self.ask(request).headers["ETag"]
            self.assertEqual(self.ask(request, If_None_Match=tag).status, 304, request)

    def test_6_a_body_with_one_wrong_member_is_answered_as_described(self) -> None:
        kept = {operation: set(seen) for operation, seen in self.seen.items()}
        for request in requests.GOOD:
            if isinstance(request.body, dict):
                for body in with_one_wrong_member(request.body):
                    self.ask(Request(**{**request.__dict__, "body": body}))
        type(self).seen = kept  # these are not the answers to the requests of the other tests

    def test_7_rows_are_removed_as_described(self) -> None:
        for request in requests.LAST:
            self.carry_out(request)

    def test_8_every_status_and_problem_of_the_document_was_seen(self) -> None:
        for method, path, operation in self.description.operations():
            described = self.description.problems(operation) - NOT_CAUSED
            described |= {status for status in operation["responses"] if status < "400"}
            self.assertEqual(described, self.seen.get((method, path), set()), f"{method} {path}")

    def test_9_the_examples_of_the_document_are_real_answers(self) -> None:
        if RECORDS:
            lines = [f'  {json.dumps(name)}: {json.dumps(example)}' for name, example in self.examples.items()]
            EXAMPLES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        recorded = json.loads(EXAMPLES.read_text(encoding="utf-8"))
        self.assertEqual(recorded.keys(), self.examples.keys())
        for name, examples in self.examples.items():
            self.assertEqual(comparable(recorded[name]), comparable(examples), name)

    # ---- what is not about one operation

    def test_other_methods_and_addresses_are_problems_as_described(self) -> None:
        problem = self.description.document["components"]["schemas"]["Problem"]
        for path, methods in self.description.document["paths"].items():
            names = path.format(id="1", gtin=requests.TEA, event=uuid.uuid4(), **{"import": uuid.uuid4()})
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {name.upper() for name in methods}:
                answer = self.send(method, names)
                self.assertEqual((answer.status, answer.code), (405, "method-not-allowed"), f"{method} {path}")
                self.assertEqual(self.description.errors(answer.json(), self.description.closed(problem)), [])
                allowed = {name for name in answer.headers["Allow"].split(", ") if name not in ("HEAD", "OPTIONS")}
                self.assertEqual(allowed, {name.upper() for name in methods}, path)
        answer = self.send("GET", "/api/v1/nothing")
        self.assertEqual((answer.status, answer.code), (404, "not-found"))
        self.assertEqual(self.description.errors(answer.json(), self.description.closed(problem)), [])

    def test_every_schema_is_one_of_draft_2020_12(self) -> None:
        for name, schema in self.description.document["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_schema_and_every_shared_part_is_used(self) -> None:
        text = json.dumps(self.description.document)
        for kind in ("schemas", "parameters", "headers", "responses"):
            for name in self.description.document["components"][kind]:
                self.assertTrue(f'"#/components/{kind}/{name}"' in text, f"nothing refers to {name} of {kind}")

    def test_the_document_has_an_entity_tag_and_is_the_same_through_nginx(self) -> None:
        answer = self.send("GET", "/openapi.json")
        status, document = self.stack.request("/openapi.json")
        self.assertEqual((status, document), (200, answer.json()))
        self.assertEqual(self.send("GET", "/openapi.json", If_None_Match=answer.headers["ETag"]).status, 304)


def values_of(schema: Any) -> tuple[list[Any], list[Any]]:
    """Returns: values that a schema allows, and values that it does not allow."""
    if "enum" in schema:
        return schema["enum"], ["bogus"]
    match schema.get("type"):
        case "boolean":
            return [True, False], ["maybe", ""]
        case "integer":
            low, high = schema["minimum"], schema.get("maximum", 2**63 - 1)
            return [low, high], [low - 1, high + 1, "one", "1.5", ""]
    if schema.get("format") == "date":
        return ["2026-12-24"], ["2026-13-01", "tomorrow"]
    if schema.get("format") == "date-time":
        return ["2026-12-24T10:00:00Z"], ["2026-12-24", "now"]
    if schema.get("pattern", "").startswith("^(\\d{8}"):
        return [requests.TEA, MILK], ["4006381333932", "tea"]
    if "maxLength" in schema:
        return ["", "tea", "x" * schema["maxLength"]], ["x" * (schema["maxLength"] + 1), "a\x00"]
    return [], ["bogus"]  # a cursor


if __name__ == "__main__":
    unittest.main()
