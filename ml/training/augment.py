"""Distortions of digits for training, on whole batches at once.

The kinds follow Simard, Steinkraus and Platt, "Best practices for convolutional neural networks
applied to visual document analysis" (2003): affine and elastic, here with thicker, thinner and
blurred ink as well.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.preprocessing.strokes import SIZE

# Standard deviations.
ROTATION = math.radians(8)
SCALE = 0.08
SHEAR = 0.12
SHIFT = 1.0  # pixels
ELASTIC = 0.5  # pixels
ELASTIC_GRID = 6
THICKNESS_SHARE = 0.3
BLUR_SHARE = 0.1


def augment(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Distort images, uint8[N, 28, 28] in and out, each in its own way; 0 is not at all."""
    x = images[:, None].to(torch.float32)
    x = F.grid_sample(x, _grid(len(x), generator, strength), align_corners=False)
    _vary_ink(x, generator, strength)
    return x[:, 0].clamp_(0, 255).round_().to(torch.uint8)


def _grid(n: int, generator: torch.Generator, strength: float) -> Tensor:
    """Where each pixel of n distorted images comes from: float[n, 28, 28, 2], from -1 to 1."""
    # Linear in all of its random numbers, it is one product of matrices, and quick.
    weights = torch.cat([_affine(n, generator, strength), _elastic(n, generator, strength)], dim=2)
    grid = weights.view(2 * n, -1) @ _fields()
    return grid.view(n, 2, SIZE, SIZE).permute(0, 2, 3, 1)


@cache
def _fields() -> Tensor:
    """What the grid is a sum of, float[3 + 36, 784]: x, y, one, and the bend of each knot."""
    across = (2 * torch.arange(SIZE) + 1) / SIZE - 1
    y, x = torch.meshgrid(across, across, indexing="ij")
    knots = torch.eye(ELASTIC_GRID**2).view(-1, 1, ELASTIC_GRID, ELASTIC_GRID)
    bends = F.interpolate(knots, (SIZE, SIZE), mode="bicubic", align_corners=True)
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), bends[:, 0]]).flatten(1)


def _normal(deviation: float, generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator) * deviation


def _affine(n: int, generator: torch.Generator, strength: float) -> Tensor:
    """Turned, slanted, scaled and moved: float[n, 2, 3]."""
    angle = _normal(strength * ROTATION, generator, n)
    shear = _normal(strength * SHEAR, generator, n)
    scale_x, scale_y = 1 + _normal(strength * SCALE, generator, 2, n)
    move_x, move_y = _normal(strength * 2 * SHIFT / SIZE, generator, 2, n)
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * scale_x, (shear * cos - sin) * scale_y, move_x]
    rows += [sin * scale_x, (shear * sin + cos) * scale_y, move_y]
    return torch.stack(rows, 1).view(n, 2, 3)


def _elastic(n: int, generator: torch.Generator, strength: float) -> Tensor:
    """How far each knot of a coarse grid is moved: float[n, 2, 36]."""
    return _normal(strength * 2 * ELASTIC / SIZE, generator, n, 2, ELASTIC_GRID**2)


def _vary_ink(x: Tensor, generator: torch.Generator, strength: float) -> None:
    """Thicken, thin or blur some of float[N, 1, 28, 28], each by a random amount, in place."""
    kind = torch.rand(len(x), generator=generator)
    thickness, blur = strength * THICKNESS_SHARE, strength * BLUR_SHARE
    amount = torch.rand(len(x), 1, 1, 1, generator=generator)
    for change, low, high, most in (
        (_thicker, 0.0, thickness / 2, 1.0),
        # Thinned by more, thin strokes would be gone.
        (_thinner, thickness / 2, thickness, 0.5),
        (_blurred, 1 - blur, 1.0, 1.0),
    ):
        chosen = (kind >= low) & (kind < high)
        x[chosen] = torch.lerp(x[chosen], change(x[chosen]), most * amount[chosen])


def _thicker(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


def _thinner(x: Tensor) -> Tensor:
    return -F.max_pool2d(-x, 3, 1, 1)


def _blurred(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1)
