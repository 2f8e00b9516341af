"""What pages of other origins may do is the same through Nginx and at the direct addresses of the service."""

import re
import runpy
import unittest

from repository import ROOT

SERVICE = (ROOT / "api/cors.cpp").read_text(encoding="utf-8")
RENDER = runpy.run_path(str(ROOT / "nginx/render"))


def constant(name: str) -> str:
    """Returns: the value of a constant of the service."""
    written = re.search(rf'constexpr const char\* {name} =((?:\s*"[^"]*")+);', SERVICE)[1]
    return "".join(re.findall(r'"([^"]*)"', written))


class CorsOfTheProxy(unittest.TestCase):
    def test_methods_and_headers_are_those_of_the_service(self) -> None:
        self.assertEqual(RENDER["CORS_READS"], (constant("kReadMethods"), constant("kReadHeaders")))
        self.assertEqual(RENDER["CORS_ALL"], (constant("kAllMethods"), constant("kAllHeaders")))
        self.assertEqual(RENDER["CORS_EXPOSED"], constant("kExposedHeaders"))
        self.assertIn(f"yes {constant('kPreflightSeconds')};", RENDER["CORS_MAPS"])

    def test_an_origin_has_the_form_that_the_service_accepts(self) -> None:
        self.assertEqual(RENDER["ORIGIN"].pattern, re.search(r'kOrigin\{\s*R"\((.*)\)"\}', SERVICE)[1])


if __name__ == "__main__":
    unittest.main()
