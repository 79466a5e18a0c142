"""The memory of a worker after many unusual and damaged pictures."""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice

from PIL import Image

from tools.resilience.client import picture_request, send_all
from tools.resilience.hostile_inputs import exif_directories, saved, seven
from tools.resilience.server import Result, count_statuses, peak_memory, running_server

MEGABYTE = 1_000_000
CLIENTS = 4
MAX_MEMORY = 160 * MEGABYTE
SIDES = (1, 28, 280, 1_000, 2_449)
MODES = ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def odd_pictures(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Send unusual and damaged pictures to one worker from four clients."""
    if database_url:
        return
    count = 500 if short else 10_000
    with running_server(None, WEB_CONCURRENCY="1") as server:
        corpus = list(islice(odd_files(random.Random(0)), min(count, 2_000)))
        # Large pictures of few bytes, all at the same time.
        transparent = saved(Image.new("RGBA", (2_449, 2_449)), "WEBP", lossless=True)
        contents = [*islice(cycle(corpus), count), *[transparent] * 100]
        requests = (partial(picture_request, content) for content in contents)
        workers = server.workers()
        with peak_memory(server) as peak:
            responses = asyncio.run(send_all(server.url, requests, CLIENTS))
        is_alive = server.workers() == workers
        memory = workers[0].memory_info().rss if is_alive else 0
    statuses = {response.status for response in responses}
    outcome = (
        f"{count_statuses(responses)}, then {memory / MEGABYTE:.0f} MB,"
        f" peak +{peak.growth / MEGABYTE:.0f} MB{'' if is_alive else ', worker died'}"
    )
    holds = is_alive and statuses <= {200, 413, 422} and memory < MAX_MEMORY
    yield Result("memory", f"{len(contents)} odd pictures", outcome, holds)


def odd_files(rng: random.Random) -> Iterator[bytes]:
    """Yield pictures of many formats, modes and sizes, a third of them damaged."""
    while True:
        content = bytearray(odd_file(rng))
        if rng.random() < 1 / 3:
            for _ in range(rng.randint(1, 8)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        yield bytes(content)


def odd_file(rng: random.Random) -> bytes:
    if rng.random() < 0.05:
        return exif_directories(rng.randint(1, 4))
    size = rng.choice(SIDES), rng.choice(SIDES)
    picture = seven().resize(size).convert(rng.choice(MODES))
    try:
        return saved(picture, rng.choice(FORMATS))
    except (OSError, ValueError):  # a format without this mode
        return saved(picture.convert("L"))
