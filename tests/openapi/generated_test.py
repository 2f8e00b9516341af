"""Requests that a generator makes from /openapi.json (generator.py), sent to a running stack, directly and through Nginx.

Each answer has to be as the document says, and none is a failure of the server: no 5xx but a documented 503. At the end the database and
the cache are consistent, and no process was restarted. CODASYNC_OPENAPI_REQUESTS is the number of requests, CODASYNC_TEST_SEED the seed,
which is printed.
"""

import functools
import gzip
import http.client
import json
import os
import random
import re
import sys
import time
import unittest
import urllib.parse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
from description import Description
from generator import KINDS, Generator, Pools, Sent

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from stack import Stack, own_stack  # noqa: E402

REQUESTS = int(os.environ.get("CODASYNC_OPENAPI_REQUESTS", "3000"))
SEED = int(os.environ.get("CODASYNC_TEST_SEED", time.time_ns() % 2**32))
PROCESSES = 2
FINDINGS_MAX = 20  # of a process; then it ends
# Problems of every address: in the document's text about `default`, without a schema of their own.
EVERYWHERE = {"not-found", "method-not-allowed", "malformed-request", "request-timeout", "uri-too-long", "headers-too-large", "content-too-large",
              "too-many-requests"}
# Header fields that Nginx adds.
OF_NGINX = {"Server", "Date", "Content-Encoding", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Strict-Transport-Security",
            "RateLimit", "RateLimit-Policy"}
NO_JSON = {"text/plain", "text/event-stream", "text/csv", "application/x-ndjson"}
NULLS = 12  # bodies with the same member null
ROWS_MAX = 8  # of a list are compared with their schema: the first and the last ones


class Connection(http.client.HTTPConnection):
    """Sends any target and header, also those that are not allowed."""

    def _validate_path(self, url: str) -> None:
        pass

    def _encode_request(self, request: str) -> bytes:
        return request.encode("utf-8")


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = dict(response.getheaders())
        if self.headers.get("Server") == "nginx":
            self.headers = {name: value for name, value in self.headers.items() if name not in OF_NGINX}
        self.media_type = self.headers.get("Content-Type", "").partition(";")[0]
        if self.media_type == "text/event-stream" and response.length != 0:
            self.body = response.readline().decode()  # it has no end
            response.close()
        else:
            body = response.read()
            self.body = (gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" and body else body).decode()

    def __str__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:600]}"


