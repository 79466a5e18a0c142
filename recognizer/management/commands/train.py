"""manage.py train: a new model from MNIST, and from pen strokes if there are any."""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ml.classifier import Classifier
from ml.training import dataset_folder
from ml.training.dataset_folder import LabeledDigits
from recognizer import dataset_export, registry
from recognizer.management.measurement import measure
from recognizer.management.training_dependencies import training_requirements

# What an interrupted run remembers.
BEGUN_WITH = ("quick", "epochs", "seed", "strokes", "with_labeled", "data")
# Where the model is written from, how training stands, and its curves.
BESIDE = (".partial", ".checkpoint", ".png")


class Command(BaseCommand):
    help = "Train LeNet on MNIST and write it as one ONNX file."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="10 epochs: about a minute")
        parser.add_argument("--epochs", type=int, help="passes over the training images")
        parser.add_argument("--seed", type=int, help="same seed, same weights; default: 0")
        parser.add_argument(
            "--strokes", type=Path, metavar="FILE", help="pen strokes: UNIPEN or JSON Lines"
        )
        parser.add_argument(
            "--with-labeled",
            action="store_true",
            help="also what reviewers have labeled; a fifth of the drawings is held out",
        )
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="also digits that export_dataset has written"
        )
        parser.add_argument(
            "--resume", action="store_true", help="go on with an interrupted run, as it was begun"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            default=settings.VAR / "lenet.onnx",
            help="default: %(default)s; the curves of the training go beside it",
        )
        parser.add_argument(
            "--register", action="store_true", help="store it as a candidate in the database too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with training_requirements():
            from ml.evaluation import plots
            from ml.training import pipeline

        output: Path = options["output"]
        if output.suffix in BESIDE:
            raise CommandError(f"{output} would be replaced by what goes beside it: name it .onnx.")
        checkpoint = output.with_suffix(".checkpoint")
        trainer, stroke_file = self._trainer(options, checkpoint)
        self.stdout.write(self._describe(trainer.sets))
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._train(trainer, lambda: pipeline.save_checkpoint(trainer, stroke_file, checkpoint))
        except KeyboardInterrupt:
            kept = len(trainer.history)
            raise CommandError(
                f"Interrupted; {kept} of {trainer.recipe.epochs} epochs are kept."
                + (f" Go on with: manage.py train --resume --output {output}" if kept else "")
                + (" --register" if kept and options["register"] else "")
            ) from None
        self._write(pipeline.finish(trainer), output)
        curves = output.with_suffix(".png")
        plots.curves(trainer.history).savefig(curves)
        self.stdout.write(self.style.SUCCESS(f"Curves: {curves}"))
        checkpoint.unlink()
        self._offer(output, register=options["register"])

    def _trainer(self, options: dict[str, Any], checkpoint: Path) -> Any:
        """The trainer, at its beginning or where it was interrupted, and its stroke file."""
        from ml.training import pipeline, train

        try:
            if options["resume"]:
                given = [name for name in BEGUN_WITH if options[name]]
                if given:
                    option = given[0].replace("_", "-")
                    raise CommandError(f"--resume goes on as begun; leave out --{option}.")
                return pipeline.resume(checkpoint)
            recipe = train.QUICK if options["quick"] else train.Recipe()
            if options["epochs"] is not None:
                recipe = replace(recipe, epochs=options["epochs"])
            if recipe.epochs < 1:
                raise CommandError("--epochs must be at least 1.")
            recipe = replace(recipe, seed=options["seed"] or 0)
            reviewed = self._reviewed(options)
            return pipeline.start(recipe, options["strokes"], reviewed), options["strokes"]
        except FileNotFoundError as error:
            missing = "There is nothing to resume: " if options["resume"] else ""
            raise CommandError(f"{missing}{error}") from error
        except (DatabaseError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _reviewed(self, options: dict[str, Any]) -> LabeledDigits | None:
        """What was labeled, from the database and from files."""
        digits: list[dataset_folder.Record] = []
        if options["with_labeled"]:
            digits += dataset_export.records(dataset_export.labeled())
            if not digits:
                raise CommandError("Nothing is labeled yet: review some drawings first.")
        if options["data"]:
            digits += dataset_folder.read(options["data"])
        return LabeledDigits.of(digits) if digits else None

    def _describe(self, sets: Any) -> str:
        strokes = f", {len(sets.strokes.labels):,} drawn strokes" if sets.strokes else ""
        for name, known, held_out in (
            ("reviewed digits", sets.reviewed, sets.held_out_reviewed),
            ("that are no digit", sets.non_digits, sets.held_out_non_digits),
        ):
            strokes += f", {len(known.labels):,} {name}" if known else ""
            strokes += f" ({len(held_out.labels):,} more held out)" if held_out else ""
        return (
            f"Training on {len(sets.training.labels):,} images{strokes};"
            f" validating on {len(sets.validation.labels):,}."
        )

    def _train(self, trainer: Any, after_epoch: Any) -> None:
        from tqdm import tqdm

        steps, done = trainer.steps_per_epoch, len(trainer.history)
        with tqdm(
            initial=done * steps, total=trainer.recipe.epochs * steps, unit="batch", leave=False
        ) as bar:

            def on_step(loss: float, rate: float) -> None:
                bar.set_postfix_str(f"loss {loss:.3f}, rate {rate:.1e}", refresh=False)
                bar.update()

            tqdm.write("epoch    loss  validation loss  validation errors     rate  seconds")
            for epoch in trainer.epochs(on_step):
                after_epoch()
                tqdm.write(
                    f"{epoch.number:5} {epoch.loss:7.4f} {epoch.validation_loss:16.4f}"
                    f" {epoch.validation_errors:18} {epoch.rate:8.1e} {epoch.seconds:8.1f}"
                )

    def _write(self, content: bytes, output: Path) -> None:
        """Replace the file in one step, so that no server ever reads half of it."""
        classifier = Classifier(content)
        partial = output.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(output)
        for name, figures in classifier.facts["metrics"].items():
            share = 1 - figures["errors"] / figures["of"]
            calibration = figures.get("calibration_error")
            self.stdout.write(
                f"{name}: {figures['errors']} errors of {figures['of']:,} ({share:.2%})"
                # What is no digit has no calibration.
                + (f", calibration error {calibration:.2%}" if calibration is not None else "")
            )
        self.stdout.write(self.style.SUCCESS(f"Model {classifier.version} written to {output}"))

    def _offer(self, output: Path, *, register: bool) -> None:
        """Say how the model comes to serve; register it if asked to."""
        if not register:
            self.stdout.write(f"To let it serve, first: manage.py models import {output}")
            return
        try:
            version, _ = registry.register(output.read_bytes())
        except DatabaseError as error:
            raise CommandError(
                f"It is not registered: {error}. Later: manage.py models import {output}"
            ) from error
        self.stdout.write(f"Registered; to let it serve: manage.py models promote {version}")
        measure(version.load())
