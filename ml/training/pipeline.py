"""A complete training run: datasets, checkpoints, calibration, metrics, model file."""

import dataclasses
import platform
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ml.classifier import Classifier, Verdict
from ml.evaluation.evaluate import evaluate_images
from ml.lenet import normalize
from ml.training import calibration, data, export, stroke_files
from ml.training.dataset_folder import LabeledDigits
from ml.training.train import Datasets, Recipe, Trainer

# Datasets from labeled drawings, stored in checkpoints.
LABELED = ("labeled", "held_out_labeled", "non_digits", "held_out_non_digits")


def load_datasets(
    stroke_file: Path | None, labeled: LabeledDigits | None = None, fold: int = 0
) -> Datasets:
    """Load MNIST, an optional stroke file and optional labeled digits.

    A fifth of the writers, another in each fold, and a fifth of the labeled drawings are held out.
    Raises OSError or ValueError for an unusable stroke file.
    """
    datasets = Datasets(*data.split(data.mnist(train=True)))
    if stroke_file:
        training, held_out = data.split_writers(stroke_files.read_digits(stroke_file), fold)
        datasets = dataclasses.replace(
            datasets,
            strokes=data.rasterize_samples(training),
            held_out_strokes=data.rasterize_samples(held_out) if held_out else None,
            held_out_writers=sorted({sample.writer for sample in held_out}),
        )
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


def save_checkpoint(trainer: Trainer, stroke_file: Path | None, path: Path) -> None:
    """Store the training state; a failed write leaves the previous checkpoint intact."""
    datasets, partial = trainer.datasets, path.with_suffix(".partial")
    checkpoint = {
        # Absolute, because resuming may start in another directory.
        "stroke_file": str(stroke_file.resolve()) if stroke_file else "",
        # Copied, because labels change during training.
        "labeled": {name: tuple(getattr(datasets, name) or ()) for name in LABELED},
        "training": trainer.state(),
    }
    torch.save(checkpoint, partial)
    partial.replace(path)


def resume(path: Path) -> tuple[Trainer, Path | None]:
    """Return the trainer of a checkpoint and its stroke file.

    Raises OSError for a missing checkpoint and ValueError for an unusable one.
    """
    try:
        checkpoint = torch.load(path, weights_only=True)
        state = checkpoint["training"]
        stroke_file = Path(checkpoint["stroke_file"]) if checkpoint["stroke_file"] else None
        labeled: dict[str, Any] = {
            name: data.LabeledImages(*tensors) if tensors else None
            for name, tensors in checkpoint["labeled"].items()
        }
        datasets = dataclasses.replace(load_datasets(stroke_file), **labeled)
        trainer = Trainer(Recipe(**state["recipe"]), datasets)
        trainer.restore(state)
    except (EOFError, KeyError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
        raise ValueError(f"{path} cannot be resumed: {error}") from error
    return trainer, stroke_file


def finish(trainer: Trainer) -> bytes:
    """Calibrate on validation data, measure once on test data, and return the model file."""
    datasets, lenet = trainer.datasets, trainer.lenet()
    validation = datasets.validation
    if datasets.held_out_strokes:
        validation = data.merge(validation, datasets.held_out_strokes)
    with torch.inference_mode():
        logits = lenet(normalize(validation.images, trainer.mean, trainer.deviation))
    temperature = calibration.fit_temperature(logits.clone(), validation.labels)
    probabilities = (logits / temperature).softmax(1)
    facts: dict[str, Any] = {
        "thresholds": calibration.fit_thresholds(probabilities, validation.labels),
        "training": _training_facts(trainer),
    }
    module = export.ExportedLeNet(lenet, trainer.mean, trainer.deviation, temperature)
    graph = export.export(module)
    metrics = _metrics(Classifier(export.describe(graph, facts)), datasets)
    return export.describe(graph, {**facts, "metrics": metrics})


def _metrics(classifier: Classifier, datasets: Datasets) -> dict[str, Any]:
    """Return errors and calibration errors under the names stored in model files."""
    images = {
        "validation": datasets.validation,
        "held_out_strokes": datasets.held_out_strokes,
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
    if datasets.held_out_non_digits:
        verdicts = evaluate_images(classifier, datasets.held_out_non_digits).verdicts
        rejected = verdicts.count(Verdict.NOT_A_DIGIT)
        metrics["held_out_non_digits"] = {"errors": len(verdicts) - rejected, "of": len(verdicts)}
    return metrics


def _training_facts(trainer: Trainer) -> dict[str, Any]:
    datasets = trainer.datasets
    return {
        "recipe": dataclasses.asdict(trainer.recipe),
        "sha256": datasets.sha256(),
        "training_images": len(datasets.training.labels),
        "stroke_images": len(datasets.strokes.labels) if datasets.strokes else 0,
        "held_out_writers": datasets.held_out_writers,
        "reviewed_images": len(datasets.labeled.labels) if datasets.labeled else 0,
        "reviewed_non_digits": len(datasets.non_digits.labels) if datasets.non_digits else 0,
        "seconds": round(sum(epoch.seconds for epoch in trainer.history)),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torchvision", "onnx")},
        },
    }
