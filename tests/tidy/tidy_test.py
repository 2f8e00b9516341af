"""The rules of the repository: includes between folders, use of libraries, and the form of files."""

import os
import re
import subprocess
import unittest
from collections.abc import Collection
from pathlib import Path

from repository import FILES, ROOT, SUFFIXES_OF_TEXTS, includes, npm_packages, scripts, sources

TOP_LEVEL = {"CHANGELOG.md", "CMakeLists.txt", "LICENSE", "README.md", "api", "cache", "config", "nginx", "storage", "tests"}

# The order of the folders: each includes only from itself and from those before it.
LAYERS = ("storage", "cache", "api/transport", "api", "config", "api/cli")
# What a folder may include besides itself: regular expressions over the included path.
CONTRACTS_OF_STORAGE = (r"storage/(database|errors|failpoint|invalidation|locks|mutex|options|reader|slot_table|unique_fd)\.hpp|"
                        r"storage/model/.*")
CALLABLE_OF_STORAGE = r"storage/(?!postgres/|catalogue/|ledger/(?!combiner\.hpp)).*"
MAY_INCLUDE = {
    "api": rf"api/transport/.*|cache/.*|{CALLABLE_OF_STORAGE}",
    "api/cli": rf"api/.*|cache/.*|config/settings/(example|settings)\.hpp|{CALLABLE_OF_STORAGE}",
    "api/transport": r"storage/(mutex|unique_fd)\.hpp|storage/model/.*",
    "cache": CONTRACTS_OF_STORAGE,
    "config": r"(.*/)?options\.hpp|storage/secret\.hpp|storage/model/edit_distance\.hpp",
    "storage": "storage/.*",
    "storage/import": "storage/model/.*",
    "storage/model": "",
    "storage/postgres": "storage/.*",
}
# Further includes of single files.
WIRING = {"api/main.cpp": "api/cli/cli.hpp"}

# The headers of each library, and the folders that may include them. Tests may include all.
LIBRARIES = {
    r"pistache/": ("api/transport",),
    r"rapidjson/": ("api", "storage/import"),
    r"spdlog/": ("api",),
    r"prometheus/": ("api",),
    r"CLI/": ("api/cli",),
    r"curl/": ("api/cli",),
    r"libmemcached/": ("cache",),
    r"cereal/": ("cache",),
    r"sodium\.h": ("cache",),
    r"zlib\.h": ("cache", "storage"),
    r"pqxx/": ("storage",),
    r"libpq-fe\.h": ("storage",),
    r"toml\+\+/": ("config",),
    r"openssl/": ("storage",),
    r"httplib\.h|g(test|mock)/": (),
}
# The name of each library in CMake, and in the README.
LINKED = {
    "CLI11": "CLI11",
    "GTest": "GoogleTest",
    "RapidJSON": "RapidJSON",
    "ZLIB": "zlib",
    "cereal": "cereal",
    "cpp-httplib": "cpp-httplib",
    "libcrypto": "OpenSSL",
    "libcurl": "libcurl",
    "libmemcached": "libmemcached",
    "libsodium": "libsodium",
    "pistache": "Pistache",
    "libpq": "libpq",
    "libpqxx": "libpqxx",
    "prometheus-cpp-core": "prometheus-cpp",
    "spdlog": "spdlog",
    "tomlplusplus": "toml++",
}
# Headers of C++, C, POSIX and Linux.
OF_THE_SYSTEM = re.compile(
    r"[a-z_]+|(arpa|net|netinet|sys)/[a-z_]+\.h|(dirent|endian|fcntl|grp|iconv|ifaddrs|netdb|poll|pthread|pwd|sched|semaphore|signal|termios|"
    r"unistd)\.h"
)


def nearest(path: str, folders: Collection[str]) -> str:
    """Returns: the nearest of the folders above a file."""
    folder = path.rpartition("/")[0]
    while folder and folder not in folders:
        folder = folder.rpartition("/")[0]
    return folder


