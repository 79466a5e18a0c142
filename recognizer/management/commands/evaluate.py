"""manage.py evaluate: the figures of a model file on MNIST's test set."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml.classifier import Classifier, ModelError
from recognizer import classifier
from recognizer.management.requirements import training_requirements


class Command(BaseCommand):
    help = "Measure a model on MNIST's 10,000 test digits, by class, with a confusion matrix."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "model", type=Path, nargs="?", help="an ONNX file; by default the one that serves"
        )
        parser.add_argument(
            "--picture",
            type=Path,
            metavar="FILE",
            default=settings.VAR / "confusion.png",
            help="where the confusion matrix goes; default: %(default)s",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with training_requirements():
            from ml import data, evaluate

        model = self._load(options["model"])
        evaluation = evaluate.evaluate(model, data.mnist(train=False))
        self.stdout.write(
            f"Model {model.version}: {evaluation.errors} errors of {evaluation.total:,}"
            f" ({evaluation.accuracy:.2%})"
        )
        self.stdout.write("digit  count  errors   recall  precision")
        for digit, (count, errors, recall, precision) in enumerate(evaluation.by_class()):
            self.stdout.write(f"{digit:5} {count:6} {errors:7} {recall:8.2%} {precision:10.2%}")
        evaluate.draw_confusion(evaluation, options["picture"])
        self.stdout.write(self.style.SUCCESS(f"Confusion matrix: {options['picture']}"))

    def _load(self, path: Path | None) -> Classifier:
        try:
            return Classifier(path.read_bytes()) if path else classifier.current()
        except (OSError, ModelError, classifier.ModelUnavailable) as error:
            raise CommandError(f"The model cannot be used: {error}") from error
