"""manage.py export_dataset DIR: write digits with reviewer labels to a dataset folder."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recognizer import dataset_export
from recognizer.models import Digit

# Digits between two updates of the progress.
PROGRESS_STEP = 1_000


class Command(BaseCommand):
    help = "Write labeled digits to a dataset folder: MNIST's format, CSV, PNG or strokes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--format", choices=dataset_export.FORMATS, default="idx", help="default: %(default)s"
        )
        parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")

    def handle(self, *args: Any, format: str, folder: Path, **options: Any) -> None:
        digits = dataset_export.labeled()
        total = digits.count()

        def show_progress(digits: Iterable[Digit]) -> Iterator[Digit]:
            for number, digit in enumerate(digits, start=1):
                if number % PROGRESS_STEP == 0 and self.stderr.isatty():
                    self.stderr.write(f"\r{number:,} of {total:,}", ending="")
                yield digit

        try:
            if folder.exists() and any(folder.iterdir()):
                raise CommandError(f"{folder} is not empty. Name a new or empty folder.")
            folder.mkdir(parents=True, exist_ok=True)
            # A partial export could pass for a complete one.
            with TemporaryDirectory(dir=folder, prefix=".partial-") as partial:
                written = dataset_export.write(digits, format, Path(partial), show_progress)
                for path in Path(partial).iterdir():
                    path.rename(folder / path.name)
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error}") from error
        skipped = f"; {total - written:,} do not fit the format" if total > written else ""
        self.stdout.write(self.style.SUCCESS(f"{written:,} digits written to {folder}{skipped}."))
