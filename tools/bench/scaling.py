"""One, two and four server processes behind nginx on one PostgreSQL: python -m tools.bench.scaling

Needs nginx (on Debian: apt-get install nginx). Prints requests a second for each number of
processes, reading only and keeping every drawing, and what a request costs whom: the figures that
docs/scaling.md reckons with. Writes var/scaling.json and var/scaling.png.
"""

import json
import socket
import subprocess
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil
import psycopg

from tools.bench.__main__ import keep, predict
from tools.bench.load import requests_a_second
from tools.postgres import postgres
from tools.samples import ROOT
from tools.server import serve

PROCESSES = (1, 2, 4)
CONNECTIONS = 16
REQUESTS = {"read": predict, "keep": keep}
PROGRAMS = ("gunicorn", "postgres", "nginx")

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


class Measured(NamedTuple):
    """Requests a second, and milliseconds of a core that one request cost each program."""

    a_second: float
    milliseconds: dict[str, float]


def measure(processes: int, url: str, seconds: float) -> dict[str, Measured]:
    """Ask so many processes, one worker each, as dynos are."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        sites = [running.enter_context(serve(folder, DATABASE_URL=url)) for _ in range(processes)]
        front = running.enter_context(nginx(folder, sites))
        return {name: ask(front, request, seconds) for name, request in REQUESTS.items()}


def ask(front: str, request: Callable[[], bytes], seconds: float) -> Measured:
    # Connections to the database are opened by the first ones.
    requests_a_second(front, request, 2, connections=2)
    before = cpu_seconds()
    rate = requests_a_second(front, request, seconds, CONNECTIONS)
    after = cpu_seconds()
    spent = {name: 1000 * (after[name] - before[name]) / (rate * seconds) for name in PROGRAMS}
    return Measured(rate, spent)


def cpu_seconds() -> Counter[str]:
    """What each program has used of the cores so far, all its processes together."""
    total: Counter[str] = Counter()
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        total[process.info["name"]] += times.user + times.system
    return total


def bytes_a_drawing(url: str) -> float:
    with psycopg.connect(url) as base:
        query = "SELECT pg_database_size(current_database()), count(*) FROM recognizer_drawing"
        ((size, rows),) = base.execute(query)
        return size / rows


def plot(rates: Mapping[int, Mapping[str, Measured]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, color in zip(REQUESTS, ("#b3361b", "#3c6e8f"), strict=True):
        a_second = [rate[name].a_second for rate in rates.values()]
        axes.plot(list(rates), a_second, "o-", color=color, label=name)
    axes.set_xlabel("server processes behind nginx, on the same two cores as all else")
    axes.set_ylabel("requests a second")
    axes.set_xticks(list(rates))
    axes.set_ylim(0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    with postgres() as url:
        rates = {count: measure(count, url, options.seconds) for count in PROCESSES}
        size = bytes_a_drawing(url)
    for count, rate in rates.items():
        for name, measured in rate.items():
            spent = ", ".join(f"{what} {ms:.2f}" for what, ms in measured.milliseconds.items())
            print(f"{count} processes, {name}: {measured.a_second:4.0f} a second; ms each: {spent}")
    print(f"{size:,.0f} bytes a drawing, indexes and all")
    result = {"bytes_a_drawing": size, "rates": rates}
    (ROOT / "var" / "scaling.json").write_text(json.dumps(result, indent=2))
    plot(rates, ROOT / "var" / "scaling.png")


if __name__ == "__main__":
    main()
