"""What an answer costs, beside what else one might run: python -m tools.bench

All servers run at once, each asked in turn for a moment, round after round, so that whatever else
the machine does disturbs all alike; what counts are the ratios. Where there are two cores or more,
servers have one and the client another. Writes var/bench.json and var/bench.png beside the table.
"""

import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from PIL import Image
from tqdm import tqdm

from ml.classifier import Classifier
from ml.preprocessing.strokes import Strokes, rasterize
from ml.recognition import predict_strokes
from tools.bench.load import form, http, requests_a_second
from tools.postgres import postgres
from tools.samples import ROOT, SHIPPED
from tools.server import address, launch, migrate, serve, surroundings

MOMENT = 1.0  # seconds


class Row(NamedTuple):
    """One line of the table: a ratio, and what it should reach at least."""

    what: str
    against: str
    ratio: float
    goal: float

    @property
    def holds(self) -> bool:
        return self.ratio >= self.goal


def stroke(points: int = 60) -> Strokes:
    """A two as a hand draws it, sampled at so many points."""
    t = np.linspace(0, 1, points)
    x = 140 + 70 * np.cos(np.pi * (1 - 1.6 * t)) + 60 * np.clip(t - 0.7, 0, 1)
    y = 60 + 190 * t - 30 * np.sin(np.pi * t)
    xy = zip(x.round(1).tolist(), y.round(1).tolist(), strict=True)
    return [[[x, y, 16 * i] for i, (x, y) in enumerate(xy)]]


def picture() -> bytes:
    """A drawing as the original's page sent it: JPEG of 280x280, light on dark."""
    grid = Image.fromarray(rasterize(stroke())).resize((280, 280), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    grid.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def in_process() -> Row:
    """Strokes to probabilities, against the bare session on a ready grid."""
    classifier = Classifier(SHIPPED.read_bytes())
    strokes = stroke()
    grid = rasterize(strokes)[None]
    ratios = [
        _seconds(lambda: classifier.predict(grid))
        / _seconds(lambda: predict_strokes(classifier, strokes))
        for _ in range(101)
    ]
    return Row(
        "strokes to probabilities, in process",
        "the net alone (at most 8 times)",
        statistics.median(ratios),
        1 / 8,
    )


def _seconds(work: Callable[[], object], count: int = 50) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


BODY = json.dumps({"strokes": stroke()}).encode()


def predict() -> bytes:
    return http("POST", "/api/v1/predict", BODY, "application/json")


def keep() -> bytes:
    """A new drawing each time."""
    return http("PUT", f"/api/v1/drawings/{uuid4()}", BODY, "application/json")


@contextmanager
def alternative(name: str) -> Iterator[str]:
    """One of the alternatives, served; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python, scripts = sys.executable, Path(sys.executable).parent
    commands = {
        "original": [f"{scripts}/gunicorn", "tools.bench.alternatives:original()"],
        "fastapi": [f"{scripts}/uvicorn", "--factory", "tools.bench.alternatives:fastapi_app",
                    "--log-level", "warning", "--port", str(port)],
        "litserve": [python, "-m", "tools.bench.litserve_api", str(port)],
    }  # fmt: skip
    environment = {**os.environ, "PORT": str(port), "OMP_NUM_THREADS": "1"}
    # LitServe tells at length of each connection that ends with a round.
    server = subprocess.Popen(
        commands[name],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            time.sleep(0.1)
        else:
            time.sleep(1)
            return
    raise TimeoutError(f"nothing answers on port {port}")


def throughput(rounds: int) -> dict[str, float]:
    """Requests a second of everything that is compared, the median of some rounds."""
    body, form_type = form("image", picture(), "drawing.jpg")
    upload = http("POST", "/api/mnist", body, form_type)
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as running:
        running.callback(os.sched_setaffinity, 0, cores)
        # Servers inherit it; the client leaves it to them once they are up.
        os.sched_setaffinity(0, cores[:1])
        folder = Path(running.enter_context(TemporaryDirectory()))
        ours = running.enter_context(serve(folder))
        shared = running.enter_context(
            serve(folder, DATABASE_URL=running.enter_context(postgres()))
        )
        others = {
            f"{name}, JPEG": running.enter_context(alternative(name))
            for name in ("original", "fastapi", "litserve")
        }
        os.sched_setaffinity(0, cores[-1:])
        targets: dict[str, tuple[str, Callable[[], bytes]]] = {
            "constant view": (ours, partial(http, "GET", "/health/live")),
            "predict, strokes": (ours, predict),
            "keep, SQLite": (ours, keep),
            "keep, PostgreSQL": (shared, keep),
            "mnist, JPEG": (ours, lambda: upload),
            **{name: (site, lambda: upload) for name, site in others.items()},
        }
        times: dict[str, list[float]] = {name: [] for name in targets}
        for _ in tqdm(range(rounds), unit="round"):
            for name, (site, request) in targets.items():
                times[name].append(requests_a_second(site, request, MOMENT))
    return {name: statistics.median(every) for name, every in times.items()}


def worker() -> list[Row]:
    """How soon a fresh server answers, and how large a worker is after many requests."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        environment = surroundings(folder, GUNICORN_CMD_ARGS=f"--pid {folder}/pid")
        migrate(environment)
        started = time.perf_counter()
        server = launch(environment)
        try:
            site = address(environment)
            _first(site, predict())
            seconds = time.perf_counter() - started
            before = _worker_megabytes(folder / "pid")
            requests_a_second(site, predict, 10)
            after = _worker_megabytes(folder / "pid")
        finally:
            server.terminate()
            server.wait()
    return [
        Row(f"seconds to start and answer: {seconds:.1f}", "1.5 s", 1.5 / seconds, 1),
        Row(f"megabytes of a worker: {before:.0f}, then {after:.0f}", "110 MB", 110 / after, 1),
    ]


def _worker_megabytes(pid_file: Path) -> float:
    """The largest resident size of the workers of a gunicorn."""
    pid = pid_file.read_text().strip()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    statuses = (Path(f"/proc/{child}/status").read_text() for child in children)
    return max(int(status.partition("VmRSS:")[2].split()[0]) for status in statuses) / 1024


def _first(site: str, request: bytes) -> None:
    """Ask once, whatever the answer."""
    host, port = site.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request)
        connection.recv(1 << 16)


