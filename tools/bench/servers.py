"""The servers under comparison: this checkout, an earlier revision, and the alternatives."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from tools.bench.drawings import picture
from tools.http_requests import multipart, request
from tools.postgres import postgres
from tools.samples import ROOT, SHIPPED
from tools.server import free_port, serve, wait_for_port

# Python with Gradio, in an environment that uv creates.
UV = str(Path(sys.executable).with_name("uv"))
GRADIO = [UV, "run", "--no-project", "--python", sys.executable,
          "--with", "gradio==6.31.0", "--with", "onnxruntime==1.32.0", "python"]  # fmt: skip


@contextmanager
def servers(previous: str | None, *, with_gradio: bool) -> Iterator[dict[str, str]]:
    """Start all servers; yield their base URLs by name. The client gets another core, if any."""
    cores = sorted(os.sched_getaffinity(0))
    alternatives = ["original", "fastapi", *["gradio"] * with_gradio]
    with ExitStack() as running:
        running.callback(os.sched_setaffinity, 0, cores)
        # Servers inherit the affinity; the client changes its own after they start.
        os.sched_setaffinity(0, cores[:1])
        folder = Path(running.enter_context(TemporaryDirectory()))
        started = start_site(running, folder)
        if previous:
            root = running.enter_context(checkout(previous, folder / "checkout"))
            earlier = start_site(running, folder / "old", root)
            started |= {f"previous: {name}": site for name, site in earlier.items()}
        started |= {name: running.enter_context(alternative(name)) for name in alternatives}
        os.sched_setaffinity(0, cores[-1:])
        yield started


def start_site(running: ExitStack, folder: Path, root: Path = ROOT) -> dict[str, str]:
    """Start the site of a checkout on each database; return the base URLs by database."""
    folder.mkdir(exist_ok=True)
    url = running.enter_context(postgres())
    return {
        "SQLite": running.enter_context(serve(folder, root)),
        "PostgreSQL": running.enter_context(serve(folder, root, DATABASE_URL=url)),
    }


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


@contextmanager
def alternative(name: str) -> Iterator[str]:
    """Serve one of the alternatives; yield its base URL."""
    port = free_port()
    commands = {
        "original": [sys.executable, "-m", "gunicorn", "tools.bench.alternatives:original()"],
        "fastapi": [sys.executable, "-m", "uvicorn", "--factory",
                    "tools.bench.alternatives:fastapi_app", "--log-level", "warning",
                    "--port", str(port)],
        "gradio": [*GRADIO, "tools/bench/gradio_sketchpad.py", str(SHIPPED), str(port)],
    }  # fmt: skip
    environment = {
        "PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    server = subprocess.Popen(
        commands[name],
        cwd=ROOT,
        env={**os.environ, **environment},
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


def gradio_request(site: str) -> bytes:
    """Upload a picture to a Gradio site; return a request that predicts it.

    Gradio's page also uploads each drawing and fetches the result with a second request.
    """
    body, content_type = multipart(picture(), "files")
    upload = Request(f"{site}/gradio_api/upload", body, {"Content-Type": content_type})
    with urlopen(upload) as response:
        (path,) = json.load(response)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    drawing = {"background": None, "layers": [], "composite": file}
    content = json.dumps({"data": [drawing]}).encode()
    return request("POST", "/gradio_api/run/predict", content, "application/json")
