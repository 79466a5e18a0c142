"""Fill the log, to see how it does when it is long: python -m tools.many_drawings --count 1000000

The database is that of DATABASE_URL, after `manage.py migrate`. A seed always makes the same.
"""

import argparse
import json
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

END = datetime(2026, 11, 23)
DAYS = 365
ROWS = 500  # an INSERT
MODELS = ["2025.12.01-aaaaaaa", "2026.05.01-bbbbbbb", "2026.11.01-ccccccc"]
TEXTS = "0123456789?"
# How many are labeled by a reviewer, and of those wrongly read; and labeled by the visitor.
LABELED, WRONG, SAID = 0.02, 0.03, 0.05

DRAWING = "id, source, strokes, text, model, visitor_label, created_at, updated_at"
DIGIT = (
    "drawing_id, position, image, box, model, predicted_at,"
    " has_visitor_label, probabilities, text, confidence, verdict, label, labeled_at"
)


def kinds(rng: random.Random) -> Iterator[tuple[str, bytes, str]]:
    """Strokes, what the net sees and where, of forty drawings of which all others are."""
    from ml.preprocessing.strokes import bounding_box, rasterize
    from tools.samples import SEVEN

    one = [[[100, 10 + 4 * i, 8 * i] for i in range(60)]]
    for stroke in (SEVEN[0], one[0]) * 20:
        moved = [[[round(x + rng.gauss(0, 6), 1), round(y + rng.gauss(0, 6), 1), t]
                  for x, y, t in stroke]]  # fmt: skip
        yield json.dumps(moved), rasterize(moved).tobytes(), json.dumps(bounding_box(moved))


def drawings(count: int, seed: int, days: float = DAYS) -> Iterator[tuple[tuple, tuple]]:
    """Rows of so many drawings and of the digit in each, the oldest first, over so many days."""
    rng = random.Random(seed)
    every = list(kinds(rng))
    for number in range(count):
        strokes, image, box = rng.choice(every)
        id, text = f"{rng.getrandbits(128):032x}", rng.choice(TEXTS)
        drawn = str(END - timedelta(days=days) * (1 - number / count))
        said = text if rng.random() < SAID else ""
        model = MODELS[number * len(MODELS) // count]
        source = rng.choice(("page", "page", "api"))
        drawing = (id, source, strokes, text, model, said, drawn, drawn)
        yield drawing, (id, 0, image, box, model, drawn, bool(said), *reading(text, drawn, rng))


def reading(text: str, drawn: str, rng: random.Random) -> tuple:
    confidence = 1 - 0.6 * rng.random() ** 4
    rest = (1 - confidence) / 9
    probabilities = f"[{confidence:.6f}{f', {rest:.6f}' * 9}]"
    sure = "digit" if confidence > 0.6 else "unsure"
    label = text if rng.random() < LABELED else ""
    if label and rng.random() < WRONG:
        label = rng.choice(TEXTS)
    verdict = "not a digit" if text == "?" else sure
    return probabilities, text, confidence, verdict, label, drawn if label else None


def fill(count: int, seed: int = 0, days: float = DAYS) -> None:
    """Store so many drawings, as quickly as SQL takes them."""
    from django.db import connection, transaction
    from tqdm import tqdm

    rows = drawings(count, seed, days)
    with (
        connection.cursor() as cursor,
        transaction.atomic(),
        tqdm(total=count, unit=" drawings", unit_scale=True, disable=count < 10_000) as bar,
    ):
        while some := list(islice(rows, ROWS)):
            for table, columns, part in (("drawing", DRAWING, 0), ("digit", DIGIT, 1)):
                row = f"({', '.join(['%s'] * len(some[0][part]))})"
                values = ", ".join([row] * len(some))
                insert = f"INSERT INTO recognizer_{table} ({columns}) VALUES {values}"  # noqa: S608
                cursor.execute(insert, list(chain.from_iterable(one[part] for one in some)))
            bar.update(len(some))
    if connection.vendor == "postgresql":
        # It does this by itself, a minute later.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--days", type=float, default=DAYS, help="over which they spread")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
    import django

    django.setup()
    fill(options.count, options.seed, options.days)


if __name__ == "__main__":
    main()
