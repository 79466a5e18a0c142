"""Request costs compared with alternatives: python -m tools.bench

All servers run at once and are loaded in turn, round after round, and rates count their CPU time,
so that other load on the machine affects all of them alike; only ratios matter. With two or more
cores, the servers share one and the client uses another. Writes var/bench.json.
"""

import io
import json
import os
import signal
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
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import numpy as np
import psutil
from PIL import Image, ImageDraw
from tqdm import tqdm

from ml.preprocessing.strokes import Strokes, rasterize
from ml.training import stroke_files
from tools.bench.load import http_request, multipart, requests_per_second
from tools.postgres import postgres
from tools.samples import ROOT, SHIPPED
from tools.server import (
    base_url,
    free_port,
    launch,
    migrate,
    serve,
    server_environment,
    wait_for_port,
)

# Python with Gradio, in an environment that uv creates.
UV = str(Path(sys.executable).with_name("uv"))
GRADIO = [UV, "run", "--no-project", "--python", sys.executable,
          "--with", "gradio==6.31.0", "--with", "onnxruntime==1.32.0", "python"]  # fmt: skip
LOAD_SECONDS = 1.0  # per server and round
MAX_DRAWINGS = 300


class Ratio(NamedTuple):
    """A measurement divided by its baseline, and the least ratio that reaches the goal."""

    measurement: str
    baseline: str
    value: float
    goal: float


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
    rates, correct = throughput(
        options.rounds, options.previous, options.strokes, with_gradio=options.gradio
    )
    ratios = [*throughput_ratios(rates, correct), *worker_ratios()]
    for name, rate in rates.items():
        print(f"{name:36} {rate:8.0f} per second of CPU time")
    for name, share in correct.items():
        print(f"{name:36} {share:8.1%} correct")
    print()
    for measurement, baseline, value, goal in ratios:
        result = "reached" if value >= goal else "missed"
        print(f"{measurement:38} {baseline:34} {value:6.2f}  goal {goal:5.2f}  {result}")
    report = {
        "requests_per_cpu_second": rates,
        "correct": correct,
        "ratios": [ratio._asdict() for ratio in ratios],
    }
    (ROOT / "var" / "bench.json").write_text(json.dumps(report, indent=2))


def throughput(
    rounds: int, previous: str | None, strokes: Path | None, *, with_gradio: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """Return requests per second of CPU time, and shares of correct digits.

    The rates are medians. CPU time depends less on other load than the clock.
    """
    body, content_type = multipart("image", picture(), "drawing.jpg")
    upload = http_request("POST", "/api/mnist", body, content_type)
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as running:
        running.callback(os.sched_setaffinity, 0, cores)
        # Servers inherit the affinity; the client changes its own after they start.
        os.sched_setaffinity(0, cores[:1])
        folder = Path(running.enter_context(TemporaryDirectory()))
        sites = {"": running.enter_context(serve(folder))}
        url = running.enter_context(postgres())
        postgresql = {"": running.enter_context(serve(folder, DATABASE_URL=url))}
        if previous:
            root = running.enter_context(checkout(previous, folder / "checkout"))
            old, name = folder / "old", "previous: "
            old.mkdir()
            sites[name] = running.enter_context(serve(old, root))
            url = running.enter_context(postgres())
            postgresql[name] = running.enter_context(serve(old, root, DATABASE_URL=url))
        original = running.enter_context(alternative("original"))
        fastapi = running.enter_context(alternative("fastapi"))
        gradio = running.enter_context(alternative("gradio")) if with_gradio else None
        os.sched_setaffinity(0, cores[-1:])
        targets: dict[str, tuple[str, Callable[[], bytes]]] = {
            "constant view": (sites[""], partial(http_request, "GET", "/v2/health/live")),
            "original, JPEG": (original, lambda: upload),
            "fastapi, JPEG": (fastapi, lambda: upload),
        }
        if gradio:
            sketch = gradio_request(gradio, body, content_type)
            targets["gradio, JPEG"] = gradio, lambda: sketch
        for name, site in sites.items():
            targets[f"{name}predict, strokes"] = site, predict_request
            targets[f"{name}mnist, JPEG"] = site, lambda: upload
            targets[f"{name}save, SQLite"] = site, save_request
            targets[f"{name}save, PostgreSQL"] = postgresql[name], save_request
        rates: dict[str, list[float]] = {name: [] for name in targets}
        for _ in tqdm(range(rounds), unit="round"):
            for name, (site, request) in targets.items():
                before = cpu_seconds(site)
                rate = requests_per_second(site, request, LOAD_SECONDS)
                rates[name].append(rate * LOAD_SECONDS / (cpu_seconds(site) - before))
        correct = {}
        if strokes:
            alternatives = {"mnist, JPEG": sites[""], "original, JPEG": original,
                            "fastapi, JPEG": fastapi}  # fmt: skip
            correct = {name: share_correct(site, strokes) for name, site in alternatives.items()}
    return {name: statistics.median(values) for name, values in rates.items()}, correct


def cpu_seconds(site: str) -> float:
    """Return the CPU time used so far by the processes of a server, without its database."""
    listeners = psutil.net_connections("tcp")
    port = urlsplit(site).port
    pids = {one.pid for one in listeners if one.status == "LISTEN" and one.laddr[1] == port}
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)


