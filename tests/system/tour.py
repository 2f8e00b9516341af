"""The tour of a README: its code blocks that begin with ```bash tour are one script, run from top to bottom.

They say what a reader types right after `config/up` in the repository's folder: http://127.0.0.1:8080 and .run/. For a
stack elsewhere these two are replaced. A command that fails, a curl that gets an error status too, ends the tour.
"""

import re
from pathlib import Path

BLOCK = re.compile(r"^```bash tour\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script_of(readme: str, url: str, state: Path) -> str:
    """Returns: the script; empty when the README has no tour."""
    script = "".join(BLOCK.findall(readme))
    return script.replace("http://127.0.0.1:8080", url).replace(".run/", f"{state}/")
