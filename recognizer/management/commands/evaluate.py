"""manage.py evaluate: one report on a model, as a page with pictures and as JSON."""

import io
import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from ml.classifier import Classifier, ModelError
from recognizer.management.training_dependencies import training_requirements
from recognizer.rendering import grid_png
from recognizer.serving import ModelUnavailable, current_classifier

BEGIN, END = "<!-- figures: written by manage.py evaluate -->", "<!-- end of figures -->"


class Command(BaseCommand):
    help = "Measure a model: digits by class, calibration, robustness, non-digits, numbers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "model", type=Path, nargs="?", help="an ONNX file; by default the one that serves"
        )
        parser.add_argument("--against", type=Path, metavar="MODEL", help="another, side by side")
        parser.add_argument(
            "--dataset",
            choices=("mnist", "usps", "emnist", "qmnist"),
            default="mnist",
            help="the test images; all but mnist are downloaded; default: %(default)s",
        )
        parser.add_argument(
            "--strokes",
            type=Path,
            metavar="FILE",
            help="pen strokes, UNIPEN or JSON Lines; those of writers held out of the training",
        )
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FILE",
            default=settings.VAR / "report.html",
            help="where the page goes, with the JSON beside it; default: %(default)s",
        )
        parser.add_argument(
            "--card", type=Path, metavar="FILE", help="a model card to bring up to date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with training_requirements():
            from tqdm import tqdm

            from ml.evaluation import evaluate

        if options["card"] and options["dataset"] != "mnist":
            raise CommandError("A model card has the figures of MNIST: leave out --dataset.")
        if options["report"].suffix == ".json":
            raise CommandError("--report names the page, such as report.html; JSON goes beside it.")
        model = self._load(options["model"])
        subjects = self._subjects(options, model)
        evaluation = evaluate.evaluate_images(model, subjects.digits)
        figures = evaluate.measure(
            model, evaluation, subjects, lambda it, **how: tqdm(it, leave=False, **how)
        )
        if options["against"]:
            other = self._load(options["against"])
            compared = evaluate.of_comparison(
                evaluation, evaluate.evaluate_images(other, subjects.digits)
            )
            figures["against"] = {"version": other.version, **compared}
        self.stdout.write(render_to_string("recognizer/report.txt", figures).strip())
        self._write(options["report"], figures, evaluation, subjects.digits.images.numpy())
        if options["card"]:
            self._update_card(options["card"], figures)

    def _load(self, path: Path | None) -> Classifier:
        try:
            return Classifier(path.read_bytes()) if path else current_classifier()
        except (OSError, ModelError, ModelUnavailable) as error:
            raise CommandError(f"The model cannot be used: {error}") from error

    def _subjects(self, options: dict[str, Any], model: Classifier) -> Any:
        from ml.evaluation import evaluate
        from ml.training import data, stroke_files

        name = options["dataset"]
        try:
            digits = (
                data.mnist(train=False)
                if name == "mnist"
                else data.others()[name](settings.VAR / "datasets")
            )
            written = stroke_files.read_digits(options["strokes"]) if options["strokes"] else []
        except (OSError, RuntimeError, ValueError) as error:
            raise CommandError(f"There is nothing to measure on: {error}") from error
        training = model.facts.get("training", {})
        if written and training.get("stroke_images"):
            written = [digit for digit in written if digit.writer in training["held_out_writers"]]
            if not written:
                raise CommandError(
                    f"The model knows strokes, and of the writers in {options['strokes']} none is"
                    " named among those that it was not trained on."
                )
        return evaluate.Subjects(name, digits, written)

    def _write(self, page: Path, figures: dict[str, Any], evaluation: Any, images: Any) -> None:
        from ml.evaluation import plots

        page.parent.mkdir(parents=True, exist_ok=True)
        page.with_suffix(".json").write_text(json.dumps(figures, indent=1))
        mistakes = [
            (mistake, grid_png(images[mistake["index"]].tobytes(), side=56))
            for mistake in figures["mistakes"]
        ]
        pictures = {
            "confusion_matrix": _svg(plots.confusion(evaluation.confusion)),
            "reliability_diagram": _svg(plots.reliability(evaluation.bins())),
            "coverage_curve": _svg(plots.coverage(evaluation.error_rates())),
            "robustness_grid": _svg(plots.robustness(figures["robustness"])),
        }
        shown = {**figures, **pictures, "shown_mistakes": mistakes, "made": datetime.now(UTC)}
        page.write_text(render_to_string("recognizer/report.html", shown))
        self.stdout.write(self.style.SUCCESS(f"Report: {page} and {page.with_suffix('.json')}"))

    def _update_card(self, card: Path, figures: dict[str, Any]) -> None:
        """Replace what stands between the two marks of a model card."""
        text = card.read_text()
        if BEGIN not in text or END not in text:
            raise CommandError(f"{card} has no place for figures: {BEGIN} … {END}")
        before, rest = text.split(BEGIN, 1)
        written = render_to_string("recognizer/card.md", figures).strip()
        card.write_text(f"{before}{BEGIN}\n{written}\n{END}{rest.split(END, 1)[1]}")
        self.stdout.write(self.style.SUCCESS(f"Model card: {card}"))


def _svg(figure: Any) -> SafeString:
    """A figure of matplotlib as an element of a page."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    content = text.getvalue()
    return mark_safe(content[content.index("<svg") :])  # noqa: S308 (we drew it)
