"""Report known vulnerabilities of the server's dependencies: python -m tools.audit

pip-audit exits with the same status for a vulnerability and for a network failure; without a
network this program prints a warning and succeeds.
"""

import subprocess
import sys
from urllib.error import URLError
from urllib.request import urlopen

from tools.samples import ROOT

REQUIREMENTS = ROOT / "requirements.txt"


def main() -> int:
    name, version = REQUIREMENTS.read_text().splitlines()[0].split("==")
    service = f"https://pypi.org/pypi/{name}/{version}/json"
    try:
        urlopen(service, timeout=10).close()
    except (URLError, TimeoutError) as error:
        print(f"NOT AUDITED: {service} failed ({error}). Run `make check` with a network.")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--strict", "--requirement", REQUIREMENTS]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