class Includes(unittest.TestCase):
    def setUp(self) -> None:
        self.production = [(path, included) for path, text in sources(".cpp", ".hpp") if not path.startswith("tests/")
                           for included in includes(text, '"') if included != WIRING.get(path)]

    def test_folders_include_only_what_the_rules_allow(self) -> None:
        for path, included in self.production:
            rule = nearest(path, MAY_INCLUDE)
            fine = nearest(included, MAY_INCLUDE) == rule or re.fullmatch(MAY_INCLUDE[rule], included)
            self.assertTrue(fine, f"{path} includes {included}: {rule} may include {MAY_INCLUDE[rule] or 'its own files only'}")

    def test_no_folder_depends_on_one_above_it(self) -> None:
        for path, included in self.production:
            self.assertLessEqual(LAYERS.index(nearest(included, LAYERS)), LAYERS.index(nearest(path, LAYERS)), f"{path} includes {included}")

    def test_included_files_exist(self) -> None:
        for path, text in sources(".cpp", ".hpp"):
            for included in includes(text, '"'):
                self.assertTrue((ROOT / included).is_file(), f"{path} includes {included}; paths are relative to the root")

    def test_each_library_is_included_in_its_folders_only(self) -> None:
        for path, text in sources(".cpp", ".hpp"):
            for included in includes(text, "<"):
                known = next((at for at in LIBRARIES if re.match(at, included)), None)
                if known is None:
                    self.assertRegex(included, rf"^({OF_THE_SYSTEM.pattern})$",
                                     f"{path}: a library needs a line in this test and one in the README")
                else:
                    folders = (*LIBRARIES[known], "tests")
                    self.assertTrue(any(path.startswith(folder + "/") for folder in folders),
                                    f"{path} includes {included}, which is allowed in {', '.join(folders)} only")

    def test_each_mutex_can_be_checked(self) -> None:
        """The thread-safety analysis does not see the mutexes of the standard library. Tests may use them."""
        for path, text in sources(".cpp", ".hpp"):
            if path != "storage/mutex.hpp" and not path.startswith("tests/"):
                for included in includes(text, "<"):
                    self.assertNotIn(included, ("condition_variable", "mutex", "shared_mutex"), f"{path}: use storage/mutex.hpp")

    def test_headers_begin_with_pragma_once(self) -> None:
        for path, text in sources(".hpp"):
            self.assertTrue(text.startswith("#pragma once\n"), path)


