"""Fill a migrated database with drawings and time the admin: python -m tools.many_drawings

DATABASE_URL names the database. `--count 0` only times the pages. The first request to each page
finds no page of an SQLite file in the system's cache (Linux), but compiled templates. For
PostgreSQL, drop that cache and restart the server before.
"""

import argparse
import json
import logging
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice, product
from pathlib import Path
from typing import Any

END = datetime(2026, 11, 23)
DAYS = 365
ROWS_PER_INSERT = 500
REPEATS = 5
MODELS = ["2025.12.01-aaaaaaa", "2026.05.01-bbbbbbb", "2026.11.01-ccccccc"]
TEXTS = "0123456789?"
# Shares of digits with a reviewer label, of wrong predictions among these, and of visitor labels.
LABELED, WRONG, VISITOR_LABELED = 0.02, 0.03, 0.05

DRAWING = "id, source, strokes, text, model, visitor_label, created_at, updated_at"
DIGIT = (
    "drawing_id, position, image, box, model, predicted_at,"
    " visitor_label, probabilities, text, confidence, verdict, label, labeled_at"
)

DIGITS = "/admin/recognizer/digit/"
DRAWINGS = "/admin/recognizer/drawing/"
REVIEW = f"{DIGITS}review/"
STATISTICS = f"{DIGITS}statistics/"
MODELS_LIST = "/admin/recognizer/modelversion/"
NEWEST_MONTHS = "predicted_at__gte=2026-08-26 00:00:00%2B00:00"
LISTS = {
    "digits": DIGITS,
    "digits, last page": f"{DIGITS}?p=200",
    "digits, predicted 7": f"{DIGITS}?text__exact=7",
    "digits, unsure": f"{DIGITS}?verdict__exact=unsure",
    "digits, labeled 3": f"{DIGITS}?label__exact=3",
    "digits, oldest model": f"{DIGITS}?model={MODELS[0]}",
    "digits, labeled": f"{DIGITS}?review=done",
    "digits, not labeled": f"{DIGITS}?review=open",
    "digits, labeled by the visitor": f"{DIGITS}?review=visitor",
    "digits, labeled as errors": f"{DIGITS}?review=wrong",
    "digits, confidence below 50%": f"{DIGITS}?confidence=0",
    "digits, confidence 50% to 90%": f"{DIGITS}?confidence=50",
    "digits, confidence 90% or more": f"{DIGITS}?confidence=90",
    "digits, disagreements": f"{DIGITS}?review=disagreement",
    "digits, two filters": f"{DIGITS}?text__exact=3&model={MODELS[0]}",
    "digits, since September": f"{DIGITS}?predicted_at__gte=2026-09-01 00:00:00%2B00:00",
    "digits, errors of a model": f"{DIGITS}?review=wrong&model={MODELS[1]}",
    "digits, least confident first": f"{DIGITS}?o=3",
    "digits, least confident, not labeled": f"{DIGITS}?review=open&o=3",
    "digits, bin of the calibration": f"{DIGITS}?review=done&confidence=60-70&{NEWEST_MONTHS}",
    "digits, search for a number": f"{DIGITS}?q=42",
    "digits, search without result": f"{DIGITS}?q=nonsense",
    "drawings": DRAWINGS,
    "drawings, last page": f"{DRAWINGS}?p=200",
    "drawings of the API": f"{DRAWINGS}?source__exact=api",
    "drawings, oldest model": f"{DRAWINGS}?model={MODELS[0]}",
    "drawings, search without result": f"{DRAWINGS}?q=nonsense",
}
ORDERS = ("least_confident", "most_confident", "newest", "oldest")
REVIEW_FILTERS = (
    "",
    "?text__exact=3",
    f"?model={MODELS[1]}",
    "?review=wrong",
    "?review=disagreement",
)


def samples(rng: random.Random) -> Iterator[tuple[str, bytes, str]]:
    """Yield the strokes, grid and box of forty drawings."""
    from ml.preprocessing.strokes import bounding_box, rasterize
    from tools.samples import SEVEN

    one = [[[100, 10 + 4 * i, 8 * i] for i in range(60)]]
    for stroke in (SEVEN[0], one[0]) * 20:
        moved = [[[round(x + rng.gauss(0, 6), 1), round(y + rng.gauss(0, 6), 1), t]
                  for x, y, t in stroke]]  # fmt: skip
        yield json.dumps(moved), rasterize(moved).tobytes(), json.dumps(bounding_box(moved))