@contextmanager
def checkout(revision: str, folder: Path) -> Iterator[Path]:
    """Check out a revision into a git worktree, with static files."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(folder), revision], check=True)
    try:
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(collect, cwd=folder, env={**os.environ, "SECRET_KEY": "bench"}, check=True)
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def share_correct(site: str, strokes: Path) -> float:
    """Return the share of pen digits that a site reads correctly, as pictures."""
    samples = stroke_files.digits(stroke_files.read(strokes).samples)
    chosen = samples[:: max(1, len(samples) // MAX_DRAWINGS)]
    return statistics.mean(
        _post_picture(site, drawn(sample.strokes, number)) == sample.text
        for number, sample in enumerate(chosen)
    )


def drawn(strokes: Strokes, number: int) -> Image.Image:
    """Draw strokes on a canvas of the original project: half its size, at varying places."""
    points = np.concatenate([np.array(stroke)[:, :2] for stroke in strokes if stroke])
    corner, scale = points.min(axis=0), 140 / max(1, np.ptp(points, axis=0).max())
    place = np.array([[20, 20], [70, 70], [120, 60], [40, 120]])[number % 4]
    canvas = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(canvas)
    for stroke in strokes:
        line = (np.array(stroke)[:, :2] - corner) * scale + place
        draw.line([tuple(point) for point in line.tolist()], 255, width=14, joint="curve")
    return canvas


def _post_picture(site: str, canvas: Image.Image) -> str:
    file = io.BytesIO()
    canvas.convert("RGB").save(file, "JPEG", quality=90)
    body, content_type = multipart("image", file.getvalue(), "drawing.jpg")
    request = Request(f"{site}/api/mnist", body, {"Content-Type": content_type})
    with urlopen(request) as response:
        return str(json.load(response)["predictions"]["prediction"]["label"])


def stroke() -> Strokes:
    """Return a handwritten two of 60 points."""
    turn = np.linspace(np.pi, 2.25 * np.pi, 30)
    down, foot = np.linspace(0, 1, 16)[1:], np.linspace(90, 195, 16)[1:]
    x = np.concatenate([140 + 50 * np.cos(turn), 175 - 85 * down, foot])
    y = np.concatenate([90 + 50 * np.sin(turn), 125 + 105 * down, np.full(15, 230)])
    xy = zip(x.round(1).tolist(), y.round(1).tolist(), strict=True)
    return [[[x, y, 16 * i] for i, (x, y) in enumerate(xy)]]


def picture() -> bytes:
    """Return a drawing as sent by the original project's page: JPEG, 280x280, light on dark."""
    grid = Image.fromarray(rasterize(stroke())).resize((280, 280), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    grid.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


BODY = json.dumps({"strokes": stroke()}).encode()
JSON = {"Content-Type": "application/json"}


def predict_request() -> bytes:
    return http_request("POST", "/api/v1/predict", BODY, "application/json")


def gradio_request(site: str, body: bytes, content_type: str) -> bytes:
    """Upload a picture to a Gradio site; return a request that predicts it.

    Gradio's page also uploads each drawing and fetches the result with a second request.
    """
    body = body.replace(b'name="image"', b'name="files"')
    upload = Request(f"{site}/gradio_api/upload", body, {"Content-Type": content_type})
    with urlopen(upload) as response:
        (path,) = json.load(response)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    drawing = {"background": None, "layers": [], "composite": file}
    content = json.dumps({"data": [drawing]}).encode()
    return http_request("POST", "/gradio_api/run/predict", content, "application/json")


def save_request() -> bytes:
    """Return a request that saves a new drawing."""
    return http_request("PUT", f"/api/v1/drawings/{uuid4()}", BODY, "application/json")


@contextmanager
def alternative(name: str) -> Iterator[str]:
    """Serve one of the alternatives; yield its base URL."""
    port = free_port()
    scripts = Path(sys.executable).parent
    commands = {
        "original": [f"{scripts}/gunicorn", "tools.bench.alternatives:original()"],
        "fastapi": [sys.executable, "-m", "uvicorn", "--factory",
                    "tools.bench.alternatives:fastapi_app", "--log-level", "warning",
                    "--port", str(port)],
        "gradio": [*GRADIO, "tools/bench/gradio_sketchpad.py", str(SHIPPED), str(port)],
    }  # fmt: skip
    server = subprocess.Popen(
        commands[name],
        cwd=ROOT,
        env={
            **os.environ,
            "PORT": str(port),
            "OMP_NUM_THREADS": "1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "ORT_DISABLE_TELEMETRY": "1",
        },
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def throughput_ratios(rates: dict[str, float], correct: dict[str, float]) -> list[Ratio]:
    goals = [
        ("predict, strokes", "constant view", 0.4),
        ("predict, strokes", "original, JPEG", 1.8),
        ("mnist, JPEG", "original, JPEG", 1.25),
        ("mnist, JPEG", "fastapi, JPEG", 0.75),
        ("mnist, JPEG", "gradio, JPEG", 1),
        ("predict, strokes", "previous: predict, strokes", 1),
        ("mnist, JPEG", "previous: mnist, JPEG", 1),
        ("save, SQLite", "previous: save, SQLite", 1.5),
        ("save, PostgreSQL", "previous: save, PostgreSQL", 1.5),
    ]
    ratios = [
        Ratio(name, other, rates[name] / rates[other], goal)
        for name, other, goal in goals
        if other in rates
    ]
    if correct:
        name, other = "mnist, JPEG", "fastapi, JPEG"
        value = rates[name] * correct[name] / (rates[other] * correct[other])
        ratios.append(Ratio("mnist, correct per second", "fastapi", value, 1.5))
    return ratios


def worker_ratios() -> list[Ratio]:
    """Measure the start time of a server, and the memory of its worker before and after load."""
    with TemporaryDirectory() as name:
        pid_file = Path(name) / "pid"
        environment = server_environment(Path(name), GUNICORN_CMD_ARGS=f"--pid {pid_file}")
        migrate(environment)
        started = time.perf_counter()
        server = launch(environment)
        try:
            site = base_url(environment)
            urlopen(Request(f"{site}/api/v1/predict", BODY, JSON)).close()
            seconds = time.perf_counter() - started
            before = _worker_megabytes(pid_file)
            requests_per_second(site, predict_request, 10)
            after = _worker_megabytes(pid_file)
        finally:
            server.terminate()
            server.wait()
    return [
        Ratio(f"start and first response: {seconds:.1f} s", "1 s", 1 / seconds, 1),
        Ratio(f"worker memory: {before:.0f}, then {after:.0f} MB", "105 MB", 105 / after, 1),
    ]


def _worker_megabytes(pid_file: Path) -> float:
    """Return the largest resident memory of gunicorn's workers."""
    workers = psutil.Process(int(pid_file.read_text())).children()
    return max(worker.memory_info().rss for worker in workers) / 2**20


if __name__ == "__main__":
    main()
