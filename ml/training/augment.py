"""Batch augmentation of digits for training.

Affine and elastic distortions follow Simard, Steinkraus and Platt, "Best practices for
convolutional neural networks applied to visual document analysis" (2003). Stroke thickness and
blur vary as well.
"""

import math
from collections.abc import Callable
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
    """Distort each image of uint8[N, 28, 28] independently; strength 0 changes nothing."""
    n = len(images)
    affine = _affine(n, generator, strength)
    elastic = _normal(strength * 2 * ELASTIC / SIZE, generator, n, 2, ELASTIC_GRID**2)
    # Both distortions are linear in their coefficients: one matrix product computes the grid.
    coefficients = torch.cat([affine, elastic], dim=2).view(2 * n, -1)
    grid = (coefficients @ _displacement_basis()).view(n, 2, SIZE, SIZE).permute(0, 2, 3, 1)
    x = F.grid_sample(images[:, None].to(torch.float32), grid, align_corners=False)
    _vary_strokes(x, generator, strength)
    return x[:, 0].clamp_(0, 255).round_().to(torch.uint8)


@cache
def _displacement_basis() -> Tensor:
    """Return float[3 + 36, 784]: x, y, 1, and the bicubic displacement field of each knot."""
    centers = (2 * torch.arange(SIZE) + 1) / SIZE - 1
    y, x = torch.meshgrid(centers, centers, indexing="ij")
    knots = torch.eye(ELASTIC_GRID**2).view(-1, 1, ELASTIC_GRID, ELASTIC_GRID)
    fields = F.interpolate(knots, (SIZE, SIZE), mode="bicubic", align_corners=True)
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), fields[:, 0]]).flatten(1)


def _normal(deviation: float, generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator) * deviation


def _affine(n: int, generator: torch.Generator, strength: float) -> Tensor:
    """Return random rotations, shears, scales and shifts as matrices float[n, 2, 3]."""
    angle = _normal(strength * ROTATION, generator, n)
    shear = _normal(strength * SHEAR, generator, n)
    scale_x, scale_y = 1 + _normal(strength * SCALE, generator, 2, n)
    shift_x, shift_y = _normal(strength * 2 * SHIFT / SIZE, generator, 2, n)
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * scale_x, (shear * cos - sin) * scale_y, shift_x]
    rows += [sin * scale_x, (shear * sin + cos) * scale_y, shift_y]
    return torch.stack(rows, 1).view(n, 2, 3)


def _vary_strokes(x: Tensor, generator: torch.Generator, strength: float) -> None:
    """Thicken, thin or blur a random part of float[N, 1, 28, 28] in place."""
    kind = torch.rand(len(x), generator=generator)
    thickness, blur = strength * THICKNESS_SHARE, strength * BLUR_SHARE
    amount = torch.rand(len(x), 1, 1, 1, generator=generator)
    changes: list[tuple[Callable[[Tensor], Tensor], float, float, float]] = [
        (lambda ink: F.max_pool2d(ink, 3, 1, 1), 0.0, thickness / 2, 1.0),
        # More erosion would delete thin strokes.
        (lambda ink: -F.max_pool2d(-ink, 3, 1, 1), thickness / 2, thickness, 0.5),
        (lambda ink: F.avg_pool2d(ink, 3, 1, 1), 1 - blur, 1.0, 1.0),
    ]
    for change, low, high, limit in changes:
        chosen = (kind >= low) & (kind < high)
        x[chosen] = torch.lerp(x[chosen], change(x[chosen]), limit * amount[chosen])
