"""manage.py train: train a model on MNIST and, optionally, strokes and labeled digits."""

import io
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ml.classifier import Classifier
from ml.files import write_file
from ml.training import dataset_folder, stroke_files
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import StrokeFile
from recognizer import dataset_export, registry
from recognizer.comparison import load_shipped_model
from recognizer.management.measurement import measure
from recognizer.management.training_dependencies import training_dependencies

# Options stored in the checkpoint.
CHECKPOINT_OPTIONS = ("quick", "epochs", "seed", "strokes", "with_labeled", "data")
# Suffixes of the files beside the model: incomplete files, checkpoint, training curves.
RESERVED_SUFFIXES = (".partial", ".checkpoint", ".png")


class Command(BaseCommand):
    help = "Train LeNet on MNIST and write an ONNX file."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="10 epochs in about a minute")
        parser.add_argument("--epochs", type=int, help="passes over the training images")
        parser.add_argument("--seed", type=int, help="random seed; default: 0")
        parser.add_argument(
            "--strokes",
            type=Path,
            action="extend",
            nargs="+",
            default=[],
            metavar="FILE",
            help="stroke files, UNIPEN or JSON Lines, gzipped or not: digits, non-digits, numbers",
        )
        parser.add_argument(
            "--with-labeled",
            action="store_true",
            help="add digits with reviewer labels; a fifth of their drawings is held out",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            help="add a folder of digits: CSV, MNIST's format, JSON Lines, or pictures by label",
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="continue an interrupted training with its options",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            default=settings.VAR / "lenet.onnx",
            help="model file; the training curves are written beside it; default: %(default)s",
        )
        parser.add_argument(
            "--register", action="store_true", help="store the model in the registry and measure it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with training_dependencies():
            from ml.evaluation import plots
            from ml.training import pipeline

        output: Path = options["output"]
        if output.suffix in RESERVED_SUFFIXES:
            raise CommandError(f"--output {output} is not a model file. Use the suffix .onnx.")
        checkpoint, curves = output.with_suffix(".checkpoint"), output.with_suffix(".png")
        trainer, paths = self._trainer(options, checkpoint)
        self.stdout.write(_describe(trainer.datasets))

        def hint() -> str:
            if not (trainer.history and checkpoint.exists()):
                return ""
            register = " --register" * options["register"]
            return f" Continue with: manage.py train --resume --output {output}{register}"

        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            self._train(trainer, lambda: pipeline.save_checkpoint(trainer, paths, checkpoint))
            self._write(pipeline.finish(trainer), output)
            figure = io.BytesIO()
            plots.curves(trainer.history).savefig(figure)
            write_file(curves, figure.getvalue())
            checkpoint.unlink(missing_ok=True)
        except KeyboardInterrupt:
            epochs = f"{len(trainer.history)} of {trainer.recipe.epochs} epochs"
            raise CommandError(f"Interrupted after {epochs}.{hint()}") from None
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be written: {error.strerror}.{hint()}"
            ) from error
        self.stdout.write(self.style.SUCCESS(f"Training curves: {curves}"))
        if options["register"]:
            self._register(output)
        else:
            self.stdout.write(f"To register it: manage.py models import {output}")

    def _trainer(self, options: dict[str, Any], checkpoint: Path) -> Any:
        """Return a new or resumed trainer and its stroke files."""
        from ml.training import pipeline, train

        try:
            if options["resume"]:
                return self._resume(options, checkpoint)
            recipe = train.QUICK if options["quick"] else train.Recipe()
            epochs = recipe.epochs if options["epochs"] is None else options["epochs"]
            if epochs < 1:
                raise CommandError(f"--epochs {epochs} is too small. Use at least 1.")
            recipe = replace(recipe, epochs=epochs, seed=options["seed"] or 0)
            labeled = self._labeled(options)
            files = [stroke_files.read(path) for path in options["strokes"]]
            if labeled or files:
                self._report(labeled, files)
            datasets = pipeline.load_datasets(files, labeled, recipe.seed)
            return train.Trainer(recipe, datasets), options["strokes"]
        except OSError as error:
            is_stroke_file = error.filename in map(str, options["strokes"])
            source = " docs/models.md names the sources of stroke files." * is_stroke_file
            text = f"{error.filename} cannot be used: {error.strerror}.{source}"
            raise CommandError(text) from error
        except (DatabaseError, ValueError) as error:
            raise CommandError(f"The training cannot start: {error}") from error

    def _resume(self, options: dict[str, Any], checkpoint: Path) -> Any:
        from ml.training import pipeline

        conflicts = [name for name in CHECKPOINT_OPTIONS if options[name]]
        if conflicts:
            option = conflicts[0].replace("_", "-")
            raise CommandError(f"--resume uses the stored options. Omit --{option}.")
        if not checkpoint.exists():
            raise CommandError(f"There is no checkpoint {checkpoint}. Omit --resume.")
        try:
            return pipeline.resume(checkpoint)
        except FileNotFoundError as error:
            raise CommandError(
                f"The training cannot be resumed: {error.filename} is missing."
                " Restore it, or start again without --resume."
            ) from error

    def _labeled(self, options: dict[str, Any]) -> LabeledDigits | None:
        """Return the labeled digits of the database and of a dataset folder."""
        from ml.training import data

        records: list[dataset_folder.Record] = []
        if options["with_labeled"]:
            records += dataset_export.records(dataset_export.labeled())
            if not records:
                raise CommandError("No digit has a reviewer label. Label some in the review queue.")
        if options["data"]:
            contents = data.exclude_mnist(dataset_folder.read(options["data"]))
            self.stdout.writelines(dataset_folder.describe_exclusions(contents.exclusions))
            records += contents.records
        return LabeledDigits.of(records) if records else None

    def _report(self, labeled: LabeledDigits | None, files: list[StrokeFile]) -> None:
        """Print the counts, exclusions and differences from MNIST; write the contact sheet."""
        from ml.training import dataset_report

        groups, warnings = [], []
        if labeled:
            groups.append(labeled)
            counts = dataset_report.describe_counts(labeled.labels.tolist())
            self.stdout.write(f"Labeled digits: {counts}.")
            if duplicates := len(labeled) - sum(map(len, labeled.split())):
                self.stdout.write(f"{duplicates:,} excluded: same image as a held-out digit.")
            warnings += dataset_report.compare_with_mnist(labeled)
        for file in files:
            if labels := [one.label for one in file.samples if len(one.text) == 1]:
                self.stdout.write(f"{file.name}: {dataset_report.describe_counts(labels)}.")
            for reason, count in file.exclusions.items():
                self.stdout.write(f"{count:,} excluded: {reason} ({file.name}).")
        samples = [sample for file in files for sample in file.samples]
        if examples := dataset_report.stroke_examples(samples):
            groups.append(examples)
        for group in groups:
            warnings += dataset_report.compare_orientation(group, load_shipped_model())
        for warning in warnings:
            self.stdout.write(self.style.WARNING(f"Warning: {warning}"))
        if groups:
            sheet = settings.VAR / "dataset.png"
            write_file(sheet, dataset_report.contact_sheet(*groups))
            self.stdout.write(f"Contact sheet: {sheet}")

    def _train(self, trainer: Any, save_checkpoint: Callable[[], None]) -> None:
        """Train with a progress bar and print the metrics of each epoch."""
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
                save_checkpoint()
                tqdm.write(
                    f"{epoch.number:5} {epoch.loss:7.4f} {epoch.validation_loss:16.4f}"
                    f" {epoch.validation_errors:18} {epoch.rate:8.1e} {epoch.seconds:8.1f}"
                )

    def _write(self, content: bytes, output: Path) -> None:
        """Replace the model file atomically and print its metrics."""
        classifier = Classifier(content)
        write_file(output, content)
        for name, metrics in classifier.facts["metrics"].items():
            errors, total = metrics["errors"], metrics["of"]
            line = f"{name}: {errors} errors of {total:,} ({1 - errors / total:.2%})"
            if "calibration_error" in metrics:  # absent for non-digits
                line += f", calibration error {metrics['calibration_error']:.2%}"
            self.stdout.write(line)
        self.stdout.write(self.style.SUCCESS(f"Model {classifier.version} written to {output}"))

    def _register(self, output: Path) -> None:
        try:
            version, _ = registry.register(output.read_bytes())
        except DatabaseError as error:
            raise CommandError(
                f"The model is not registered: {error}."
                f" Register it later: manage.py models import {output}"
            ) from error
        self.stdout.write(f"Registered. To serve it: manage.py models promote {version}")
        self.stdout.write("Measuring models without measurements: about a minute each.")
        measure(version.load())


