"""Generated outliers: scribbles, shapes, letters, squeezed pairs, dots.

Training makes the model uncertain about them (Hendrycks, Mazeika and Dietterich, "Deep anomaly
detection with outlier exposure", 2019). The kinds in ``HELD_OUT`` are excluded from training and
measure the rejection of unknown outliers.
"""

import math
import string
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import cycle, islice

import numpy as np
import torch
import torch.nn.functional as F
from HersheyFonts import HersheyFonts
from numpy.random import Generator
from torch import Tensor

from ml.preprocessing.strokes import Strokes, rasterize

Generate = Callable[[Generator], Strokes]

# Without the letters that look like digits.
LETTERS = sorted(set(string.ascii_letters) - set("BDGIJLOQSTUVZabcgijloqstuvyz"))


def scribble(rng: Generator) -> Strokes:
    """Return one long smooth stroke with random turns."""
    knots = rng.uniform(0, 100, (rng.integers(6, 14), 2))
    at = np.linspace(0, len(knots) - 1, 12 * len(knots))
    weights = 0.5 - np.cos(np.pi * (at % 1)) / 2
    low = np.minimum(at.astype(int), len(knots) - 2)
    points = knots[low] + (knots[low + 1] - knots[low]) * weights[:, None]
    return [points.tolist()]


def zigzag(rng: Generator) -> Strokes:
    n = rng.integers(5, 12)
    return [[[10.0 * i, rng.uniform(30, 90) * (i % 2)] for i in range(n)]]


def wave(rng: Generator) -> Strokes:
    height, frequency = rng.uniform(5, 30), rng.uniform(1.5, 4)
    return [[[x, height * math.sin(frequency * x / 16)] for x in np.linspace(0, 100, 60)]]


def polygon(rng: Generator) -> Strokes:
    corners = rng.integers(3, 6)
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False) + rng.normal(0, 0.12, corners)
    angles = np.append(angles, angles[0]) + rng.uniform(0, 2 * math.pi)
    return [[[100 * math.cos(a), rng.uniform(80, 100) * math.sin(a)] for a in angles]]


def star(rng: Generator) -> Strokes:
    angles = rng.uniform(0, 2 * math.pi) + np.arange(6) * 0.8 * math.pi
    return [[[math.cos(a) * 50, math.sin(a) * 50] for a in angles]]


def cross(rng: Generator) -> Strokes:
    angle, between = rng.uniform(0, math.pi / 2), rng.normal(math.pi / 2, 0.2)
    return [_diameter(angle, rng.uniform(40, 60)), _diameter(angle + between, rng.uniform(40, 60))]


def hatching(rng: Generator) -> Strokes:
    """Return parallel strokes or a grid of strokes."""
    rows = [[[0.0, y], [100.0, y + rng.normal(0, 5)]] for y in range(0, 100, rng.integers(15, 40))]
    if rng.random() < 0.5:
        return rows
    columns = [[[x, 0.0], [x, 100.0]] for x in range(0, 101, rng.integers(15, 40))]
    return columns if rng.random() < 0.5 else rows + columns


def dash(rng: Generator) -> Strokes:
    return [[[0.0, 0.0], [100.0, rng.normal(0, 12)]]]


def dots(rng: Generator) -> Strokes:
    return [[point] for point in rng.uniform(0, 60, (rng.integers(1, 6), 2)).tolist()]


def blob(rng: Generator) -> Strokes:
    """Return a filled ellipse, drawn as a dense spiral."""
    radius = rng.uniform(10, 45) * np.ones(2) * rng.uniform(0.6, 1, 2)
    angle = np.linspace(0, 40 * math.pi, 300)
    spiral = np.stack([np.cos(angle), np.sin(angle)], 1) * (angle / angle[-1])[:, None]
    return [(spiral * radius).tolist(), *([[[0.0, 90.0]]] if rng.random() < 0.3 else [])]


def doodle(rng: Generator) -> Strokes:
    """Return a few overlapping arcs, lines and ellipses."""
    return [_arc(rng) for _ in range(rng.integers(3, 7))]


def sticks(rng: Generator) -> Strokes:
    """Return straight lines; each starts on an earlier line."""
    lines = [rng.uniform(-50, 50, (2, 2))]
    for _ in range(rng.integers(3, 6)):
        start, end = lines[rng.integers(len(lines))]
        root = start + (end - start) * rng.choice([0.0, 0.5, 1.0])
        lines.append(np.stack([root, rng.uniform(-50, 50, 2)]))
    return [line.tolist() for line in lines]


def ring(rng: Generator) -> Strokes:
    """Return an ellipse with arcs inside."""
    angles = np.linspace(0, 2 * math.pi, 40)
    outline = np.stack([50 * np.cos(angles), 50 * rng.uniform(0.6, 1) * np.sin(angles)], 1)
    arcs = [np.array(_arc(rng)) / 2 for _ in range(rng.integers(2, 5))]
    inside = [arc - arc.mean(0) + rng.normal(0, 15, 2) for arc in arcs]
    return [outline.tolist(), *(arc.tolist() for arc in inside)]


def letter(rng: Generator) -> Strokes:
    return _glyph(rng, LETTERS, ("futural", "scripts", "timesr", "cursive", "rowmans"))


def greek(rng: Generator) -> Strokes:
    return _glyph(rng, list("ACDEHKLMNQRWX"), ("greek",))


def gothic(rng: Generator) -> Strokes:
    return _glyph(rng, LETTERS, ("gothiceng",))