def rows(rate: dict[str, float]) -> list[Row]:
    def against(what: str, other: str, goal: float) -> Row:
        return Row(what, other, rate[what] / rate[other], goal)

    return [
        in_process(),
        against("predict, strokes", "constant view", 0.5),
        against("predict, strokes", "original, JPEG", 4),
        against("mnist, JPEG", "original, JPEG", 3),
        against("mnist, JPEG", "fastapi, JPEG", 1),
        against("mnist, JPEG", "litserve, JPEG", 1),
        against("keep, SQLite", "predict, strokes", 0.5),
        against("keep, PostgreSQL", "predict, strokes", 0.5),
        *worker(),
    ]


def plot(rate: dict[str, float], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    names = sorted(rate, key=lambda name: rate[name])
    axes.barh(names, [rate[name] for name in names], color="#b3361b")
    axes.set_xlabel("requests a second, one process on one core")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rate = throughput(options.rounds)
    table = rows(rate)
    for name, every in rate.items():
        print(f"{name:36} {every:8.0f} a second")
    print()
    for row in table:
        held = "reached" if row.holds else "missed"
        print(f"{row.what:38} {row.against:34} {row.ratio:6.2f}  goal {row.goal:5.2f}  {held}")
    result = {"requests_a_second": rate, "ratios": [row._asdict() for row in table]}
    (ROOT / "var" / "bench.json").write_text(json.dumps(result, indent=2))
    plot(rate, ROOT / "var" / "bench.png")


if __name__ == "__main__":
    main()