class Judge:
    """Compares answers with the document."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._problem = self._validator({"$ref": "#/components/schemas/Problem"}, closed=True)
        self._bodies: dict[str, jsonschema.Draft202012Validator] = {}

    def _validator(self, schema: Any, closed: bool) -> jsonschema.Draft202012Validator:
        schema = self._description.closed(schema) if closed else schema
        return jsonschema.Draft202012Validator(schema, resolver=self._description.resolver, format_checker=jsonschema.draft202012_format_checker)

    @functools.cache
    def _answers(self, method: str, path: str, status: int, media_type: str) -> jsonschema.Draft202012Validator | None:
        response = self._description.operation(method, path)["responses"].get(str(status), {})
        content = self._description.resolved(response).get("content", {})
        return self._validator(content[media_type]["schema"], closed=True) if media_type in content else None

    @functools.cache
    def _requests(self, method: str, path: str) -> jsonschema.Draft202012Validator:
        return self._validator(self._description.operation(method, path)["requestBody"]["content"]["application/json"]["schema"], closed=False)

    def findings(self, sent: Sent, answer: Answer) -> list[str]:
        """Returns: how the answer differs from the document."""
        if answer.status >= 500:
            retry = answer.headers.get("Retry-After", "")
            if answer.status != 503 or not retry.isdigit() or answer.media_type != "application/problem+json":
                return [f"status {answer.status}"]
        found = self._description.header_differences(sent.operation, answer.status, answer.headers)
        if not answer.body:
            return found
        if sent.method == "HEAD":
            return [*found, "a body for HEAD"]
        if answer.media_type in NO_JSON:
            return found
        value = json.loads(answer.body)
        if answer.media_type == "application/problem+json":
            return found + self._problem_differences(sent, answer, value)
        validator = self._answers(sent.operation_method, sent.path, answer.status, answer.media_type)
        if validator is None:
            return [*found, f"status {answer.status} with {answer.media_type} is not described"]
        if isinstance(value, list) and len(value) > ROWS_MAX:
            value = value[: ROWS_MAX // 2] + value[-ROWS_MAX // 2 :]
        found += [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(value)]
        return found + self._accepted_by_mistake(sent, answer)

    def _problem_differences(self, sent: Sent, answer: Answer, value: Any) -> list[str]:
        found = [error.message for error in self._problem.iter_errors(value)]
        if found:
            return found
        if value["status"] != answer.status:
            found.append("another status in the problem")
        code = value["type"].removeprefix("urn:codasync:problem:")
        if code not in self._description.problems(sent.operation) and code not in EVERYWHERE and answer.status < 500:
            found.append(f"problem {code} is not described")
        return found

    def _accepted_by_mistake(self, sent: Sent, answer: Answer) -> list[str]:
        """A body that the schema does not allow has to be refused."""
        if answer.status >= 300 or not sent.body or "application/json" not in sent.operation.get("requestBody", {}).get("content", {}):
            return []
        try:
            value = json.loads(sent.body)
        except ValueError:
            return [] if sent.body.startswith(b"\xef\xbb\xbf") else ["a body that is no JSON was accepted"]
        errors = self._requests(sent.operation_method, sent.path).iter_errors(value)
        return [f"was accepted: {error.message[:300]}" for error in errors if not is_lenient(error)]


def is_lenient(error: jsonschema.ValidationError) -> bool:
    """Returns: whether the service accepts more than the schema on purpose. Clients of the Django API send whole numbers in strings, and dates
    with months and days of one digit. White space around a text does not count. Each element of the lists of operations is refused by itself."""
    if error.absolute_path and error.absolute_path[0] in ("items", "operations"):
        return True
    if error.validator == "anyOf":
        return all(is_lenient(each) for each in error.context if each.validator != "type" or each.validator_value != "null")
    text = str(error.instance).strip()
    if error.validator == "pattern" and re.search(error.validator_value, text):
        return True
    if error.validator == "type":
        return "integer" in error.validator_value and isinstance(error.instance, str) and re.fullmatch(r"-?\d+(\.0*)?", text) is not None
    return error.validator in ("pattern", "format") and re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text) is not None


class Driver:
    """Sends requests to one address. It counts the answers."""

    def __init__(self, addresses: list[str], tokens: dict[str, str], seed: str) -> None:
        self._connections = [Connection(urllib.parse.urlsplit(each).netloc, timeout=30) for each in addresses]
        self._chance = random.Random(seed)
        self._pools = Pools()
        document = json.loads(self._exchange(self._connections[0], "GET", "/openapi.json", {}, None).body)
        self._description = Description(document)
        self._generator = Generator(self._description, tokens, self._pools)
        self._judge = Judge(self._description)
        self.own_tokens = {"1", "2"}
        self.findings: list[str] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.operations: Counter[tuple[str, str]] = Counter()

    def _exchange(self, connection: Connection, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Throws: OSError or HTTPException when there is no answer."""
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("utf-8"))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        if answer.media_type == "text/event-stream":
            connection.close()
        return answer

    def send(self, sent: Sent, connection: Connection) -> Answer:
        """On a connection that the server may have closed meanwhile, the request is sent again on a new one."""
        for last in (False, True):
            try:
                return self._exchange(connection, sent.method, sent.target, sent.headers, sent.body)
            except (OSError, http.client.HTTPException):
                connection.close()
                if last:
                    raise
        raise AssertionError

    def run(self, count: int) -> None:
        for number in range(count):
            sent = self._generator.request(self._chance)
            if sent.path == "/api/v1/tokens/{id}" and sent.method == "DELETE" and self.is_own_token(sent):
                continue
            connection = self._chance.choice(self._connections)
            if sent.path == "/metrics":  # Nginx does not pass it on
                connection = self._connections[0]
            try:
                answer = self.send(sent, connection)
                found = self._judge.findings(sent, answer)
            except (OSError, ValueError, http.client.HTTPException) as error:
                found, answer = [f"no answer: {error!r}"], None
            if found:
                self.findings.append(f"request {number} to {connection.port}: {sent}\n  {answer}\n  " + "\n  ".join(found))
                if len(self.findings) >= FINDINGS_MAX:
                    return
            if answer:
                self.counts[sent.kind, f"{answer.status // 100}xx" if answer.status < 500 else str(answer.status)] += 1
                self.operations[sent.operation_method, sent.path] += answer.status < 300
                if answer.media_type == "application/json" and answer.body and answer.status < 300:
                    self._pools.keep(sent, json.loads(answer.body), answer.headers)

    def is_own_token(self, sent: Sent) -> bool:
        """Returns: whether the request would revoke a token of this test."""
        return urllib.parse.unquote(sent.target.partition("?")[0].rstrip("/").rpartition("/")[2]).strip() in self.own_tokens


    def accepted_nulls(self) -> list[str]:
        """Sends null for each member of each body, and of the elements of lists of operations. Returns: those that were accepted although the
        schema does not allow null."""
        found = []
        for method, path, operation in self._description.operations():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                schema = self._description.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
                members = [(name,) for name in schema["properties"]]
                for name, each in schema["properties"].items():
                    if name in ("items", "operations"):
                        element = self._description.resolved(self._description.resolved(each)["items"])
                        members += [(name, inner) for inner in element["properties"]]
                found += [f"{method} {path}: {'/'.join(member)}" for member in members if self._takes_null(method, path, operation, schema, member)]
        return found

    def _takes_null(self, method: str, path: str, operation: Any, schema: Any, member: tuple[str, ...]) -> bool:
        for _ in range(NULLS):
            sent = Sent("valid", method, path, operation, "", {"Content-Type": "application/json", **self._generator.authorization("admin")})
            body = self._generator.body(sent, schema, self._chance)
            if len(member) == 1:
                body[member[0]] = None
            elif not body.get(member[0]):
                continue
            else:
                body[member[0]] = [{**body[member[0]][0], member[1]: None}]
            if not self._description.errors(body, schema):
                return False  # it may be null
            sent.body = json.dumps(body).encode()
            answer = self.send(sent, self._connections[0])
            if answer.status < 300 and not (len(member) == 2 and '"outcome":"rejected"' in answer.body):
                return True
        return False


