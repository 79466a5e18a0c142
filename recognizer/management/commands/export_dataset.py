"""manage.py export_dataset DIR: what reviewers have labeled, as files for training."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recognizer import dataset_export
from recognizer.models import Digit

EVERY = 1_000  # digits, between two signs of life


class Command(BaseCommand):
    help = "Write the labeled digits to a folder: as MNIST's files, CSV, pictures or strokes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--format", choices=dataset_export.FORMATS, default="idx", help="default: %(default)s"
        )
        parser.add_argument("folder", type=Path, metavar="DIR", help="new, or empty")

    def handle(self, *args: Any, format: str, folder: Path, **options: Any) -> None:
        digits = dataset_export.labeled()
        total = digits.count()
        try:
            if folder.exists() and any(folder.iterdir()):
                raise CommandError(f"{folder} is not empty.")
            written = dataset_export.write(
                digits, format, folder, lambda it: self._shown(it, total)
            )
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error}") from error
        left_out = f"; {total - written:,} do not fit the format" if total > written else ""
        self.stdout.write(self.style.SUCCESS(f"{written:,} digits written to {folder}{left_out}."))

    def _shown(self, digits: Iterable[Digit], total: int) -> Iterator[Digit]:
        """The same digits, with a count of them on a terminal."""
        for number, digit in enumerate(digits, start=1):
            if number % EVERY == 0 and self.stderr.isatty():
                self.stderr.write(f"\r{number:,} of {total:,}", ending="")
            yield digit
