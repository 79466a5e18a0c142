"""Drawings, 28x28 inputs and reliability diagrams as inline SVG and PNG."""

import base64
import io
from collections.abc import Iterable, Sequence

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from PIL import Image

from ml.evaluation.metrics import Interval
from ml.preprocessing.strokes import TAP, Box, Strokes, bounding_box, grid_from_bytes, is_blank

# The width of a drawing with its thinnest pen, in heights.
MAX_ASPECT = 6


def strokes_svg(strokes: Strokes, side: int, marked: Box | None = None) -> SafeString:
    """Render strokes as an SVG in the current text color.

    It is at most ``side`` pixels high and twice as wide. ``marked`` is framed.
    """
    if is_blank(strokes):
        return SafeString("")
    x, y, width, height = bounding_box(strokes)
    # The pen fits one digit: a number is wide, its digits are as high as the drawing.
    extent = max(height, width / MAX_ASPECT, TAP)
    pen = extent / 12
    view_width, view_height = max(width, extent) + 2 * pen, extent + 2 * pen
    left, top = x + width / 2 - view_width / 2, y + height / 2 - view_height / 2
    scale = min(side / view_height, 2 * side / view_width)
    # Repeat the first point: a line of length zero gives a single point its round cap.
    paths = (
        ("M" + " ".join(f"{x:.1f} {y:.1f}" for x, y, *_t in (stroke[0], *stroke)),)
        for stroke in strokes
        if len(stroke)
    )
    return format_html(
        '<svg width="{}" height="{}" viewBox="{}" role="img" aria-label="{}" fill="none"'
        ' stroke="currentColor" stroke-width="{}" stroke-linecap="round"'
        ' stroke-linejoin="round">{}{}</svg>',
        round(scale * view_width),
        round(scale * view_height),
        f"{left:.1f} {top:.1f} {view_width:.1f} {view_height:.1f}",
        _("Strokes"),
        f"{pen:.1f}",
        format_html_join("", '<path d="{}"/>', paths),
        _frame(marked, pen) if marked else "",
    )


def _frame(box: Box, pen: float) -> SafeString:
    numbers = (box.x - pen, box.y - pen, box.width + 2 * pen, box.height + 2 * pen, pen / 4)
    return format_html(
        '<rect class="marked" x="{}" y="{}" width="{}" height="{}" stroke-width="{}"/>',
        *(f"{number:.1f}" for number in numbers),
    )


def grid_png(*grids: bytes | memoryview, side: int) -> SafeString:
    """Render model inputs, 784 bytes each, as one row of side x side pixels, dark on white."""
    row = np.invert(np.hstack([grid_from_bytes(grid) for grid in grids]))
    width = side * len(grids)
    buffer = io.BytesIO()
    Image.fromarray(row).resize((width, side), Image.Resampling.NEAREST).save(buffer, "PNG")
    return format_html(
        '<img src="data:image/png;base64,{}" width="{}" height="{}" alt="{}">',
        base64.b64encode(buffer.getvalue()).decode(),
        width,
        side,
        _("28x28 input"),
    )


def reliability_svg(bins: Iterable[tuple[float, float, Interval]], label: str) -> SafeString:
    """Render a reliability diagram: accuracy with its interval over mean confidence, per bin."""
    points = format_html_join(
        "",
        '<path class="interval" d="M{x} {low}V{high}"/><circle cx="{x}" cy="{y}" r="1.8"/>',
        (
            {
                "x": _coordinate(confidence),
                "y": _coordinate(1 - accuracy),
                "low": _coordinate(1 - interval.low),
                "high": _coordinate(1 - interval.high),
            }
            for confidence, accuracy, interval in bins
        ),
    )
    return format_html(
        '<svg class="reliability" viewBox="-2 -2 104 104" role="img" aria-label="{}">'
        '<path class="frame" d="M0 0V100H100"/><path class="honest" d="M0 100L100 0"/>{}</svg>',
        label,
        points,
    )


def bars_svg(values: Sequence[int], label: str) -> SafeString:
    """Render counts as bars: one unit wide, the largest 100 units high."""
    most = max(*values, 1)
    bars = format_html_join(
        "",
        '<path d="M{} 100V{}"/>',
        ((f"{x}.5", _coordinate(1 - value / most)) for x, value in enumerate(values) if value),
    )
    return format_html(
        '<svg class="bars" viewBox="0 0 {} 100" preserveAspectRatio="none" role="img"'
        ' aria-label="{}" stroke-width="0.8">{}</svg>',
        len(values),
        _("%(label)s, at most %(most)d") % {"label": label, "most": most},
        bars,
    )


def line_path(shares: Sequence[float | None]) -> str:
    """Return an SVG path with a point for each share, one unit apart, in a chart 100 high.

    Lines join only consecutive points: None leaves a gap.
    """
    path, previous = [], None
    for x, share in enumerate(shares):
        if share is not None:
            command = "M" if previous is None else "L"
            path.append(f"{command}{x}.5 {_coordinate(1 - share)}h0")
        previous = share
    return "".join(path)


def _coordinate(share: float) -> str:
    return f"{100 * share:.2f}"