def spiral(rng: Generator) -> Strokes:
    turns = rng.uniform(2.5, 5)
    return [[[a * math.cos(a), a * math.sin(a)] for a in np.linspace(0, turns * 2 * math.pi, 90)]]


def arrow(rng: Generator) -> Strokes:
    angle = rng.uniform(0, 2 * math.pi)
    tip = np.array([math.cos(angle), math.sin(angle)]) * 50
    barbs = [tip - 30 * np.array([math.cos(angle + b), math.sin(angle + b)]) for b in (-0.6, 0.6)]
    return [_diameter(angle, 50), [barbs[0].tolist(), tip.tolist(), barbs[1].tolist()]]


def heart(rng: Generator) -> Strokes:
    width, t = rng.uniform(0.8, 1.2), np.linspace(0, 2 * math.pi, 50)
    x = 16 * np.sin(t) ** 3 * width
    y = -13 * np.cos(t) + 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t)
    return [np.stack([x, y], 1).tolist()]


def house(rng: Generator) -> Strokes:
    width, height, roof = rng.uniform(30, 60), rng.uniform(30, 60), rng.uniform(-50, -20)
    walls = [[0.0, 0.0], [0.0, height], [width, height], [width, 0.0]]
    left, right, top = width * 0.4, width * 0.6, height * 0.4
    door = [[left, height], [left, top], [right, top], [right, height]]
    return [[*walls, [0.0, 0.0], [width / 2, roof], [width, 0.0]], door]


def fish(rng: Generator) -> Strokes:
    """Return a stroke that crosses itself at the tail, and a dot as the eye."""
    height, tail = rng.uniform(20, 40), rng.uniform(2.6, 3)
    angles = np.linspace(-tail, tail, 40)
    body = np.stack([50 * np.cos(angles / 1.4), height * np.sin(angles * 1.3)], 1)
    return [body.tolist(), [[28.0, -height / 3]]]


TRAINED_ON: Mapping[str, Generate] = {
    generate.__name__: generate
    for generate in (
        scribble, zigzag, wave, polygon, star, cross, hatching, dash, dots, blob, letter, doodle,
        sticks, ring,
    )
}  # fmt: skip
HELD_OUT: Mapping[str, Generate] = {
    generate.__name__: generate for generate in (greek, gothic, spiral, arrow, heart, house, fish)
}


def generate_strokes(
    kinds: Mapping[str, Generate], n: int, seed: int
) -> Iterator[tuple[str, Strokes]]:
    """Yield n (kind, strokes) pairs; the kinds alternate, and ``distort`` varies the strokes."""
    rng = np.random.default_rng(seed)
    for kind, generate in islice(cycle(kinds.items()), n):
        yield kind, distort(generate(rng), rng)


def generate_grids(kinds: Mapping[str, Generate], n: int, seed: int) -> Tensor:
    """Return the outliers of ``generate_strokes`` as uint8[n, 28, 28]."""
    grids = [rasterize(strokes) for _, strokes in generate_strokes(kinds, n, seed)]
    return torch.from_numpy(np.stack(grids))


def squeezed_pairs(images: Tensor, n: int, seed: int) -> Tensor:
    """Return n pairs of digits, each squeezed into one image: uint8[n, 28, 28]."""
    generator = torch.Generator().manual_seed(seed)
    picked = torch.randint(len(images), (2, n), generator=generator)
    left, right = (images[index, 4:24, 4:24] for index in picked)
    pair = torch.cat([left, right], dim=2)[:, None].to(torch.float32)
    narrow = F.interpolate(pair, (20, 20), mode="area")
    small = F.interpolate(pair, (10, 20), mode="area")
    squeezed = torch.where(
        torch.rand(n, 1, 1, 1, generator=generator) < 0.5,
        F.pad(narrow, (4, 4, 4, 4)),
        F.pad(small, (4, 4, 9, 9)),
    )
    return squeezed[:, 0].round().to(torch.uint8)


def _arc(rng: Generator) -> list[list[float]]:
    """Return an arc of an ellipse; zero radii give a line."""
    center, radii = rng.uniform(-40, 40, 2), rng.uniform(3, 50, 2) * (rng.random(2) < 0.8)
    start, length = rng.uniform(0, 2 * math.pi), rng.uniform(1, 2 * math.pi)
    angles = np.linspace(start, start + length, 24)
    x, y = center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles)
    points: list[list[float]] = np.stack([x, y], 1).tolist()
    return points


def _diameter(angle: float, radius: float) -> list[list[float]]:
    x, y = radius * math.cos(angle), radius * math.sin(angle)
    return [[-x, -y], [x, y]]


def _glyph(rng: Generator, letters: list[str], fonts: tuple[str, ...]) -> Strokes:
    return _font(str(rng.choice(fonts)))[str(rng.choice(letters))]


@cache
def _font(name: str) -> dict[str, Strokes]:
    font = HersheyFonts()
    font.load_default_font(name)
    return {
        letter: [[list(map(float, point)) for point in stroke] for stroke in strokes]
        for letter in string.ascii_letters
        if (strokes := list(font.strokes_for_text(letter)))
    }


def distort(strokes: Strokes, rng: Generator) -> Strokes:
    """Rotate, shear and stretch strokes slightly, to vary the handwriting."""
    rotation, shear = rng.normal(0, 0.1, 2)
    stretch = rng.uniform(0.85, 1.15)
    cos, sin = math.cos(rotation), math.sin(rotation)
    matrix = np.array([[cos * stretch, sin * stretch], [shear - sin, cos]])
    return [(np.array(stroke, dtype=float) @ matrix).tolist() for stroke in strokes]
