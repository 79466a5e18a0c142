"""Convert UNIPEN to training files: python -m tools.convert_unipen FOLDER OUTPUT_FOLDER

FOLDER is the published distribution train_r01_v07 with its folders data/ and include/. The results
are gzipped JSON Lines: digits; letters and signs unlike digits; isolated marks; numbers. The same
input gives the same files.
"""

import gzip
import hashlib
import json
import random
import re
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

SOURCE = (
    "Source: UNIPEN train_r01_v07, International Unipen Foundation, 1999,"
    " doi 10.5281/zenodo.1195803, CC BY 4.0"
)
DIGITS, NOT_DIGITS, MARKS, NUMBERS = FILES = ("digits", "not-digits", "marks", "numbers")
CATEGORIES = ("1a", "1b", "1c", "1d", "7")
DIGIT_CONTRIBUTORS = {"apa", "apb", "cea", "ceb", "ced", "gmd", "lou", "syn", "uqb", "val"}
# Letters and signs shaped like digits, such as O, l, S and Z, are missing.
LETTERS_AND_SIGNS = set("ACEFHKMNPRWXYdefhkmnprwx#$%&*+<=>?@[]^{}~")
ISOLATED_MARKS = set("'!\"(),-./:;\\_`|")
NUMBER = re.compile(r"(?=.*[0-9])[0-9#$%()+,\-./:=]{2,}")
ROWS_PER_CHARACTER = {NOT_DIGITS: 200, MARKS: 150}
SEED = 0
SIZE = 300  # of the longer side

Point = tuple[float, float]
COORDINATES = re.compile(r"[-+.\d\s]+")
RANGE = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")


class Skipped(Exception):
    """The reason for leaving out a segment."""


@dataclass(frozen=True)
class Component:
    """Points between two changes of the pen's state, y upwards."""

    pen_down: bool
    writer: str
    points: list[Point] = field(default_factory=list)


class Row(NamedTuple):
    character: str
    writer: str
    line: str


@dataclass
class Recording:
    """A file of data/ joined with its included files."""

    include: Path
    writer: str
    columns: list[str] = field(default_factory=lambda: ["X", "Y"])
    components: list[Component] = field(default_factory=list)
    segments: list[tuple[str, str]] = field(default_factory=list)
    is_complete: bool = True

    def read(self, path: Path, including: tuple[Path, ...] = ()) -> None:
        if path in including or not path.is_file():
            self.is_complete = False
            return
        # UNIPEN has no declared encoding; Latin-1 decodes all bytes.
        with path.open(encoding="latin-1") as file:
            for line in file:
                is_keyword = line.startswith(".") and line[1:2].isalpha()
                keyword = line.split(maxsplit=1)[0] if is_keyword else ""
                rest = line[len(keyword) :]
                if keyword == ".INCLUDE":
                    name = rest.strip().strip('"').replace("\\", "/")
                    self.read(self.include / name, (*including, path))
                else:
                    self.parse(keyword, rest)

    def parse(self, keyword: str, rest: str) -> None:
        if keyword == ".COORD" and {"X", "Y"} <= set(rest.upper().split()):
            self.columns = rest.upper().split()
        elif keyword == ".WRITER_ID":
            self.writer = " ".join(rest.split()) or self.writer
        elif keyword == ".SEGMENT":
            self.segments.append(parse_segment(rest))
        elif keyword in (".PEN_DOWN", ".PEN_UP"):
            self.components.append(Component(keyword == ".PEN_DOWN", self.writer))
        # Points continue the last component, even after other keywords.
        elif not keyword and self.components and (point := parse_point(rest, self.columns)):
            self.components[-1].points.append(point)


def parse_segment(text: str) -> tuple[str, str]:
    """Return the delineation and label of ``LEVEL DELINEATION [QUALITY] "LABEL"``."""
    head, _, quoted = text.partition('"')
    delineation = [word for word in head.split()[1:] if word[0] in "0123456789,-"]
    # Escaped newlines and tabs count as spaces.
    label = re.sub(
        r"\\(.)", lambda escape: re.sub("[nt]", " ", escape[1]), quoted.rpartition('"')[0]
    )
    return " ".join(delineation), label


def parse_point(line: str, columns: list[str]) -> Point | None:
    words = line.split()
    if len(words) < len(columns) or not COORDINATES.fullmatch(line):
        return None
    try:
        return float(words[columns.index("X")]), float(words[columns.index("Y")])
    except ValueError:
        return None


def select_parts(components: list[Component], delineation: str) -> list[Component]:
    """Return the pen-down parts of a delineation such as ``2-4,6:0-6:3``.

    ``6:0-6:3`` are the points 0 to 3 of component 6. Components and points are numbered from 0,
    pen-down and pen-up together; both ends are included.
    """
    parts = []
    joined = re.sub(r"\s*-\s*", "-", delineation)
    for text in re.split(r"[\s,]+", joined.strip(" ,")):
        match = RANGE.fullmatch(text)
        if not match:
            raise Skipped("unknown delineation")
        first, start, last, end = (int(group) if group else None for group in match.groups())
        assert first is not None
        if last is None:
            last, end = first, start
        if last >= len(components):
            raise Skipped("missing component")
        for number in range(first, last + 1):
            begin = start if number == first else None
            stop = end + 1 if number == last and end is not None else None
            points = components[number].points[begin:stop]
            if components[number].pen_down and points:
                parts.append(replace(components[number], points=points))
    if not parts:
        raise Skipped("no ink")
    return parts


