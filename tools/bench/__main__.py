"""Request costs compared with alternatives: python -m tools.bench

All servers run at once and are loaded in turn, round after round, and rates count their CPU time,
so that other load on the machine affects all of them alike; only ratios matter. With two or more
cores, the servers share one and the client uses another.
"""

import statistics
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

import psutil
from tqdm import tqdm

from tools.bench.drawings import picture, predict_request, save_request, share_correct
from tools.bench.load import requests_per_second
from tools.bench.servers import GRADIO, gradio_request, servers
from tools.http_requests import multipart, request
from tools.resilience import client
from tools.resilience.server import Server, running_server
from tools.server import launch

LOAD_SECONDS = 1.0  # per server and round
# The least ratio of two rates that reaches the goal.
GOALS = {
    ("predict, strokes", "constant view"): 0.4,
    ("predict, strokes", "original, JPEG"): 1.8,
    ("mnist, JPEG", "original, JPEG"): 1.25,
    ("mnist, JPEG", "fastapi, JPEG"): 0.75,
    ("mnist, JPEG", "gradio, JPEG"): 1,
    ("predict, strokes", "previous: predict, strokes"): 1,
    ("mnist, JPEG", "previous: mnist, JPEG"): 1,
    ("save, SQLite", "previous: save, SQLite"): 1.5,
    ("save, PostgreSQL", "previous: save, PostgreSQL"): 1.5,
}
CORRECT_GOAL = 1.5


class Ratio(NamedTuple):
    """A measurement divided by its baseline, and the least ratio that reaches the goal."""

    measurement: str
    baseline: str
    value: float
    goal: float


Target: TypeAlias = tuple[str, Callable[[], bytes]]
"""A site, and a function that returns the bytes of each request."""


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--previous", metavar="REVISION", help="also measure another revision")
    parser.add_argument("--strokes", type=Path, help="pen digits for correct predictions")
    parser.add_argument("--gradio", action="store_true", help="also measure a Gradio sketchpad")
    options = parser.parse_args()
    if options.gradio:
        # Downloads its packages before the measurement.
        subprocess.run([*GRADIO, "-c", "import gradio"], check=True)
    correct = {}
    with servers(options.previous, with_gradio=options.gradio) as sites:
        measured = targets(sites)
        rates = measure(measured, options.rounds)
        if options.strokes:
            for name in ("mnist, JPEG", "original, JPEG", "fastapi, JPEG"):
                correct[name] = share_correct(measured[name][0], options.strokes)
    report(rates, correct, [*rate_ratios(rates, correct), *worker_ratios()])


def targets(sites: Mapping[str, str]) -> dict[str, Target]:
    """Return the measured requests of all servers by name."""
    upload = request("POST", "/api/mnist", *multipart(picture()))
    constant = request("GET", "/v2/health/live")
    found = {"constant view": (sites["SQLite"], lambda: constant)}
    for name in ("original", "fastapi"):
        found[f"{name}, JPEG"] = sites[name], lambda: upload
    if "gradio" in sites:
        sketch = gradio_request(sites["gradio"])
        found["gradio, JPEG"] = sites["gradio"], lambda: sketch
    for name in ("SQLite", "previous: SQLite"):
        if name in sites:
            revision = name.removesuffix("SQLite")
            found[f"{revision}predict, strokes"] = sites[name], predict_request
            found[f"{revision}mnist, JPEG"] = sites[name], lambda: upload
            for database in ("SQLite", "PostgreSQL"):
                site = sites[f"{revision}{database}"]
                found[f"{revision}save, {database}"] = site, save_request
    return found


def measure(targets: Mapping[str, Target], rounds: int) -> dict[str, float]:
    """Return the median requests per second of CPU time, which depends little on other load."""
    rates: dict[str, list[float]] = {name: [] for name in targets}
    for _ in tqdm(range(rounds), unit="round"):
        for name, (site, make_request) in targets.items():
            before = cpu_seconds(site)
            rate = requests_per_second(site, make_request, LOAD_SECONDS)
            rates[name].append(rate * LOAD_SECONDS / (cpu_seconds(site) - before))
    return {name: statistics.median(values) for name, values in rates.items()}


def cpu_seconds(site: str) -> float:
    """Return the CPU time used so far by the processes of a server, without its database."""
    listeners = psutil.net_connections("tcp")
    port = urlsplit(site).port
    pids = {one.pid for one in listeners if one.status == "LISTEN" and one.laddr[1] == port}
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)


def rate_ratios(rates: Mapping[str, float], correct: Mapping[str, float]) -> list[Ratio]:
    ratios = [
        Ratio(name, other, rates[name] / rates[other], goal)
        for (name, other), goal in GOALS.items()
        if other in rates
    ]
    if correct:
        name, other = "mnist, JPEG", "fastapi, JPEG"
        value = rates[name] * correct[name] / (rates[other] * correct[other])
        ratios.append(Ratio("mnist, correct per second", "fastapi", value, CORRECT_GOAL))
    return ratios


def worker_ratios() -> list[Ratio]:
    """Measure the start time of a server, and the memory of its worker before and after load."""
    with running_server(None, WEB_CONCURRENCY="1") as server:
        server.stop()
        started = time.perf_counter()
        server.master = launch(server.environment)
        server.send(client.predict_request())
        seconds = time.perf_counter() - started
        before = megabytes(server)
        requests_per_second(server.url, predict_request, 10)
        after = megabytes(server)
    return [
        Ratio(f"start and first response: {seconds:.1f} s", "1 s", 1 / seconds, 1),
        Ratio(f"worker memory: {before:.0f}, then {after:.0f} MB", "105 MB", 105 / after, 1),
    ]


def megabytes(server: Server) -> float:
    """Return the resident memory of the only worker."""
    (worker,) = server.workers()
    return float(worker.memory_info().rss / 2**20)


def report(rates: Mapping[str, float], correct: Mapping[str, float], ratios: list[Ratio]) -> None:
    for name, rate in rates.items():
        print(f"{name:36} {rate:8.0f} per second of CPU time")
    for name, share in correct.items():
        print(f"{name:36} {share:8.1%} correct")
    print()
    for measurement, baseline, value, goal in ratios:
        result = "reached" if value >= goal else "missed"
        print(f"{measurement:38} {baseline:34} {value:6.2f}  goal {goal:5.2f}  {result}")


if __name__ == "__main__":
    main()
