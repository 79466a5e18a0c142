"""Distortions of digits for training, on whole batches at once.

The kinds follow Simard, Steinkraus and Platt, "Best practices for convolutional neural networks
applied to visual document analysis" (2003): affine and elastic, here with thicker, thinner and
blurred ink as well.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Standard deviations.
ROTATION = math.radians(8)
SCALE = 0.08
SHEAR = 0.12
SHIFT = 1.0  # pixels
ELASTIC = 0.5  # pixels
ELASTIC_GRID = 6
THICKNESS_SHARE = 0.3
BLUR_SHARE = 0.1


def distort(images: Tensor, generator: torch.Generator) -> Tensor:
    """Distort images, uint8[N, 28, 28] in and out, each in its own way."""
    x = images[:, None].to(torch.float32)
    x = F.grid_sample(x, _grid(x, generator), align_corners=False)
    x = _vary_ink(x, generator)
    return x[:, 0].clamp(0, 255).round().to(torch.uint8)


def _normal(n: int, deviation: float, generator: torch.Generator) -> Tensor:
    return torch.randn(n, generator=generator) * deviation


def _grid(x: Tensor, generator: torch.Generator) -> Tensor:
    """Where each pixel of the distorted image comes from: float[N, 28, 28, 2], from -1 to 1."""
    n, _, height, width = x.shape
    angle = _normal(n, ROTATION, generator)
    shear = _normal(n, SHEAR, generator)
    scale_x, scale_y = (1 + _normal(n, SCALE, generator) for _ in range(2))
    move_x, move_y = (_normal(n, 2 * SHIFT / width, generator) for _ in range(2))
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * scale_x, (shear * cos - sin) * scale_y, move_x]
    rows += [sin * scale_x, (shear * sin + cos) * scale_y, move_y]
    affine = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(x.shape), align_corners=False)
    bends = torch.randn(n, 2, ELASTIC_GRID, ELASTIC_GRID, generator=generator) * ELASTIC
    smooth = F.interpolate(bends, (height, width), mode="bicubic", align_corners=True)
    return affine + smooth.permute(0, 2, 3, 1) * (2 / width)


def _vary_ink(x: Tensor, generator: torch.Generator) -> Tensor:
    """Thicken or thin some, blur some, each by a random amount."""
    n = len(x)
    kind = torch.rand(n, generator=generator)
    amount = torch.rand(n, 1, 1, 1, generator=generator)
    thinner = (kind >= THICKNESS_SHARE / 2) & (kind < THICKNESS_SHARE)
    for changed, chosen, most in (
        (F.max_pool2d(x, 3, 1, 1), kind < THICKNESS_SHARE / 2, 1.0),
        # Thinned by more, thin strokes would be gone.
        (-F.max_pool2d(-x, 3, 1, 1), thinner, 0.5),
        (F.avg_pool2d(x, 3, 1, 1), kind > 1 - BLUR_SHARE, 1.0),
    ):
        x = torch.where(chosen[:, None, None, None], torch.lerp(x, changed, most * amount), x)
    return x