def scale(parts: list[Component]) -> list[list[Point]]:
    """Return strokes with y downwards from 0, and the longer side of the bounding box SIZE."""
    xs, ys = zip(*(point for part in parts for point in part.points), strict=True)
    side = max(max(xs) - min(xs), max(ys) - min(ys))
    if not side:
        raise Skipped("a single position")
    left, top, factor = min(xs), max(ys), SIZE / side
    return [
        [(round((x - left) * factor, 1), round((top - y) * factor, 1)) for x, y in part.points]
        for part in parts
    ]


def choose_file(category: str, contributor: str, label: str) -> tuple[str, str]:
    """Return the name of a segment's output file and the reason for skipping it, or ""."""
    if category == "1a" and contributor not in DIGIT_CONTRIBUTORS:
        return DIGITS, "other contributor"
    if category == "1a":
        return DIGITS, "" if re.fullmatch("[0-9]", label) else "other label"
    if category == "7":
        return NUMBERS, "" if NUMBER.fullmatch(label) else "other label"
    if label in ISOLATED_MARKS:
        return MARKS, ""
    return NOT_DIGITS, "" if label in LETTERS_AND_SIGNS else "other label"


def make_row(file: str, label: str, contributor: str, parts: list[Component]) -> Row:
    digest = hashlib.sha256(parts[0].writer.encode()).hexdigest()
    writer = f"{contributor}-{digest[:8]}"
    strokes = scale(parts)
    record = {"strokes": strokes, "label": label, "writer": writer}
    if file in (NOT_DIGITS, MARKS):
        record |= {"label": "?", "what": label}
    return Row(label, writer, json.dumps(record, separators=(",", ":")))


@dataclass
class Result:
    """Rows of one output file, and the number of skipped segments by reason."""

    rows: list[Row] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def limit(self, maximum: int) -> None:
        """Keep a random sample of each character with more rows than the maximum."""
        numbers = defaultdict(list)
        for number, row in enumerate(self.rows):
            numbers[row.character].append(number)
        kept: list[int] = []
        for same in numbers.values():
            kept += random.Random(SEED).sample(same, min(maximum, len(same)))
        if len(kept) < len(self.rows):
            self.skipped["over the limit of its character"] += len(self.rows) - len(kept)
            self.rows = [self.rows[number] for number in sorted(kept)]

    def write(self, path: Path) -> None:
        content = "".join(f"{row.line}\n" for row in self.rows).encode()
        with gzip.GzipFile(path, "wb", mtime=0) as file:
            file.write(content)
        writers = len({row.writer for row in self.rows})
        print(f"{path}: {len(self.rows):,} rows, {writers:,} writers")
        print(f"  SHA-256 of the uncompressed content: {hashlib.sha256(content).hexdigest()}")
        for reason, count in sorted(self.skipped.items()):
            print(f"  skipped: {count:,}, {reason}")


def convert(folder: Path, paths: Iterable[Path]) -> dict[str, Result]:
    results = {name: Result() for name in FILES}
    known: set[Row] = set()
    for path in paths:
        _, category, contributor, *_ = path.relative_to(folder).parts
        recording = Recording(folder / "include", writer=path.stem)
        recording.read(path)
        for delineation, label in recording.segments:
            file, skipped = choose_file(category, contributor, label)
            try:
                if skipped:
                    raise Skipped(skipped)
                # A missing file shifts the numbers of the following components.
                if not recording.is_complete:
                    raise Skipped("missing included file")
                parts = select_parts(recording.components, delineation)
                row = make_row(file, label, contributor, parts)
                if row in known:
                    raise Skipped("duplicate")
            except Skipped as reason:
                results[file].skipped[str(reason)] += 1
                continue
            known.add(row)
            results[file].rows.append(row)
    for name, maximum in ROWS_PER_CHARACTER.items():
        results[name].limit(maximum)
    return results


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="train_r01_v07 with data/ and include/")
    parser.add_argument("output_folder", type=Path)
    options = parser.parse_args()
    patterns = [f"data/{category}/*/**/*" for category in CATEGORIES]
    paths = sorted(path for one in patterns for path in options.folder.glob(one) if path.is_file())
    if not paths or not (options.folder / "include").is_dir():
        sys.exit(
            f"{options.folder} is not a UNIPEN distribution: name its folder train_r01_v07,"
            " which contains data/1a and include."
        )
    try:
        options.output_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"Cannot create {options.output_folder} ({error.strerror}): name another folder.")
    results = convert(options.folder, tqdm(paths, unit="file"))
    for name, result in results.items():
        result.write(options.output_folder / f"unipen-{name}.jsonl.gz")
    print(SOURCE)


if __name__ == "__main__":
    main()