class Libraries(unittest.TestCase):
    def test_the_readme_lists_each_linked_library(self) -> None:
        linked = set()
        for name in FILES:
            if name.name == "CMakeLists.txt":
                text = (ROOT / name).read_text(encoding="utf-8")
                linked |= set(re.findall(r"pkg_check_modules\([^)]*\s([^\s)]+)\)", text))
                linked |= set(re.findall(r"find_(?:package|library)\((?:PISTACHE_LIBRARY )?(\w+)", text))
        linked -= {"PkgConfig", "Threads"}
        packages = {name for named in npm_packages().values() for name in named}
        for name in linked:
            self.assertIn(name, LINKED, "a new library needs a line in this test and one in the README")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.partition("## Libraries\n")[2].partition("\n## ")[0]
        listed = {re.split(r"[ ,]", name)[0] for name in re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", section, re.MULTILINE)[2:]}
        self.assertEqual(listed, {LINKED[name] for name in linked} | packages)


class Files(unittest.TestCase):
    def test_the_top_level_has_only_the_agreed_files_and_folders(self) -> None:
        found = {name.parts[0] for name in FILES if not name.parts[0].startswith(".")}
        self.assertEqual(found, TOP_LEVEL)

    def test_each_folder_is_explained(self) -> None:
        """By its own README, or by its name in the README of a folder above. A top-level folder needs its own."""
        folders = {parent for name in FILES for parent in name.parents if not str(parent).startswith(".")}
        for folder in sorted(folders):
            readme = next(above / "README.md" for above in (folder, *folder.parents) if (ROOT / above / "README.md").is_file())
            if readme.parent != folder:
                self.assertNotEqual(readme, Path("README.md"), f"{folder} has no README.md")
                self.assertRegex((ROOT / readme).read_text(encoding="utf-8"), rf"\b{re.escape(folder.name)}\b",
                                 f"{folder} has no README.md, and {readme} does not describe it")

    def test_each_source_is_explained(self) -> None:
        """By its name, without the suffix, in the README of its folder, or of the nearest folder above that has one."""
        for name in FILES:
            if name.suffix in (".c", ".cpp", ".h", ".hpp") and name.parts[0] != "tests":
                readme = next(above / "README.md" for above in name.parents if (ROOT / above / "README.md").is_file())
                self.assertRegex((ROOT / readme).read_text(encoding="utf-8"), rf"\b{re.escape(name.stem)}\b", f"{readme} does not name {name}")

    def test_links_of_documents_lead_to_files(self) -> None:
        for name in FILES:
            if name.suffix == ".md":
                for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text(encoding="utf-8")):
                    if not re.match(r"[a-z]+:", link):
                        self.assertTrue((ROOT / name.parent / link.partition("#")[0]).exists(), f"{name}: {link} does not exist")

    def test_texts_have_unix_line_ends_and_no_trailing_white_space(self) -> None:
        for name in FILES:
            if name.suffix not in SUFFIXES_OF_TEXTS or name.name == "LICENSE":
                continue
            text = (ROOT / name).read_bytes()
            self.assertEqual(text.decode("utf-8").encode(), text, name)
            self.assertNotIn(b"\r\n", text, name)
            self.assertTrue(not text or text.endswith(b"\n"), f"{name} does not end with a newline")
            self.assertFalse(text.endswith(b"\n\n"), f"{name} ends with an empty line")
            self.assertIsNone(re.search(rb"[ \t]\n", text), f"{name} has white space at the end of a line")
            if name.suffix not in (".c", ".h", ""):
                self.assertNotIn(b"\t", text, name)

    def test_no_file_has_a_note_for_later_work(self) -> None:
        later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\w)")
        for name in FILES:
            if name.suffix not in SUFFIXES_OF_TEXTS or name.parts[:2] == ("tests", "tidy"):
                continue
            for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
                self.assertIsNone(later.search(line.replace("XXXXXX", "")), f"{name}: {line.strip()}")

    def test_every_source_is_built(self) -> None:
        built = set()
        for name in FILES:
            if name.name == "CMakeLists.txt":
                named = re.findall(r"[\w./-]+\.cpp\b", (ROOT / name).read_text(encoding="utf-8"))
                built |= {os.path.normpath(name.parent / source) for source in named} | set(named)
        for path, _ in sources(".cpp"):
            self.assertIn(path, built, "no CMakeLists.txt lists it")

    def test_every_header_is_included(self) -> None:
        used = {name for _, text in sources(".cpp", ".hpp") for name in includes(text, '"')}
        for path, _ in sources(".hpp"):
            self.assertIn(path, used, f"no file includes {path}")

    def test_sources_are_formatted(self) -> None:
        paths = [path for path, _ in sources(".cpp", ".hpp", ".c", ".h")]
        self.assertGreater(len(paths), 0)
        command = ["clang-format", "--dry-run", "-Werror", *paths]
        done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
        wrong = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error:", done.stderr, re.MULTILINE)))
        self.assertEqual(done.returncode, 0, f"clang-format -i {' '.join(wrong)} formats them" if wrong else done.stderr)

    def test_executable_files_begin_with_a_shebang(self) -> None:
        for name in FILES:
            executable = (ROOT / name).stat().st_mode & 0o111 != 0
            shebang = (ROOT / name).read_bytes()[:2] == b"#!"
            self.assertEqual(executable, shebang, f"{name}: executable {executable}, begins with #! {shebang}")

    def test_shellcheck_finds_nothing(self) -> None:
        done = subprocess.run(["shellcheck", *scripts("sh")], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_migrations_are_numbered_without_a_gap(self) -> None:
        numbers = []
        for name in FILES:
            if name.parent == Path("storage/migrations"):
                self.assertRegex(name.name, r"^\d{4}_[a-z0-9_]+\.sql$")
                numbers.append(int(name.name[:4]))
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))


if __name__ == "__main__":
    unittest.main()
