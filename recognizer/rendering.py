"""Drawings as pictures inside a page of the admin."""

import base64
import io
from collections.abc import Iterable, Sequence

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from PIL import Image

from ml.evaluation.metrics import Interval
from ml.preprocessing.strokes import TAP, Strokes, bounding_box, grid_from_bytes, is_blank


def strokes_svg(strokes: Strokes, side: int) -> SafeString:
    """Strokes as an SVG of side x side pixels, in the color of the text around it."""
    if is_blank(strokes):
        return SafeString("")
    x, y, width, height = bounding_box(strokes)
    extent = max(width, height, TAP)
    pen = extent / 12
    left, top = x + width / 2 - extent / 2 - pen, y + height / 2 - extent / 2 - pen
    paths = format_html_join(
        "", '<path d="{}"/>', ((_path(stroke),) for stroke in strokes if len(stroke))
    )
    return format_html(
        '<svg width="{side}" height="{side}" viewBox="{left} {top} {view} {view}"'
        ' role="img" aria-label="The strokes" fill="none" stroke="currentColor"'
        ' stroke-width="{pen}" stroke-linecap="round" stroke-linejoin="round">{paths}</svg>',
        side=side,
        left=f"{left:.1f}",
        top=f"{top:.1f}",
        view=f"{extent + 2 * pen:.1f}",
        pen=f"{pen:.1f}",
        paths=paths,
    )


def grid_png(*contents: bytes | memoryview, side: int) -> SafeString:
    """Inputs of the net, 784 bytes each, as a row of side x side pixels each, ink on paper."""
    buffer = io.BytesIO()
    picture = Image.fromarray(np.invert(np.hstack([grid_from_bytes(one) for one in contents])))
    width = side * len(contents)
    picture.resize((width, side), Image.Resampling.NEAREST).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return format_html(
        '<img src="data:image/png;base64,{}" width="{}" height="{}" alt="28x28 input">',
        data,
        width,
        side,
    )


def reliability_svg(bins: Iterable[tuple[float, float, Interval]], label: str) -> SafeString:
    """How many answers of a mean confidence are right: that confidence, the share, its interval."""
    points = format_html_join(
        "",
        '<path class="interval" d="M{x} {low}V{high}"/><circle cx="{x}" cy="{y}" r="1.8"/>',
        (
            {"x": _percent(confidence), "y": _percent(1 - share), "low": _percent(1 - low),
             "high": _percent(1 - high)}
            for confidence, share, (low, high) in bins
        ),
    )  # fmt: skip
    return format_html(
        '<svg class="reliability" viewBox="-2 -2 104 104" role="img" aria-label="{}">'
        '<path class="frame" d="M0 0V100H100"/><path class="honest" d="M0 100L100 0"/>{}</svg>',
        label,
        points,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _path(stroke: Sequence[Sequence[float]]) -> str:
    points = [f"{point[0]:.1f} {point[1]:.1f}" for point in stroke]
    # A dot needs a line, however short, to have an end to be round.
    return f"M{points[0]}L" + " ".join(points[1:] or points)
