"""manage.py predict FILE…: predict the digits in picture files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ml.preprocessing.picture_files import PictureError, open_picture
from recognizer import drawings
from recognizer.serving import ModelUnavailable


class Command(BaseCommand):
    help = "Predict the digits in picture files with the serving model."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for file in options["files"]:
            try:
                prediction = drawings.predict(open_picture(file.read_bytes()))
            except (OSError, PictureError) as error:
                failed += 1
                self.stderr.write(f"{file}: {error}")
                continue
            except ModelUnavailable as error:
                raise CommandError(f"The serving model cannot be used: {error}") from error
            verdicts = ", ".join(f"{d.verdict} {d.confidence:.1%}" for d in prediction.digits)
            # One line per file.
            text = prediction.text.replace("\n", " ")
            result = f"{text} ({verdicts})" if verdicts else "blank"
            self.stdout.write(f"{file}: {result}")
        if failed:
            raise CommandError(f"{failed} of {len(options['files'])} files could not be read.")
