"""Drawings that are no digits: scribbles, shapes, letters, squeezed pairs, dots.

The net is taught to be uncertain about them (Hendrycks, Mazeika and Dietterich, "Deep anomaly
detection with outlier exposure", 2019). The kinds in ``HELD_OUT`` are never trained on; they show
whether the net refuses what it has not met.
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

Maker = Callable[[Generator], Strokes]

# Letters that nobody can tell from a digit without its neighbors are left out.
LETTERS = sorted(set(string.ascii_letters) - set("BDGIJLOQSTUVZabcgijloqstuvyz"))


def scribble(rng: Generator) -> Strokes:
    """One long smooth line to and fro."""
    knots = rng.uniform(0, 100, (rng.integers(6, 14), 2))
    at = np.linspace(0, len(knots) - 1, 12 * len(knots))
    turns = 0.5 - np.cos(np.pi * (at % 1)) / 2
    low = np.minimum(at.astype(int), len(knots) - 2)
    points = knots[low] + (knots[low + 1] - knots[low]) * turns[:, None]
    return [points.tolist()]


def zigzag(rng: Generator) -> Strokes:
    n = rng.integers(5, 12)
    return [[[10.0 * i, rng.uniform(30, 90) * (i % 2)] for i in range(n)]]


def wave(rng: Generator) -> Strokes:
    height, turns = rng.uniform(5, 30), rng.uniform(1.5, 4)
    return [[[x, height * math.sin(turns * x / 16)] for x in np.linspace(0, 100, 60)]]


def polygon(rng: Generator) -> Strokes:
    corners = rng.integers(3, 6)
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False) + rng.normal(0, 0.12, corners)
    angles = np.append(angles, angles[0]) + rng.uniform(0, 2 * math.pi)
    return [[[100 * math.cos(a), rng.uniform(80, 100) * math.sin(a)] for a in angles]]


def star(rng: Generator) -> Strokes:
    turn = rng.uniform(0, 2 * math.pi)
    return [[[math.cos(a) * 50, math.sin(a) * 50] for a in turn + np.arange(6) * 0.8 * math.pi]]


def cross(rng: Generator) -> Strokes:
    turn, bend = rng.uniform(0, math.pi / 2), rng.normal(math.pi / 2, 0.2)
    return [_spoke(turn, rng.uniform(40, 60)), _spoke(turn + bend, rng.uniform(40, 60))]


def hatching(rng: Generator) -> Strokes:
    """Several strokes side by side, or a grid of them."""
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
    """A filled patch: a line that leaves no paper between its turns."""
    radius = rng.uniform(10, 45) * np.ones(2) * rng.uniform(0.6, 1, 2)
    angle = np.linspace(0, 40 * math.pi, 300)
    spiral = np.stack([np.cos(angle), np.sin(angle)], 1) * (angle / angle[-1])[:, None]
    return [(spiral * radius).tolist(), *([[[0.0, 90.0]]] if rng.random() < 0.3 else [])]


def doodle(rng: Generator) -> Strokes:
    """A few arcs, lines and rings, one upon the other."""
    return [_arc(rng) for _ in range(rng.integers(3, 7))]


def sticks(rng: Generator) -> Strokes:
    """Straight lines, each from somewhere on another."""
    lines = [rng.uniform(-50, 50, (2, 2))]
    for _ in range(rng.integers(3, 6)):
        start, end = lines[rng.integers(len(lines))]
        root = start + (end - start) * rng.choice([0.0, 0.5, 1.0])
        lines.append(np.stack([root, rng.uniform(-50, 50, 2)]))
    return [line.tolist() for line in lines]


def ring(rng: Generator) -> Strokes:
    """A round with things in it."""
    turns = np.linspace(0, 2 * math.pi, 40)
    around = np.stack([50 * np.cos(turns), 50 * rng.uniform(0.6, 1) * np.sin(turns)], 1)
    things = [np.array(_arc(rng)) / 2 for _ in range(rng.integers(2, 5))]
    inside = [one - one.mean(0) + rng.normal(0, 15, 2) for one in things]
    return [around.tolist(), *(one.tolist() for one in inside)]


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
    return [_spoke(angle, 50), [barbs[0].tolist(), tip.tolist(), barbs[1].tolist()]]


def heart(rng: Generator) -> Strokes:
    wide, turns = rng.uniform(0.8, 1.2), np.linspace(0, 2 * math.pi, 50)
    x = 16 * np.sin(turns) ** 3 * wide
    y = -13 * np.cos(turns) + 5 * np.cos(2 * turns) + 2 * np.cos(3 * turns) + np.cos(4 * turns)
    return [np.stack([x, y], 1).tolist()]


def house(rng: Generator) -> Strokes:
    wide, tall, roof = rng.uniform(30, 60), rng.uniform(30, 60), rng.uniform(-50, -20)
    walls = [[0.0, 0.0], [0.0, tall], [wide, tall], [wide, 0.0]]
    return [[*walls, [0.0, 0.0], [wide / 2, roof], [wide, 0.0]], _door(wide, tall)]


def _door(wide: float, tall: float) -> list[list[float]]:
    left, right, top = wide * 0.4, wide * 0.6, tall * 0.4
    return [[left, tall], [left, top], [right, top], [right, tall]]


def fish(rng: Generator) -> Strokes:
    """A line that crosses itself at the tail, and an eye."""
    thick, tail = rng.uniform(20, 40), rng.uniform(2.6, 3)
    turns = np.linspace(-tail, tail, 40)
    line = np.stack([50 * np.cos(turns / 1.4), thick * np.sin(turns * 1.3)], 1)
    return [line.tolist(), [[28.0, -thick / 3]]]


TRAINED_ON: Mapping[str, Maker] = {
    make.__name__: make
    for make in (
        scribble, zigzag, wave, polygon, star, cross, hatching, dash, dots, blob, letter, doodle,
        sticks, ring,
    )
}  # fmt: skip
HELD_OUT: Mapping[str, Maker] = {
    make.__name__: make for make in (greek, gothic, spiral, arrow, heart, house, fish)
}


def strokes(kinds: Mapping[str, Maker], n: int, seed: int) -> Iterator[tuple[str, Strokes]]:
    """n drawings of some kinds in turn, slightly bent, each with its kind."""
    rng = np.random.default_rng(seed)
    for kind, make in islice(cycle(kinds.items()), n):
        yield kind, bend(make(rng), rng)


def draw(kinds: Mapping[str, Maker], n: int, seed: int) -> Tensor:
    """The same drawings as the net sees them: uint8[n, 28, 28]."""
    images = [rasterize(drawing) for _, drawing in strokes(kinds, n, seed)]
    return torch.from_numpy(np.stack(images))


def squeezed_pairs(images: Tensor, n: int, seed: int) -> Tensor:
    """n pairs of digits side by side in one frame: uint8[n, 28, 28]."""
    generator = torch.Generator().manual_seed(seed)
    picked = torch.randint(len(images), (2, n), generator=generator)
    left, right = (images[index, 4:24, 4:24] for index in picked)
    pair = torch.cat([left, right], dim=2)[:, None].to(torch.float32)
    tall = F.interpolate(pair, (20, 20), mode="area")
    flat = F.interpolate(pair, (10, 20), mode="area")
    squeezed = torch.where(
        torch.rand(n, 1, 1, 1, generator=generator) < 0.5,
        F.pad(tall, (4, 4, 4, 4)),
        F.pad(flat, (4, 4, 9, 9)),
    )
    return squeezed[:, 0].round().to(torch.uint8)


def _arc(rng: Generator) -> list[list[float]]:
    """A piece of an ellipse, from a straight line to a whole round."""
    middle, radii = rng.uniform(-40, 40, 2), rng.uniform(3, 50, 2) * (rng.random(2) < 0.8)
    start, turn = rng.uniform(0, 2 * math.pi), rng.uniform(1, 2 * math.pi)
    angles = np.linspace(start, start + turn, 24)
    x, y = middle[0] + radii[0] * np.cos(angles), middle[1] + radii[1] * np.sin(angles)
    return [[float(across), float(down)] for across, down in zip(x, y, strict=True)]


def _spoke(angle: float, radius: float) -> list[list[float]]:
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


def bend(drawing: Strokes, rng: Generator) -> Strokes:
    """Turn, slant and stretch strokes a little, as another hand would."""
    turn, slant = rng.normal(0, 0.1, 2)
    stretch = rng.uniform(0.85, 1.15)
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos * stretch, sin * stretch], [slant - sin, cos]])
    return [(np.array(stroke, dtype=float) @ matrix).tolist() for stroke in drawing]
