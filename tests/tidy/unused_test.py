"""Production code that only tests use. A search by identifier: it can miss unused code, but code that it reports is not used."""

import re
import unittest
from collections import Counter

from repository import includes, sources

IGNORED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)
NAME = r"(?P<name>[a-z]\w*)\("
DECLARATION = re.compile(rf"^ *(?P<before>(?:\[\[nodiscard\]\] )?[\w:<>,&* ]*[\w>&*]) +[&*]*{NAME}(?P<after>[^;{{]*[;{{])", re.MULTILINE)
DEFINITION = re.compile(rf"^(?=\w)[^\n=;]*?\b{NAME}", re.MULTILINE)  # it begins in the first column, which a call never does
STATEMENT = {"case", "co_return", "delete", "else", "if", "new", "return", "throw", "using"}


def without_comments_and_strings(text: str) -> str:
    return IGNORED.sub('""', text)


def unused_functions(code: dict[str, str]) -> dict[str, str]:
    """Returns: functions that a header declares and no file calls, each with its header. Virtual functions are skipped: a caller may use
    another declaration of the same function. Constructors and operators are skipped: they are called without their name."""
    code = {path: without_comments_and_strings(text) for path, text in code.items()}
    mentioned = Counter(word for text in code.values() for word in re.findall(r"\b[a-z]\w*\b", text))
    declared: Counter[str] = Counter()
    headers, virtual = {}, set()
    for path, text in code.items():
        for found in DECLARATION.finditer(text) if path.endswith(".hpp") else ():
            words = set(re.findall(r"\w+", found["before"]))
            if words & STATEMENT:
                continue
            if "virtual" in words or re.search(r"\b(override|final)\b", found["after"]):
                virtual.add(found["name"])
            declared[found["name"]] += 1
            headers[found["name"]] = path
    for path, text in code.items():
        if path.endswith(".cpp"):
            declared.update(found["name"] for found in DEFINITION.finditer(text))
    return {name: path for name, path in headers.items() if name not in virtual and mentioned[name] <= declared[name]}


class Unused(unittest.TestCase):
    def setUp(self) -> None:
        self.production = {path: text for path, text in sources(".cpp", ".hpp") if not path.startswith("tests/")}

    def test_a_header_is_not_only_for_tests(self) -> None:
        used_by_tests = {header for path, text in sources(".cpp", ".hpp") if path.startswith("tests/") for header in includes(text, '"')}
        used = {header for path, text in self.production.items() for header in includes(text, '"')
                if path != header.removesuffix(".hpp") + ".cpp"}
        only_tests = {path for path in self.production if path in used_by_tests and path not in used}
        self.assertEqual(only_tests, set(), "only tests include these headers")

    def test_a_function_is_not_only_for_tests(self) -> None:
        self.assertEqual(unused_functions(self.production), {}, "no production code calls these functions")


class Search(unittest.TestCase):
    """The search itself, with code in which the result is known."""

    HEADER = "class Gate {\n public:\n  [[nodiscard]] int height() const;\n};\nint open(Gate& gate);\n"

    def test_a_function_that_is_declared_and_defined_but_not_called_is_found(self) -> None:
        source = 'int Gate::height() const { return 7; }\n// open() is in a comment\nint open(Gate& gate) { return f("open"); }\n'
        self.assertEqual(unused_functions({"a.hpp": self.HEADER, "a.cpp": source}), {"height": "a.hpp", "open": "a.hpp"})

    def test_a_call_is_a_use(self) -> None:
        source = "int Gate::height() const { return 7; }\nint open(Gate& gate) {\n  return gate.height();\n}\n"
        caller = "int main() {\n  Gate gate;\n  return open(gate);\n}\n"
        self.assertEqual(unused_functions({"a.hpp": self.HEADER, "a.cpp": source, "b.cpp": caller}), {})

    def test_a_function_that_is_only_declared_is_found(self) -> None:
        self.assertEqual(unused_functions({"a.hpp": "void close(int gate);\n"}), {"close": "a.hpp"})

    def test_a_virtual_function_is_skipped(self) -> None:
        header = "struct Base {\n  virtual void open() = 0;\n};\nstruct Gate : Base {\n  void open() override;\n};\n"
        self.assertEqual(unused_functions({"a.hpp": header}), {})


if __name__ == "__main__":
    unittest.main()
