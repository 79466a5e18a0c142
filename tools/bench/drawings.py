"""The drawing of the bench's requests, and pen digits as pictures of the original page."""

import io
import json
import statistics
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import numpy as np
from PIL import Image, ImageDraw

from ml.preprocessing.strokes import Strokes, rasterize
from ml.training import stroke_files
from tools.http_requests import multipart, request

MAX_DRAWINGS = 300


def stroke() -> Strokes:
    """Return a handwritten two of 60 points."""
    turn = np.linspace(np.pi, 2.25 * np.pi, 30)
    down, foot = np.linspace(0, 1, 16)[1:], np.linspace(90, 195, 16)[1:]
    x = np.concatenate([140 + 50 * np.cos(turn), 175 - 85 * down, foot])
    y = np.concatenate([90 + 50 * np.sin(turn), 125 + 105 * down, np.full(15, 230)])
    xy = zip(x.round(1).tolist(), y.round(1).tolist(), strict=True)
    return [[[x, y, 16 * i] for i, (x, y) in enumerate(xy)]]


BODY = json.dumps({"strokes": stroke()}).encode()


def predict_request() -> bytes:
    return request("POST", "/api/v1/predict", BODY, "application/json")


def save_request() -> bytes:
    """Return a request that saves a new drawing."""
    return request("PUT", f"/api/v1/drawings/{uuid4()}", BODY, "application/json")


def picture() -> bytes:
    """Return a drawing as sent by the original project's page: JPEG, 280x280, light on dark."""
    grid = Image.fromarray(rasterize(stroke()))
    return to_jpeg(grid.resize((280, 280), Image.Resampling.BICUBIC))


def to_jpeg(canvas: Image.Image) -> bytes:
    file = io.BytesIO()
    canvas.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def share_correct(site: str, strokes: Path) -> float:
    """Return the share of pen digits that a site reads correctly, as pictures."""
    samples = stroke_files.digits(stroke_files.read(strokes).samples)
    chosen = samples[:: max(1, len(samples) // MAX_DRAWINGS)]
    return statistics.mean(
        predict(site, drawn(sample.strokes, number)) == sample.text
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


def predict(site: str, canvas: Image.Image) -> str:
    body, content_type = multipart(to_jpeg(canvas))
    upload = Request(f"{site}/api/mnist", body, {"Content-Type": content_type})
    with urlopen(upload) as response:
        return str(json.load(response)["predictions"]["prediction"]["label"])
