"""One, two and four server processes behind nginx on one PostgreSQL: python -m tools.bench.scaling

Needs nginx (Debian: apt-get install nginx). Prints requests per second for predictions and saves,
and the CPU time of each program per request, the input of docs/scaling.md.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil
import psycopg

from tools.bench.drawings import predict_request, save_request
from tools.bench.load import requests_per_second
from tools.nginx import nginx
from tools.postgres import postgres
from tools.server import serve

PROCESSES = (1, 2, 4)
CONNECTIONS = 16
SECONDS = 8.0  # per measurement
REQUESTS = {"predict": predict_request, "save": save_request}
PROGRAMS = ("gunicorn", "postgres", "nginx")


class Cost(NamedTuple):
    """Throughput, and CPU milliseconds of each program per request."""

    requests_per_second: float
    milliseconds: dict[str, float]


def main() -> None:
    with postgres() as url:
        costs = {count: measure(count, url) for count in PROCESSES}
        size = bytes_per_drawing(url)
    for count, by_request in costs.items():
        for name, (rate, milliseconds) in by_request.items():
            cpu = ", ".join(f"{program} {ms:.2f}" for program, ms in milliseconds.items())
            print(f"{count} processes, {name}: {rate:4.0f} per second; CPU ms per request: {cpu}")
    print(f"{size:,.0f} bytes per drawing, including indexes")


def measure(processes: int, url: str) -> dict[str, Cost]:
    """Load servers of one worker each, like Heroku's dynos."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        sites = [running.enter_context(serve(folder, DATABASE_URL=url)) for _ in range(processes)]
        proxy = running.enter_context(nginx(folder, sites))
        return {name: cost(proxy, request) for name, request in REQUESTS.items()}


def cost(site: str, request: Callable[[], bytes]) -> Cost:
    # Warm up: the first requests open database connections.
    requests_per_second(site, request, 2, connections=2)
    before = cpu_seconds()
    rate = requests_per_second(site, request, SECONDS, CONNECTIONS)
    after = cpu_seconds()
    spent = {name: 1000 * (after[name] - before[name]) / (rate * SECONDS) for name in PROGRAMS}
    return Cost(rate, spent)


def cpu_seconds() -> Counter[str]:
    """Return the CPU time used so far, by program name."""
    total: Counter[str] = Counter()
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        total[process.info["name"]] += times.user + times.system
    return total


def bytes_per_drawing(url: str) -> float:
    with psycopg.connect(url) as database:
        query = "SELECT pg_database_size(current_database()), count(*) FROM recognizer_drawing"
        ((size, rows),) = database.execute(query)
        return size / rows


if __name__ == "__main__":
    main()
