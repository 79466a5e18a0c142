"""manage.py train: a new model from MNIST, and from pen strokes if there are any."""

from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognizer.management.requirements import training_requirements


class Command(BaseCommand):
    help = "Train LeNet on MNIST and write it as one ONNX file, which the server follows at once."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="5 epochs: about a minute")
        parser.add_argument("--epochs", type=int, help="passes over the training images")
        parser.add_argument("--seed", type=int, default=0, help="same seed, same weights")
        parser.add_argument(
            "--strokes", type=Path, metavar="FILE", help="pen strokes: UNIPEN or JSON Lines"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            default=settings.MODEL_FILES[0],
            help="default: %(default)s",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with training_requirements():
            from tqdm import tqdm

            from ml import run, train

        epochs = options["epochs"]
        if epochs is None:
            epochs = 5 if options["quick"] else train.Recipe.epochs
        if epochs < 1:
            raise CommandError("--epochs must be at least 1.")
        recipe = train.Recipe(epochs=epochs, seed=options["seed"])
        try:
            sets = run.load_sets(options["strokes"])
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self._describe(sets))

        started = perf_counter()
        trainer = train.Trainer(recipe, sets)
        with tqdm(total=epochs * trainer.steps_per_epoch, unit="batch", leave=False) as bar:

            def on_step(loss: float) -> None:
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                bar.update()

            tqdm.write("epoch    loss  validation loss  validation errors  seconds")
            for epoch in trainer.epochs(on_step):
                tqdm.write(
                    f"{epoch.number:5} {epoch.loss:7.4f} {epoch.validation_loss:16.4f}"
                    f" {epoch.validation_errors:18} {epoch.seconds:8.1f}"
                )
        content = run.finish(trainer, perf_counter() - started)
        self._write(content, options["output"])

    def _describe(self, sets: Any) -> str:
        strokes = f", {len(sets.strokes.labels):,} drawn strokes" if sets.strokes else ""
        return (
            f"Training on {len(sets.training.labels):,} images{strokes};"
            f" validating on {len(sets.validation.labels):,}."
        )

    def _write(self, content: bytes, output: Path) -> None:
        """Replace the file in one step, so that no server ever reads half of it."""
        from ml.classifier import Classifier

        classifier = Classifier(content)
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(output)
        for name, figures in classifier.facts["metrics"].items():
            share = 1 - figures["errors"] / figures["of"]
            self.stdout.write(
                f"{name}: {figures['errors']} errors of {figures['of']:,} ({share:.2%}),"
                f" calibration error {figures['calibration_error']:.2%}"
            )
        self.stdout.write(self.style.SUCCESS(f"Model {classifier.version} written to {output}"))
