"""No type has the name of a type of an outer namespace: what such a name means would depend on which headers come before it, and two
files could see different members of one class (C++ [basic.def.odr]).
"""

import re
import unittest
from collections import defaultdict
from collections.abc import Iterable

from repository import sources

NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)
TYPE = re.compile(r"^(?:struct|class|enum|enum class) (?:\[\[\w+\]\] )?(\w+)(?= *(?:final *)?[:{])|^using (\w+) =", re.MULTILINE)


def hidden(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Returns: one line for each type with the name of one in an outer namespace. Types at the beginning of a line are of the namespace that
    begins before them."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for path, text in headers:
        starts = [(found.start(), found[1]) for found in NAMESPACE.finditer(text)]
        for found in TYPE.finditer(text):
            around = [name for start, name in starts if start < found.start()]
            if around:
                places[found[1] or found[2]][around[-1]] = path
    return [f"{path}: {name} of {inner} hides that of {outer} ({in_outer[outer]})"
            for name, in_outer in sorted(places.items()) for inner, path in sorted(in_outer.items())
            for outer in sorted(in_outer) if inner.startswith(f"{outer}::")]


class Names(unittest.TestCase):
    def test_no_type_hides_one_of_an_outer_namespace(self) -> None:
        headers = [(path, text) for path, text in sources(".hpp") if not path.startswith("tests/")]
        self.assertEqual(hidden(headers), [])

    def test_a_hidden_type_is_found(self) -> None:
        outer = ("a.hpp", "namespace codasync {\n\n/// A row.\nstruct Row : Base {\n};\n}\n")
        inner = ("b.hpp", "namespace codasync::storage {\nstruct Row {\n};\n}\n")
        self.assertEqual(hidden([outer, inner]), ["b.hpp: Row of codasync::storage hides that of codasync (a.hpp)"])

    def test_forward_declarations_members_and_other_namespaces_are_not_found(self) -> None:
        outer = ("a.hpp", "namespace codasync::api {\nstruct Row {\n};\n}\n")
        for text in ("namespace codasync::storage {\nstruct Row {\n};\n}\n", "namespace codasync::api::cli {\nstruct Row;\nclass A {\n  struct Row {\n  };\n};\n}\n"):
            self.assertEqual(hidden([outer, ("b.hpp", text)]), [], text)


if __name__ == "__main__":
    unittest.main()