def drive(addresses: list[str], tokens: dict[str, str], seed: str, count: int) -> tuple[list[str], Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    driver = Driver(addresses, tokens, seed)
    driver.run(count)
    return driver.findings, driver.counts, driver.operations


class Generated(unittest.TestCase):
    """Both tests use one stack."""

    stack: Stack

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = cls.enterClassContext(own_stack())
        cls.stack.up()
        env = cls.stack.env()
        cls.addresses = [env["CODASYNC_INSTANCES"].split(",")[0], env["CODASYNC_URL"]]
        cls.tokens = {"admin": env["CODASYNC_ADMIN_TOKEN"], "staff": env["CODASYNC_STAFF_TOKEN"]}

    def test_null_is_refused_where_the_document_does_not_allow_it(self) -> None:
        driver = Driver(self.addresses, self.tokens, f"{SEED}/nulls")
        driver.run(300)  # so that there are rows
        self.assertEqual(driver.accepted_nulls(), [])

    def test_every_answer_is_as_the_document_says(self) -> None:
        print(f"CODASYNC_TEST_SEED={SEED} CODASYNC_OPENAPI_REQUESTS={REQUESTS}", flush=True)
        began, log = time.monotonic(), self.stack.log()
        counts: Counter[tuple[str, str]] = Counter()
        succeeded: Counter[tuple[str, str]] = Counter()
        findings = []
        with ProcessPoolExecutor(PROCESSES) as pool:
            jobs = [pool.submit(drive, self.addresses, self.tokens, f"{SEED}/{number}", REQUESTS // PROCESSES) for number in range(PROCESSES)]
            for job in jobs:
                found, counted, operations = job.result()
                findings += found
                counts += counted
                succeeded += operations
        seconds = time.monotonic() - began
        print(f"{counts.total():,} requests in {seconds:.0f} s; " + ", ".join(f"{kind} {status}: {number:,}" for (kind, status), number in sorted(counts.items())))
        self.assertEqual(findings, [], "\n\n".join(findings))
        for kind in KINDS:
            self.assertGreater(counts[kind, "2xx"], REQUESTS / 100, f"{kind}: the generator makes too few requests that succeed")
            self.assertGreater(counts[kind, "4xx"], REQUESTS / 100, f"{kind}: the generator makes too few requests that are refused")
        if REQUESTS >= 3000:
            self.assertEqual([operation for operation, number in succeeded.items() if not number], [], "never succeeded")
        self.assertEqual(self.stack.log(), log, "a process ended or was restarted")
        self.stack.check_deeply()


if __name__ == "__main__":
    unittest.main()
