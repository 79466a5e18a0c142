"""The split of writers and drawings into training, validation and test parts."""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from ml.training.stroke_files import StrokeSample

Part: TypeAlias = Literal["training", "validation", "test"]

# ``export_dataset`` writes a drawing ID, a pseudonym in the form of a UUID, instead of a writer.
DRAWING_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A fifth.
HELD_OUT_OF_256 = 51


def part_of(writer: str) -> Part:
    """Return the part of a writer's samples: 3/16 of the writers for tests, 2/16 for validation.

    The part depends on the name alone, so that a writer is in the same part of every file and every
    training. A drawing ID in place of a writer follows ``is_held_out``.
    """
    if DRAWING_ID.fullmatch(writer):
        return "validation" if is_held_out(writer) else "training"
    first = int(hashlib.sha256(writer.encode()).hexdigest()[0], 16)
    return "test" if first < 3 else "validation" if first < 5 else "training"


def split_writers(samples: Sequence[StrokeSample]) -> dict[Part, list[StrokeSample]]:
    """Split samples into parts without a common writer."""
    parts: dict[Part, list[StrokeSample]] = {"training": [], "validation": [], "test": []}
    for sample in samples:
        parts[part_of(sample.writer)].append(sample)
    return parts


def is_held_out(drawing: str) -> bool:
    return hashlib.sha256(drawing.encode()).digest()[0] < HELD_OUT_OF_256
