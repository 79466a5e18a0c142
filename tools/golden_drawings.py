"""Drawings for the golden vectors, generated from few shapes."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
from HersheyFonts import HersheyFonts
from numpy.random import Generator

from tools.samples import FORMS, JOINED_ZEROS, SEVEN, ellipse

Drawing: TypeAlias = list[list[list[float]]]
"""Strokes of points [x, y] or [x, y, t]."""

# Marks as strokes, in a row of digits from y = 0 to y = 100.
MARKS: dict[str, Drawing] = {
    "-": [[[0, 52], [30, 50]]],
    ".": [[[0, 97], [3, 100], [2, 103]]],
    ",": [[[6, 90], [7, 104], [0, 114]]],
    "/": [[[46, -12], [20, 60], [0, 116]]],
    "(": [[[24, -14], [6, 20], [2, 60], [22, 114]]],
    ")": [[[0, -14], [18, 20], [22, 60], [2, 114]]],
    ":": [[[0, 30], [2, 34]], [[1, 80], [3, 84]]],
    "%": [ellipse(10, 12, 20, 24), [[62, -4], [4, 104]], ellipse(54, 86, 22, 24)],
    "$": [[[50, 12], [20, 10], [10, 36], [50, 60], [44, 88], [6, 88]], [[30, -10], [28, 110]]],
    "?": [[[0, 20], [24, 0], [46, 16], [24, 50], [22, 66]], [[20, 92], [24, 100]]],
    "!": [[[0, 0], [2, 68]], [[0, 94], [3, 98]]],
    "+": [[[0, 50], [44, 50]], [[22, 26], [22, 74]]],
}


def golden_drawings() -> dict[str, Drawing]:
    """Return more than 300 drawings by name: digits, numbers, marks, annotations, edge cases."""
    rng = np.random.default_rng(2026)
    drawings = {f"{label} {form}": strokes for (label, form), strokes in FORMS.items()}
    drawings |= _edge_cases(rng)
    for i in range(320):
        make = _KINDS[i % len(_KINDS)]
        text, strokes = make(rng)
        name = f"{i}: {make.__name__.strip('_').replace('_', ' ')} {text}"
        drawings[name] = _distort(strokes, rng)
    return {name: _round(strokes) for name, strokes in drawings.items()}


@cache
def _plain_digits() -> dict[str, Drawing]:
    """Return the strokes of each digit in a plain font, from y = 0 to y = 100."""
    font = HersheyFonts()
    font.load_default_font("futural")
    return {digit: _scale(list(font.strokes_for_text(digit))) for digit in "0123456789"}


def _scale(strokes: Drawing) -> Drawing:
    ys = [y for stroke in strokes for _, y in stroke]
    top, scale = min(ys), 100 / (max(ys) - min(ys))
    return [[[scale * x, scale * (y - top)] for x, y in stroke] for stroke in strokes]


def _shape(character: str, rng: Generator) -> Drawing:
    """Return the strokes of a digit in one of its forms, or of a mark."""
    if character in MARKS:
        return MARKS[character]
    forms = [strokes for (label, _), strokes in FORMS.items() if label == character]
    choices = [_plain_digits()[character], *forms]
    return choices[rng.integers(len(choices))]


def _row(text: str, rng: Generator, gaps: tuple[float, float] = (4, 40)) -> Drawing:
    """Return the strokes of characters side by side."""
    strokes: Drawing = []
    right = 0.0
    for character in text:
        shape = _shape(character, rng)
        size = 1 if character in MARKS else rng.normal(1, 0.08)
        left = right + rng.uniform(*gaps) - size * min(x for stroke in shape for x, _ in stroke)
        low = rng.normal(0, 4)
        placed = [[[left + size * x, low + size * y] for x, y in stroke] for stroke in shape]
        right = max(x for stroke in placed for x, _ in stroke)
        strokes += placed
    return strokes


def _digits(rng: Generator, least: int, most: int) -> str:
    return "".join(map(str, rng.integers(0, 10, rng.integers(least, most + 1))))


def _digit(rng: Generator) -> tuple[str, Drawing]:
    text = _digits(rng, 1, 1)
    return text, _row(text, rng)


def _number(rng: Generator) -> tuple[str, Drawing]:
    text = _digits(rng, 2, 6)
    return text, _row(text, rng)


def _touching(rng: Generator) -> tuple[str, Drawing]:
    text = _digits(rng, 2, 4)
    return text, _row(text, rng, gaps=(-14, 3))


def _joined(rng: Generator) -> tuple[str, Drawing]:
    """Return digits in one stroke, and some beside it."""
    text = _digits(rng, 2, 4)
    strokes = _row(text, rng)
    count = int(rng.integers(2, len(strokes) + 1))
    return text, [[point for stroke in strokes[:count] for point in stroke], *strokes[count:]]


def _with_marks(rng: Generator) -> tuple[str, Drawing]:
    formats = ["{}-{}", "{}.{}", "{},{}", "{}/{}", "({}){}", "{}:{}", "{}%", "${}", "{}+{}"]
    text = formats[rng.integers(len(formats))].format(_digits(rng, 1, 3), _digits(rng, 1, 2))
    return text, _row(text, rng, gaps=(8, 30))


def _annotated(rng: Generator) -> tuple[str, Drawing]:
    """Return an underlined, circled or boxed number, or one with a far tick."""
    text = _digits(rng, 1, 3)
    strokes = _row(text, rng)
    right = max(x for stroke in strokes for x, _ in stroke)
    annotations = [
        [[-6, 122], [right / 2, 118], [right + 8, 124]],
        ellipse(right / 2, 50, 1.5 * right + 40, 190),
        [[-30, -30], [right + 30, -28], [right + 28, 130], [-28, 130], [-30, -26]],
        [[right + 200, 40], [right + 215, 52]],
    ]
    return text, [*strokes, annotations[rng.integers(len(annotations))]]


def _lines(rng: Generator) -> tuple[str, Drawing]:
    texts = [_digits(rng, 1, 3) for _ in range(rng.integers(2, 4))]
    rows = [_row(text, rng) for text in texts]
    moved = [
        [[[x, y + 160 * i] for x, y in stroke] for stroke in row] for i, row in enumerate(rows)
    ]
    return " ".join(texts), [stroke for row in moved for stroke in row]


def _scribble(rng: Generator) -> tuple[str, Drawing]:
    counts = rng.integers(1, 12, rng.integers(1, 9))
    origins = rng.uniform(0, 400, (len(counts), 2))
    strokes = [
        (origin + rng.normal(0, 40, (count, 2))).tolist()
        for origin, count in zip(origins, counts, strict=True)
    ]
    return f"of {len(counts)}", strokes


_KINDS: list[Callable[[Generator], tuple[str, Drawing]]] = [
    _digit, _number, _number, _touching, _joined, _with_marks, _with_marks, _annotated, _lines,
    _scribble,
]  # fmt: skip


def _edge_cases(rng: Generator) -> dict[str, Drawing]:
    plain = _plain_digits()
    circle = ellipse(100, 100, 200, 200)
    return {
        "no strokes": [],
        "strokes without points": [[], []],
        "tap": [[[150, 150]]],
        "tap of two points": [[[150, 150], [152, 151]]],
        "slightly longer than a tap": [[[150, 150], [153.5, 150]]],
        "two taps": [[[150, 150]], [[190, 150]]],
        "vertical line": [[[50, 10], [50, 210]]],
        "horizontal line": [[[10, 50], [210, 50]]],
        "diagonal line": [[[10, 10], [210, 210]]],
        "cross": [[[0, 100], [200, 100]], [[100, 0], [100, 200]]],
        "repeated points": [[[20, 20], [20, 20], [80, 20], [80, 20]]],
        "circle": [circle],
        "circle and dot": [circle, [[100, 100]]],
        "center of mass at one side": [[[0, 0], [4, 0], [0, 4], [4, 4]] * 20, [[0, 0], [0, 200]]],
        "empty stroke before a digit": [[], *plain["3"]],
        "speck beside a digit": [*plain["3"], [[110, 50], [111, 51]]],
        "question mark": MARKS["?"],
        "exclamation mark": MARKS["!"],
        "joined zeros": JOINED_ZEROS,
        "seven": SEVEN,
        "wide stroke of two points": [[[0, 0], [90, 60]]],
        "flat strokes": [[[50 * i, 7], [50 * i + 20, 7]] for i in range(4)],
        "upright strokes": [[[30 * i, 0], [30 * i, 80]] for i in range(8)],
        "fence of too many strokes": [[[10 * i, 0], [10 * i, 80]] for i in range(60)],
        "rows of too many strokes": [
            [[30 * (i % 12), 150 * (i // 12)], [30 * (i % 12), 150 * (i // 12) + 80]]
            for i in range(39)
        ],
        "far larger stroke": [[[0, 0], [90_000, 40_000]], *plain["5"]],
        "huge": [[[1e9 * x, 1e9 * y] for x, y in stroke] for stroke in _row("470", rng)],
        "tiny": [[[x / 50, y / 50] for x, y in stroke] for stroke in _row("470", rng)],
        "long stroke": [[[i % 91, (i * i) % 89] for i in range(800)]],
    }


def _distort(strokes: Drawing, rng: Generator) -> Drawing:
    """Slant, tilt, scale and shake strokes."""
    slant, tilt, scale = rng.normal(0, 0.12), rng.normal(0, 0.04), rng.uniform(0.3, 2)
    return [
        [
            [
                scale * (x - slant * y + rng.normal(0, 0.8)),
                scale * (y + tilt * x + rng.normal(0, 0.8)),
            ]
            for x, y in stroke
        ]
        for stroke in strokes
    ]


def _round(strokes: Drawing) -> Drawing:
    """Round coordinates to tenths, as the page does."""
    return [[[round(value, 1) for value in point] for point in stroke] for stroke in strokes]
