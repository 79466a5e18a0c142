"""One, two and four server processes behind nginx on one PostgreSQL: python -m tests.bench.scaling

Needs nginx (on Debian: apt-get install nginx). Prints requests a second for each number of
processes, reading only and keeping every drawing, and writes var/scaling.json.
"""

import json
import socket
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.__main__ import keep, predict
from tests.bench.load import requests_a_second
from tests.conftest import ROOT
from tests.postgres import postgres
from tests.server import serve

PROCESSES = (1, 2, 4)
CONNECTIONS = 16

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream digits {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;
    location / {{
      proxy_pass http://digits; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host localhost;
    }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, sites: Sequence[str]) -> Iterator[str]:
    """A buffering proxy before some servers; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = " ".join(f"server {site.removeprefix('http://')};" for site in sites)
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, servers=servers, port=port))
    running = subprocess.Popen(["nginx", "-c", str(file)])
    try:
        time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def measure(processes: int, url: str, seconds: float) -> dict[str, float]:
    """Requests a second of so many processes: one worker each, as dynos are."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        sites = [running.enter_context(serve(folder, DATABASE_URL=url)) for _ in range(processes)]
        front = running.enter_context(nginx(folder, sites))
        return {
            name: requests_a_second(front, request, seconds, CONNECTIONS)
            for name, request in (("predict", predict), ("keep", keep))
        }


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    with postgres() as url:
        rates = {count: measure(count, url, options.seconds) for count in PROCESSES}
    for count, rate in rates.items():
        print(f"{count} processes: {rate['predict']:6.0f} read, {rate['keep']:6.0f} kept a second")
    (ROOT / "var" / "scaling.json").write_text(json.dumps(rates, indent=2))


if __name__ == "__main__":
    main()