def drawings(count: int, seed: int) -> Iterator[tuple[tuple, tuple]]:
    """Yield rows of drawings with one digit each, oldest first, spread over a year."""
    rng = random.Random(seed)
    all_samples = list(samples(rng))
    for number in range(count):
        strokes, image, box = rng.choice(all_samples)
        id, text = f"{rng.getrandbits(128):032x}", rng.choice(TEXTS)
        created = str(END - timedelta(days=DAYS) * (1 - number / count))
        visitor_label = text if rng.random() < VISITOR_LABELED else ""
        model = MODELS[number * len(MODELS) // count]
        source = rng.choice(("page", "page", "api"))
        drawing = (id, source, strokes, text, model, visitor_label, created, created)
        digit = (id, 0, image, box, model, created, visitor_label)
        yield drawing, (*digit, *prediction(text, created, rng))


def prediction(text: str, created: str, rng: random.Random) -> tuple:
    # Real confidences have many ties at 1.
    confidence = round(1 - 0.6 * rng.random() ** 4, 3)
    rest = (1 - confidence) / 9
    probabilities = f"[{confidence:.6f}{f', {rest:.6f}' * 9}]"
    sure = "digit" if confidence > 0.6 else "unsure"
    label = text if rng.random() < LABELED else ""
    if label and rng.random() < WRONG:
        label = rng.choice(TEXTS)
    verdict = "not a digit" if text == "?" else sure
    return probabilities, text, confidence, verdict, label, created if label else None


def fill(count: int, seed: int = 0) -> None:
    """Insert drawings; equal arguments insert equal rows."""
    from django.db import connection, transaction
    from tqdm import tqdm

    rows = drawings(count, seed)
    with (
        connection.cursor() as cursor,
        transaction.atomic(),
        tqdm(total=count, unit=" drawings", unit_scale=True, disable=count < 10_000) as bar,
    ):
        while chunk := list(islice(rows, ROWS_PER_INSERT)):
            for table, columns, part in (("drawing", DRAWING, 0), ("digit", DIGIT, 1)):
                row = f"({', '.join(['%s'] * len(chunk[0][part]))})"
                values = ", ".join([row] * len(chunk))
                insert = f"INSERT INTO recognizer_{table} ({columns}) VALUES {values}"  # noqa: S608
                cursor.execute(insert, list(chain.from_iterable(one[part] for one in chunk)))
            bar.update(len(chunk))
    if connection.vendor == "postgresql":
        # Autovacuum does this a minute later.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def measure_pages() -> None:
    """Print a table of page times in milliseconds; each includes the client's own work."""
    from django.contrib.auth.models import User
    from django.test import Client

    user, _ = User.objects.get_or_create(username="page-times", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    print(f"{'page':44}{'first':>9}{'median':>9}{'CPU':>9}")
    pages = {"start page": "/admin/"}
    pages |= {f"statistics, {days} days": f"{STATISTICS}?days={days}" for days in (7, 30, 90)}
    pages |= {**LISTS, "review": REVIEW, "models": MODELS_LIST}
    for name, address in pages.items():
        _measure(name, partial(client.get, address))
    for order, filters in product(ORDERS, REVIEW_FILTERS):
        body = {"order": order, "after": None, "count": 20}
        send = partial(client.post, content_type="application/json")
        _measure(f"review queue, {order} {filters}", partial(send, f"{REVIEW}next/{filters}", body))


def _evict_file(warm_up: Callable[[], Any]) -> None:
    """Evict an SQLite file from the system's cache, after the templates of a page are compiled."""
    from django.db import connection

    # macOS has no posix_fadvise.
    if connection.vendor == "sqlite" and hasattr(os, "posix_fadvise"):
        warm_up()
        connection.close()
        with Path(connection.settings_dict["NAME"]).open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _measure(name: str, send: Callable[[], Any]) -> None:
    times, cpu = [], []
    _evict_file(send)
    for _ in range(REPEATS):
        start, start_cpu = time.perf_counter(), time.process_time()
        response = send()
        times.append(1_000 * (time.perf_counter() - start))
        cpu.append(1_000 * (time.process_time() - start_cpu))
        if response.status_code != 200:
            raise SystemExit(f"{name} answered {response.status_code}.")
    median, cpu_median = statistics.median(times), statistics.median(cpu)
    print(f"{name:44}{times[0]:9.0f}{median:9.0f}{cpu_median:9.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="another one to fill again")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
    os.environ.setdefault("DEBUG", "1")
    import django

    django.setup()
    logging.disable()
    fill(options.count, options.seed)
    measure_pages()


if __name__ == "__main__":
    main()
