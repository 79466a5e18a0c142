"""A complete training run: datasets, checkpoints, calibration, metrics, model file."""

import dataclasses
import io
import platform
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from ml.classifier import Classifier, Verdict
from ml.evaluation.evaluate import evaluate_images
from ml.files import write_file
from ml.lenet import normalize
from ml.model_metadata import MAX_EPOCHS
from ml.training import calibration, data, export, held_out, stroke_files, variants
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import HELD_OUT_CHARACTERS, StrokeFile, StrokeSample
from ml.training.train import Datasets, Recipe, Trainer

# Datasets from labeled drawings, stored in checkpoints.
LABELED = ("labeled", "held_out_labeled", "non_digits", "held_out_non_digits")

# Variants of each non-digit, and outliers made of the strokes' digits.
OUTLIER_VARIANTS, CROSSED_OUT, PAIRS = 2, 3_000, 3_000


def load_datasets(
    files: Sequence[StrokeFile] = (), labeled: LabeledDigits | None = None, seed: int = 0
) -> Datasets:
    """Load MNIST, optional stroke files and optional labeled digits.

    ``held_out.part_of`` splits the writers of stroke files; a fifth of the labeled drawings is held
    out. Raises ValueError if all digits are held out.
    """
    datasets = Datasets(*data.split(data.mnist(train=True)))
    if files:
        datasets = _with_strokes(datasets, files, seed)
    if labeled:
        known, unseen = labeled.split()
        datasets = dataclasses.replace(
            datasets,
            labeled=data.to_tensors(known.digits()),
            held_out_labeled=data.to_tensors(unseen.digits()),
            non_digits=data.to_tensors(known.non_digits()),
            held_out_non_digits=data.to_tensors(unseen.non_digits()),
        )
    return datasets


def _with_strokes(datasets: Datasets, files: Sequence[StrokeFile], seed: int) -> Datasets:
    parts = [held_out.split_writers(file.samples) for file in files]
    for own in parts:
        own["training"] = [
            one
            for one in own["training"]
            if one.text != "?" or one.character not in HELD_OUT_CHARACTERS
        ]
    training = [one for own in parts for one in own["training"]]
    digits, outliers = stroke_files.digits(training), stroke_files.non_digits(training)
    validation = [data.rasterize_samples(stroke_files.digits(own["validation"])) for own in parts]
    unseen = [one for own in parts for one in stroke_files.non_digits(own["validation"])]
    if any(validation) and not digits:
        raise ValueError(
            "all digits are of writers held out for validation or tests. Add other writers."
        )
    outliers += variants.varied(outliers, OUTLIER_VARIANTS, seed)
    outliers += variants.crossed_out(digits, CROSSED_OUT, seed)
    outliers += variants.pairs(digits, PAIRS, seed)
    return dataclasses.replace(
        datasets,
        strokes=data.rasterize_samples(list(variants.balanced_variants(digits, seed))),
        held_out_strokes=[images for images in validation if images],
        outliers=data.rasterize_samples(outliers),
        held_out_outliers=data.rasterize_samples(unseen),
        stroke_files=list(map(_file_facts, files, parts)),
    )


def _file_facts(
    file: StrokeFile, parts: Mapping[held_out.Part, Sequence[StrokeSample]]
) -> dict[str, Any]:
    kinds = {
        "digits": stroke_files.digits,
        "non_digits": stroke_files.non_digits,
        "numbers": stroke_files.numbers,
    }
    return {
        "name": file.name,
        "sha256": file.sha256,
        "skipped": file.skipped,
        **{
            kind: {part: len(select(samples)) for part, samples in parts.items()}
            for kind, select in kinds.items()
        },
    }


def save_checkpoint(trainer: Trainer, paths: Sequence[Path], path: Path) -> None:
    """Store the training state; a failed write leaves the previous checkpoint intact."""
    datasets, content = trainer.datasets, io.BytesIO()
    checkpoint = {
        # Absolute, because resuming may start in another directory.
        "stroke_files": [str(file.resolve()) for file in paths],
        # Copied, because labels change during training.
        "labeled": {name: tuple(getattr(datasets, name) or ()) for name in LABELED},
        "training": trainer.state(),
    }
    torch.save(checkpoint, content)
    write_file(path, content.getvalue())


