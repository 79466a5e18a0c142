"""Known weaknesses of what the server needs: python -m tools.audit

pip-audit fails alike where it found one and where it could not ask: here these are two things.
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
        print(f"NOT AUDITED: {service} does not answer ({error}). Run `make check` where it does.")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--strict", "--requirement", REQUIREMENTS]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
