"""The code for storefronts in the README is the code of the sample page."""

import re
import unittest

from repository import ROOT


class Storefront(unittest.TestCase):
    def test_the_code_of_the_readme_is_that_of_the_sample(self) -> None:
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.split("\n## For storefront developers\n")[1].split("\n## ")[0]
        blocks = re.findall(r"^```ts\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        sample = (ROOT / "nginx/console/src/storefront/api.ts").read_text(encoding="utf-8")
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            self.assertIn(block, sample)


if __name__ == "__main__":
    unittest.main()