def _describe(datasets: Any) -> str:
    lines = [
        f"{file['name']}: {_counts(file, 'digits')}, {_counts(file, 'non_digits')},"
        f" {_counts(file, 'numbers')}; {file['skipped']:,} rows skipped"
        f"{' (other label or no points)' * bool(file['skipped'])}."
        for file in datasets.stroke_files
    ]
    parts = [f"{len(datasets.training.labels):,} images"]
    if datasets.strokes:
        parts.append(f"{len(datasets.strokes.labels):,} strokes with variants")
    for name, training, held_out in (
        ("labeled digits", datasets.labeled, datasets.held_out_labeled),
        ("labeled non-digits", datasets.non_digits, datasets.held_out_non_digits),
    ):
        if training or held_out:
            counts = [len(images.labels) if images else 0 for images in (training, held_out)]
            parts.append(f"{counts[0]:,} {name} ({counts[1]:,} more held out)")
    lines.append(
        f"Training on {', '.join(parts)}; validating on {len(datasets.validation.labels):,}."
    )
    return "\n".join(lines)


def _counts(file: Any, kind: str) -> str:
    parts = file[kind]
    total = sum(parts.values())
    name = kind.replace("_", "-")
    if not total:
        return f"no {name}"
    split = ", ".join(f"{count:,} {part}" for part, count in parts.items())
    return f"{total:,} {name} ({split})"
