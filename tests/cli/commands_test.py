"""Help, errors, suggestions, completion and manual of every command. The list of commands is read from the help."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from program import commands, options, run, section

COMMANDS = dict(commands())
# Words of CLI11 and of C++ that a user must not see.
LIBRARY = re.compile(r"ENUM|\bINT\b|\bUINT\b|FLOAT|POSITIVE|NONNEGATIVE|:value|\bvalue in\b|\[\d+ - |\d{40}|e\+?308|std::|Subcommand missing|"
                     r"were not expected|was not expected|required but received|Could not convert|is not an allowed value")


class Commands(unittest.TestCase):
    def test_the_help_lists_the_commands_that_operators_and_users_need(self) -> None:
        needed = ("serve", "migrate", "import", "export", "token", "check", "cache", "settings", "shop", "product", "reading", "completion", "man")
        self.assertLessEqual({(name,) for name in needed}, set(COMMANDS))
        self.assertLessEqual({("export", "products"), ("export", "stock-readings"), ("export", "events"), ("token", "create"), ("shop", "list"),
                              ("shop", "show"), ("product", "list"), ("product", "show"), ("reading", "list"), ("reading", "show")}, set(COMMANDS))

    def test_each_help_has_a_description_and_no_words_of_a_library(self) -> None:
        for words, text in {(): run("--help").stdout, **COMMANDS}.items():
            with self.subTest(" ".join(words)):
                self.assertRegex(text.splitlines()[0], r"^[A-Z].{10,}")
                self.assertNotRegex(text, LIBRARY)

    def test_each_command_and_option_is_in_the_manual(self) -> None:
        manual = run("man").stdout.replace("\\-", "-")
        for words, text in COMMANDS.items():
            with self.subTest(" ".join(words)):
                entry = re.search(rf'^\.SS "codasync {" ".join(words)}( [A-Z]+)*"\n(.*?)(?=^\.S[SH] |\Z)', manual, re.MULTILINE | re.DOTALL)
                self.assertIsNotNone(entry)
                assert entry
                for option in options(text):
                    self.assertTrue(option in ("--help", "--config") or f"\\fB{option}\\fR" in entry[2], option)

    def test_each_command_and_option_is_completed(self) -> None:
        for words, text in COMMANDS.items():
            with self.subTest(" ".join(words)):
                names = [line.split("\t") for line in run("__complete", *words[:-1], "").stdout.splitlines()]
                self.assertIn(words[-1], [name for name, *_ in names])
                self.assertTrue(all(len(line) == 2 and line[1] for line in names), "each has a description")
                offered = {line.split("\t")[0] for line in run("__complete", *words, "--").stdout.splitlines()}
                self.assertLessEqual(set(options(text)), offered)

    def test_each_list_can_be_printed_as_json(self) -> None:
        lists = [words for words in COMMANDS if words[-1] in ("list", "history", "stock", "work-list", "status", "check")]
        self.assertGreater(len(lists), 6)
        for words in lists:
            self.assertIn("--json", options(COMMANDS[words]), words)

    def test_the_manual_is_formatted_without_warnings(self) -> None:
        words = ["groff", "-man", "-Tutf8", "-ww", "-z"]
        done = subprocess.run(words, input=run("man").stdout, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_exit_statuses_are_in_the_manual(self) -> None:
        self.assertRegex(run("man").stdout, r"(?s)\.SH EXIT STATUS\n\.TP\n0\n.*\.TP\n1\n.*\.TP\n2\n.*\.TP\n3\n")


class Errors(unittest.TestCase):
    def assert_error(self, words: list[str], *texts: str) -> None:
        with self.subTest(" ".join(words)):
            done = run(*words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertTrue(done.stderr.startswith("codasync: "), done.stderr)
            self.assertNotRegex(done.stderr, LIBRARY)
            for text in texts:
                self.assertIn(text, done.stderr)

    def test_a_command_that_does_not_exist_suggests_the_one_that_was_meant(self) -> None:
        self.assert_error(["chek"], 'codasync has no command "chek". Did you mean "check"?', "`codasync --help`")
        self.assert_error(["tokne"], 'Did you mean "token"?')
        self.assert_error(["token", "lst"], 'codasync token has no command "lst". Did you mean "list"?', "`codasync token --help`")
        self.assert_error(["exprot", "products"], 'Did you mean "export"?')
        self.assert_error(["reading", "work-list", "--shop", "1"], 'codasync reading has no command "work-list".')
        self.assert_error(["reading", "histroy", "1"], 'Did you mean "history"?')
        self.assert_error(["revoke", "5"], 'Did you mean "codasync token revoke"?')
        self.assert_error(["help"], 'Did you mean "--help"?')
        self.assert_error(["fly"], 'codasync has no command "fly". It has serve, ')
        self.assert_error(["token", "fly"], "It has create, list and revoke.")

    def test_an_option_that_does_not_exist_suggests_the_one_that_was_meant(self) -> None:
        self.assert_error(["serve", "--fast"], 'codasync serve has no option "--fast".')
        self.assert_error(["check", "--depe"], 'codasync check has no option "--depe". Did you mean "--deep"?')
        self.assert_error(["export", "products", "--ouput=x"], 'has no option "--ouput". Did you mean "--output"?')
        self.assert_error(["token", "list", "--jsno"], 'Did you mean "--json"?')
        self.assert_error(["--confg", "x", "check"], 'Did you mean "--config"?')
        self.assert_error(["reading", "adjust", "1", "-2"], 'codasync reading adjust has no option "-2".')

    def test_each_misspelt_command_is_found(self) -> None:
        """Two neighbours in the wrong order."""
        for *above, name in COMMANDS:
            if len(name) >= 4:
                misspelt = name[:1] + name[2] + name[1] + name[3:]
                if misspelt != name:
                    self.assert_error([*above, misspelt], f'Did you mean "{name}"?')

    def test_what_is_missing_is_named(self) -> None:
        self.assert_error([], "codasync needs a command: serve, ")
        self.assert_error(["token"], "codasync token needs a command: create, list or revoke.")
        self.assert_error(["token", "create"], "codasync token create needs --name and --role.")
        self.assert_error(["token", "create", "--name", "x"], "needs --role.")
        self.assert_error(["token", "create", "--name"], "--name needs a value: --name TEXT.")
        self.assert_error(["token", "revoke"], "codasync token revoke needs ID.")
        self.assert_error(["check", "--repair"], "--repair needs --deep.")
        self.assert_error(["import", "products"], "codasync import products needs ")
        self.assert_error(["shop", "show"], "codasync shop show needs ID.")
        self.assert_error(["completion"], "codasync completion needs SHELL.")

    def test_a_value_that_is_not_valid_is_explained(self) -> None:
        self.assert_error(["token", "create", "--name", "x", "--role", "king"], '--role: "king" is not one of: staff, admin.')
        self.assert_error(["token", "create", "--name", "x", "--role", "staff", "--shop", "0"], '--shop: "0" is not a whole number of at least 1.')
        self.assert_error(["token", "create", "--name", "x", "--role", "staff", "--shop", "9" * 30], "is not a whole number of at least 1.")
        self.assert_error(["token", "revoke", "x"], 'ID: "x" is not a whole number of at least 1.')
        self.assert_error(["export", "products", "--format", "xml"], '--format: "xml" is not one of: csv, ndjson.')
        self.assert_error(["completion", "powershell"], '"powershell" is not one of: bash, fish, zsh.')
        self.assert_error(["import", "products", "/no/such/file"], "/no/such/file")
        self.assert_error(["reading", "list", "--limit", "-1"], "--limit: ")
        self.assert_error(["reading", "list", "--ordering", "size"], "--ordering: ")

    def test_what_does_not_belong_there_is_named(self) -> None:
        self.assert_error(["migrate", "now"], 'codasync migrate takes no further argument: "now".')
        self.assert_error(["token", "list", "all"], 'takes no further argument: "all".')
        self.assert_error(["reading", "list", "--all", "--limit", "5"], "--limit cannot be used with --all.")
        self.assert_error(["check", "--deep=5x"], "--deep takes no value.")
        self.assert_error(["token", "create", "--name", "a", "--name", "b", "--role", "staff"], "--name can be given only once.")

    def test_a_command_for_a_service_needs_its_address(self) -> None:
        self.assert_error(["shop", "list"], "Set CODASYNC_URL")

    def test_a_service_that_does_not_respond_is_explained(self) -> None:
        for url, text in (("http://127.0.0.1:1", "nothing listens there"), ("shop.example", "it is not an address such as"),
                          ("ftp://shop.example", "it is not an address such as"), ("http://service.invalid", "its host name is unknown")):
            done = run("shop", "list", CODASYNC_URL=url, CODASYNC_TOKEN="coda_hunter2")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn(f"The service at {url} cannot be reached: {text}", done.stderr)
            self.assertNotIn("hunter2", done.stderr)


class PrivateStack(unittest.TestCase):
    """The stack of config/up in .run, without its servers."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="codasync-stack.")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        state = self.folder / ".run"
        state.mkdir()
        (state / "codasync.toml").write_text('[postgres]\nurl = "postgresql://127.0.0.1:1/of-the-stack"\n[log]\nlevel = "error"\n')
        (state / "env").write_text("CODASYNC_URL=http://127.0.0.1:2\nCODASYNC_ADMIN_TOKEN=coda_of_the_stack\n"
                                   "CODASYNC_DATABASE_URL=postgresql://127.0.0.1:3/of-the-owner\n")
        self.below = self.folder / "a" / "b"
        self.below.mkdir(parents=True)

    def test_it_is_found_in_this_folder_and_in_those_above(self) -> None:
        for folder in (self.folder, self.below):
            self.assertIn("postgresql://127.0.0.1:1/of-the-stack", run("check", folder=folder).stdout)
            self.assertIn("http://127.0.0.1:2 cannot be reached", run("shop", "list", folder=folder).stderr)
        self.assertNotIn("of-the-stack", run("check").stdout)

    def test_a_migration_uses_the_role_of_its_owner(self) -> None:
        self.assertIn("port 3 failed", run("migrate", folder=self.folder).stderr)

    def test_any_setting_of_the_caller_counts_instead(self) -> None:
        other = self.folder / "other.toml"
        other.write_text('[log]\nlevel = "warning"\n')
        for words, environment in ((("--config", str(other)), {}), ((), {"CODASYNC_CONFIG": str(other)}), ((), {"CODASYNC_LOG_LEVEL": "info"}),
                                   ((), {"DATABASE_URL": "postgresql://127.0.0.1:4/x"})):
            self.assertNotIn("of-the-stack", run(*words, "check", folder=self.folder, **environment).stdout)
        self.assertIn("http://127.0.0.1:9 cannot be reached", run("shop", "list", folder=self.folder, CODASYNC_URL="http://127.0.0.1:9").stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a folder to another user")
    def test_that_of_another_user_is_not_used(self) -> None:
        os.chown(self.folder / ".run", 65534, 65534)
        self.assertNotIn("of-the-stack", run("check", folder=self.folder).stdout)


class Completion(unittest.TestCase):
    def complete(self, *words: str) -> list[str]:
        return [line.split("\t")[0] for line in run("__complete", *words).stdout.splitlines()]

    def test_words_that_begin_as_written(self) -> None:
        self.assertEqual(self.complete("tok"), ["token"])
        self.assertEqual(self.complete("token", "cr"), ["create"])
        self.assertEqual(self.complete("token", "create", "--ro"), ["--role"])
        self.assertEqual(self.complete("nothing"), [])

    def test_values_of_options(self) -> None:
        for words in (("--role", ""), ("--role", "="), ("--role", "=", "")):
            self.assertEqual(self.complete("token", "create", *words), ["staff", "admin"], words)
        self.assertEqual(self.complete("token", "create", "--role=s"), ["--role=staff"])
        self.assertEqual(self.complete("export", "products", "--format", "n"), ["ndjson"])
        self.assertEqual(self.complete("token", "create", "--name", "s"), [], "any text")
        self.assertEqual(self.complete("completion", ""), ["bash", "fish", "zsh"])

    def test_files(self) -> None:
        self.assertEqual(self.complete("--config", "/"), [":file"])
        self.assertEqual(self.complete("export", "products", "--output", ""), [":file"])
        self.assertEqual(self.complete("import", "products", "x"), [":file"])

    def test_an_option_between_the_words(self) -> None:
        self.assertEqual(self.complete("--config", "serve", "tok"), ["token"])
        self.assertEqual(self.complete("token", "--config", "x", "re"), ["revoke"])


class Lists(unittest.TestCase):
    def test_sections_are_read_from_the_help(self) -> None:
        self.assertEqual(section("A\n\nOptions:\n  -h,--help   x\n  --b TEXT   y\n             z\n\nSubcommands:\n  c   d\n", "Subcommands"), ["c"])


if __name__ == "__main__":
    unittest.main()