def resume(path: Path) -> tuple[Trainer, list[Path]]:
    """Return the trainer of a checkpoint and its stroke files.

    Raises OSError for a missing checkpoint and ValueError for an unusable one.
    """
    checkpoint = _load_checkpoint(path)
    try:
        state = checkpoint["training"]
        paths = [Path(file) for file in checkpoint["stroke_files"]]
        labeled: dict[str, Any] = {
            name: data.LabeledImages(*tensors) if tensors else None
            for name, tensors in checkpoint["labeled"].items()
        }
        files = [stroke_files.read(path) for path in paths]
        datasets = load_datasets(files, seed=state["recipe"]["seed"])
        datasets = dataclasses.replace(datasets, **labeled)
        trainer = Trainer(Recipe(**state["recipe"]), datasets)
        trainer.restore(state)
    except (AttributeError, IndexError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of this release. Start a new training."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be resumed: {error}") from error
    return trainer, paths


def _load_checkpoint(path: Path) -> Any:
    """Load a file of ``torch.save``. Raises OSError and ValueError."""
    content = path.read_bytes()
    unreadable = (
        BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        UnpicklingError,
        zlib.error,
    )
    with suppress(*unreadable), ZipFile(io.BytesIO(content)) as archive:
        # torch.load does not compare the checksums.
        if not archive.testzip():
            return torch.load(io.BytesIO(content), weights_only=True)
    raise ValueError(f"{path} is damaged. Start a new training.")


def finish(trainer: Trainer) -> bytes:
    """Calibrate on validation data, measure once on test data, and return the model file."""
    datasets, lenet = trainer.datasets, trainer.lenet()
    sources = [datasets.validation, *datasets.held_out_strokes]
    with torch.inference_mode():
        logits = [
            lenet(normalize(source.images, trainer.mean, trainer.deviation)).clone()
            for source in sources
        ]
    labels = [source.labels for source in sources]
    temperature = calibration.fit_temperature(torch.cat(logits), torch.cat(labels))
    probabilities = [(part / temperature).softmax(1) for part in logits]
    facts: dict[str, Any] = {
        "thresholds": calibration.fit_thresholds(list(zip(probabilities, labels, strict=True))),
        "training": _training_facts(trainer),
    }
    module = export.ExportedLeNet(lenet, trainer.mean, trainer.deviation, temperature)
    graph = export.export(module)
    metrics = _metrics(Classifier(export.describe(graph, facts)), datasets)
    return export.describe(graph, {**facts, "metrics": metrics})


def _metrics(classifier: Classifier, datasets: Datasets) -> dict[str, Any]:
    """Return errors and calibration errors under the names stored in model files."""
    strokes = datasets.held_out_strokes
    images = {
        "validation": datasets.validation,
        "held_out_strokes": data.merge(*strokes) if strokes else None,
        "held_out_reviewed": datasets.held_out_labeled,
        "mnist_test": data.mnist(train=False),
    }
    metrics: dict[str, Any] = {}
    for name, dataset in images.items():
        if dataset is None:
            continue
        evaluation = evaluate_images(classifier, dataset)
        metrics[name] = {
            "errors": evaluation.errors,
            "of": evaluation.total,
            "calibration_error": round(evaluation.calibration_error, 5),
        }
    for name, non_digits in (
        ("held_out_stroke_non_digits", datasets.held_out_outliers),
        ("held_out_non_digits", datasets.held_out_non_digits),
    ):
        if non_digits:
            verdicts = evaluate_images(classifier, non_digits).verdicts
            rejected = verdicts.count(Verdict.NOT_A_DIGIT)
            metrics[name] = {"errors": len(verdicts) - rejected, "of": len(verdicts)}
    return metrics


def _training_facts(trainer: Trainer) -> dict[str, Any]:
    datasets, curve = trainer.datasets, trainer.history[-MAX_EPOCHS:]
    return {
        "recipe": dataclasses.asdict(trainer.recipe),
        "sha256": datasets.sha256(),
        "training_images": len(datasets.training.labels),
        "stroke_images": len(datasets.strokes.labels) if datasets.strokes else 0,
        "stroke_files": list(datasets.stroke_files),
        "reviewed_images": len(datasets.labeled.labels) if datasets.labeled else 0,
        "reviewed_non_digits": len(datasets.non_digits.labels) if datasets.non_digits else 0,
        # Of long trainings the last epochs only.
        "history": {
            "loss": [round(epoch.loss, 4) for epoch in curve],
            "validation_loss": [round(epoch.validation_loss, 4) for epoch in curve],
            "validation_errors": [epoch.validation_errors for epoch in curve],
        },
        "seconds": round(sum(epoch.seconds for epoch in trainer.history)),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torchvision", "onnx")},
        },
    }
