"""Counts the test cases in the JUnit files of ctest and prints `N passed, N failed`.

Each test case of a GoogleTest or unittest program counts; any other program counts as one.
"""

import re
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass

GOOGLETEST = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+).* \(\d+ ms\)$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n+(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def count(output: str, passed: bool) -> Count:
    """Counts the cases of one program. A program that fails without a failed case, by a crash or a timeout, adds one failure."""
    found = Count()
    if cases := GOOGLETEST.findall(output):
        results = [result for result, _ in cases]
        found = Count(results.count("OK"), results.count("FAILED"), results.count("SKIPPED"))
    elif ran := UNITTEST.search(output):
        named = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", ran[2] or "")}
        failed = sum(named.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
        found = Count(int(ran[1]) - failed - named.get("skipped", 0), failed, named.get("skipped", 0))
    elif passed:
        found.passed = 1
    if not passed and not found.failed:
        found.failed = 1
    return found


def main(files: list[str]) -> int:
    total = Count()
    for file in files:
        for test in xml.parse(file).iter("testcase"):
            passed = test.get("status") == "run"
            one = count(test.findtext("system-out") or "", passed)
            total = Count(total.passed + one.passed, total.failed + one.failed, total.skipped + one.skipped)
            if not passed:
                print(f"failed: {test.get('name')}")
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
