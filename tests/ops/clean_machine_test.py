#!/usr/bin/python3
"""The first commands of the README on a new machine. First as a user with sudo, then as root."""

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "system"))

import report  # noqa: E402
import tour  # noqa: E402
from machine import USER, Machine, new_machine  # noqa: E402
from stack import free_port  # noqa: E402


def try_the_readme(machine: Machine, user: str, servers_belong_to: str) -> None:
    """up, the demo catalogue, the README's tour, down; and up again with the same data."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    machine.clone(user)
    began = time.monotonic()
    output = machine.run(
        user,
        f"""config/up --detach --port {port}
for one in /proc/[0-9]*; do
  case $(<$one/comm) in postgres | memcached | nginx | codasync*) echo "server of $(stat -c %U $one)" ;; esac
done
printf 'fail-with-body\\nsilent\\nshow-error\\n' >~/.curlrc
echo "catalogue $(curl {url}/api/v1/products/?limit=1000 | grep -o '"GTIN"' | wc -l)"
{tour.script_of(readme, url, Path(".run"))}
rm ~/.curlrc
config/down
""",
    )
    took = time.monotonic() - began
    owners = {line.split()[-1] for line in output.splitlines() if line.startswith("server of ")}
    assert owners == {servers_belong_to}, f"servers run as {owners}\n{output}"
    products = int(next(line for line in output.splitlines() if line.startswith("catalogue ")).split()[1])
    assert products > 0, output
    output = machine.run(
        user,
        f"""config/up --detach --port {port}
curl --silent --fail {url}/api/v1/shops/1/stock/4006381333931
config/down
""",
    )
    assert '"quantity":10' in output, f"the second start does not have the data of the tour\n{output}"
    report.checked(
        f"a minimal Debian 12, {'as root' if user == 'root' else 'as a user with sudo'}: config/up as in the README, with missing packages and"
        f" the build, a page of {products} products of the demo through Nginx, the README's tour and config/down in {took:.0f} s;"
        f" servers ran as {servers_belong_to}; the second config/up had the data"
    )


def main() -> None:
    with new_machine("a clean machine") as machine:
        try_the_readme(machine, USER, servers_belong_to=USER)
        try_the_readme(machine, "root", servers_belong_to="codasync")


if __name__ == "__main__":
    main()
