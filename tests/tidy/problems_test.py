"""The errors that Nginx and Apache make themselves are problems as the service's own, with equal texts."""

import json
import re
import unittest

from repository import ROOT

NGINX = (ROOT / "nginx/codasync.conf.template").read_text(encoding="utf-8")
APACHE = (ROOT / "config/deploy/apache/codasync.conf").read_text(encoding="utf-8")
SERVICE = (ROOT / "api/transport/http.cpp").read_text(encoding="utf-8")


def of_nginx(member: str) -> dict[int, str]:
    """Returns: a member of Nginx' problems by status."""
    texts = re.search(rf"map \$status \$problem_{member} \{{(.*?)\n  \}}", NGINX, re.DOTALL)[1]
    return {int(status): text for status, text in re.findall(r'^ +(\d+) "(.*)";$', texts, re.MULTILINE)}


def of_refused_tokens() -> set[str]:
    """Returns: the texts of 401, which depend on the header."""
    found = re.search(r"map \$http_authorization \$refused_token \{(.*?)\n  \}", NGINX, re.DOTALL)[1]
    return set(re.findall(r'"([^"]+)";$', found, re.MULTILINE))


class ProblemsOfProxies(unittest.TestCase):
    def setUp(self) -> None:
        self.members = {member: of_nginx(member) for member in ("type", "title", "detail")}

    def test_each_status_of_nginx_has_all_members(self) -> None:
        for member, texts in self.members.items():
            self.assertEqual(texts.keys(), self.members["title"].keys(), member)

    def test_the_titles_of_nginx_are_those_of_the_service(self) -> None:
        titles = {int(status): title for status, title in re.findall(r'case (\d+):\s+return "(.*)";', SERVICE)}
        for status, title in self.members["title"].items():
            self.assertEqual(title, titles[status])

    def test_a_refused_token_has_the_texts_of_the_service(self) -> None:
        written = (ROOT / "api/request_flow.cpp").read_text(encoding="utf-8")
        self.assertEqual(len(of_refused_tokens()), 2)
        for text in of_refused_tokens():
            self.assertTrue(f'"{text}"' in written, text)

    def test_apache_has_the_texts_of_nginx(self) -> None:
        documents = re.findall(r"^ *ErrorDocument (\d+) '(.*)'$", APACHE, re.MULTILINE)
        self.assertGreater(len(documents), 0)
        for status, document in documents:
            type_, title, detail = (self.members[member][int(status)] for member in ("type", "title", "detail"))
            expected = {"type": f"urn:codasync:problem:{type_}", "title": title, "status": int(status), "detail": detail}
            self.assertEqual(json.loads(document), expected)


if __name__ == "__main__":
    unittest.main()
