"""Words that the texts of the repository do not use: code, messages, tests and documents are written in plain technical English."""

import re
import unittest

from repository import texts

# A regular expression, and the words to use instead. A space matches any white space, an underscore, and the end of a commented line.
INSTEAD = (
    (r'(?<!["`])nobody|nobody(?!["`])', "no client, no process, …; name the part that is meant"),  # in quotation marks it is the Unix user
    (r"somebody|anybody|everybody", "a client, another process, all processes, …; name the part that is meant"),
    (r"whoever|whichever", "the client that …, each process that …"),
    (r"strangers?", "unresolved readings; clients without a token"),
    (r"patience", "timeout, longest wait"),
    (r"bury|buried", "clean up, remove"),
    (r"farewell", "stop, stop sequence"),
    (r"last words", "last log lines"),
    (r"mends?|mended|mending", "repair"),
    (r"anew", "again"),
    (r"deaf", "not listening"),
    (r"polite|politely", "graceful, idle"),
    (r"thereof|hither|whence|thence", "of it, here, from where"),
    (r"(is|are|was|were) (?-i:none)", "is not a valid …, does not exist"),
    (r"there (is|are|was|were) no such", "… does not exist"),
    (r"tells|told", "returns, reports, shows; is notified, receives"),
    (r"(looks?|looked|looking) after", "maintains, monitors"),
    (r"(goes|went|going|gone) on", "continues"),
    (r"(gives?|gave|given|giving) way", "yields"),
    (r"(gives?|gave|given|giving) up", "fails, stops waiting; a slot is marked down"),
    (r"(comes?|came) to nothing", "fails"),
    (r"in vain", "without success"),
    (r"knows nothing|does not know", "does not depend on, does not have"),
    (r"(is|are|was|were) well(?![-\s](known|formed|below|above|within|defined|tested))", "is available, succeeded"),
    (r"(is|are|was|were|be) asked for", "is requested, is queried"),
    (r"believes?|believed", "uses, accepts, trusts"),
    (r"remember(s|ed|ing)?", "stores, caches"),
    (r"forgets|forgot|forgotten", "removes, evicts"),
    (r"ours?", "this program's, CodaSync's"),
    (r"(?<!NAME_)we", "the passive voice, or the name of the part"),
    (r"(has|have|had|is|are|was|were|what|already) begun", "has started"),
    (r"letters? to (a|the|one|each|its) (worker|loop|thread)", "messages to a thread"),
    (r"the first service", "the Django API that CodaSync replaces"),
    (r"reborn|incarnation", "restarted, current process"),
    (r"asks for|asked for|(be|is|are|was|were) asked", "needs, requests, queries"),
    (r"wants?", "needs, requests"),
    (r"(?<!device.)knows|knew", "has, states, can compute"),  # a device: the README has rules for people who write its program
    (r"learns?|learned|learnt", "gets, reads"),
    (r"notices|noticed", "detects"),
    (r"finds? out|found out", "determines"),
    (r"talks?|talking", "sends, uses"),
    (r"obeys?|obeyed", "executes"),
    (r"victims?", "the processes that are stopped"),
    (r"(is|are|was|were) passed over", "is skipped"),
    (r"at hand", "current"),
    (r"wild", "large; name the limit"),
    (r"counts? no longer", "no longer counts"),
    (r"(stands?|stood) still", "is stopped, does not run"),
    (r"(lies|lay) (on|in|at)", "is on, is in"),
    (r"monitor threads?", "slot keeper"),
)
GAP = r"(?:[\s_]|\n[ \t]*(?://+|\#+|--|\*)[ \t]?)+"


def matcher(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9])(?:{word.replace(' ', GAP)})(?![A-Za-z0-9])", re.IGNORECASE)


MATCHERS = [(matcher(word), instead) for word, instead in INSTEAD]


def findings(path: str, text: str) -> list[str]:
    """Returns: one line for each word to replace."""
    return [f"{path}:{text.count(chr(10), 0, found.start()) + 1}: \"{' '.join(found.group().split())}\": {instead}"
            for expression, instead in MATCHERS for found in expression.finditer(text)]


class Words(unittest.TestCase):
    def test_the_texts_are_plain(self) -> None:
        found = [finding for path, text in texts() if not path.startswith("tests/tidy/") for finding in findings(path, text)]
        self.assertFalse(found, "\n" + "\n".join(found))


class Search(unittest.TestCase):
    """The search itself."""

    def test_a_word_is_found_with_its_line_and_a_replacement(self) -> None:
        self.assertEqual(findings("a.md", "One.\nIt starts anew.\n"), ['a.md:2: "anew": again'])

    def test_words_in_identifiers_and_over_line_ends_are_found(self) -> None:
        for text in ("TEST(Gate, nobody_is_left)", '"nobody wrote it"', "/// It is\n/// told so.", "# it goes\n# on", "  -- what gives\n  -- way"):
            self.assertEqual(len(findings("a", text)), 1, text)

    def test_parts_of_words_and_other_meanings_are_not_found(self) -> None:
        for text in ("amend, recommend, hours, renewed, owe", 'getpwnam("nobody")', "value is None", "it is well-formed", "kNobody", "NAME_WE", "wildcard, unwanted", "that the device knows"):
            self.assertEqual(findings("a", text), [], text)


if __name__ == "__main__":
    unittest.main()
