"""Drawings as SVG: sizes and pens."""

import re

from recognizer.rendering import strokes_svg
from tools.samples import SEVEN


def size_and_pen(strokes):
    svg = strokes_svg(strokes, side=100)
    width, height = map(int, re.search(r'width="(\d+)" height="(\d+)"', svg).groups())
    view = float(re.search(r'viewBox="\S+ \S+ \S+ (\S+)"', svg)[1])
    return width, height, float(re.search(r'stroke-width="(\S+)"', svg)[1]) * height / view


def test_digit_and_number_have_pens_in_proportion_to_their_height():
    width, height, pen = size_and_pen(SEVEN)
    assert (width, height) == (100, 100)
    number = [[[x + 200 * place, y] for x, y, _ in SEVEN[0]] for place in range(5)]
    wide, low, thin = size_and_pen(number)
    assert wide == 200
    assert low < 100
    assert round(thin / low, 3) == round(pen / height, 3)
