"""A whole training run: the sets, the training, calibration, one look at the test set, the file."""

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

# Those of the sets that come from the log.
REVIEWED = ("reviewed", "held_out_reviewed", "non_digits", "held_out_non_digits")


def load_sets(
    stroke_file: Path | None, reviewed: LabeledDigits | None = None, fold: int = 0
) -> Datasets:
    """MNIST; pen strokes where a file is given, a fifth of whose writers validate, another in each
    fold; and digits that were reviewed, a fifth of whose drawings are held out.

    Raises ValueError when the file holds no strokes.
    """
    sets = _load_sets(stroke_file, fold)
    if reviewed is None:
        return sets
    known, unseen = reviewed.split()
    return dataclasses.replace(
        sets,
        reviewed=data.reviewed(known.digits()),
        held_out_reviewed=data.reviewed(unseen.digits()),
        non_digits=data.reviewed(known.non_digits()),
        held_out_non_digits=data.reviewed(unseen.non_digits()),
    )


def _load_sets(stroke_file: Path | None, fold: int = 0) -> Datasets:
    training, validation = data.split(data.mnist(train=True))
    if stroke_file is None:
        return Datasets(training, validation)
    written, held_out = data.split_writers(stroke_files.read_digits(stroke_file), fold)
    return Datasets(
        training,
        validation,
        strokes=data.drawn(written),
        held_out_strokes=data.drawn(held_out) if held_out else None,
        held_out_writers=sorted({digit.writer for digit in held_out}),
    )


def start(
    recipe: Recipe, stroke_file: Path | None, reviewed: LabeledDigits | None = None
) -> Trainer:
    """A trainer at its beginning. Raises OSError or ValueError when the file holds no strokes."""
    return Trainer(recipe, load_sets(stroke_file, reviewed))


def save_checkpoint(trainer: Trainer, stroke_file: Path | None, path: Path) -> None:
    """Store where training stands; the file before it stays until this one is whole."""
    sets, partial = trainer.sets, path.with_suffix(".partial")
    checkpoint = {
        # Wherever it is gone on with.
        "stroke_file": str(stroke_file.resolve()) if stroke_file else "",
        # As they were: the log goes on while training does.
        "reviewed": {name: tuple(getattr(sets, name) or ()) for name in REVIEWED},
        "training": trainer.state(),
    }
    torch.save(checkpoint, partial)
    partial.replace(path)


def resume(path: Path) -> tuple[Trainer, Path | None]:
    """The trainer whose checkpoint this is, and its stroke file.

    Raises OSError when there is none, and ValueError when it cannot be gone on with.
    """
    try:
        checkpoint = torch.load(path, weights_only=True)
        state = checkpoint["training"]
        stroke_file = Path(checkpoint["stroke_file"]) if checkpoint["stroke_file"] else None
        reviewed: dict[str, Any] = {
            name: data.LabeledImages(*digits) if digits else None
            for name, digits in checkpoint["reviewed"].items()
        }
        sets = dataclasses.replace(load_sets(stroke_file), **reviewed)
        trainer = Trainer(Recipe(**state["recipe"]), sets)
        trainer.restore(state)
    except (EOFError, KeyError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
        raise ValueError(f"{path} cannot be resumed: {error}") from error
    return trainer, stroke_file


def finish(trainer: Trainer) -> bytes:
    """Calibrate on validation, test once, and return the ONNX file with all its figures."""
    sets, net = trainer.sets, trainer.net()
    digits = sets.validation
    if sets.held_out_strokes:
        digits = data.concatenate(digits, sets.held_out_strokes)
    with torch.inference_mode():
        logits = net(normalize(digits.images, trainer.mean, trainer.deviation))
    temperature = calibration.fit_temperature(logits.clone(), digits.labels)
    facts: dict[str, Any] = {
        "thresholds": calibration.fit_thresholds((logits / temperature).softmax(1), digits.labels),
        "training": _training_facts(trainer),
    }
    graph = export.export(export.Served(net, trainer.mean, trainer.deviation, temperature))
    metrics = _metrics(Classifier(export.describe(graph, facts)), sets)
    return export.describe(graph, {**facts, "metrics": metrics})


def _metrics(classifier: Classifier, sets: Datasets) -> dict[str, Any]:
    """Errors and calibration of the exported model, on validation and on MNIST's test set."""
    named = {
        "validation": sets.validation,
        "held_out_strokes": sets.held_out_strokes,
        "held_out_reviewed": sets.held_out_reviewed,
        "mnist_test": data.mnist(train=False),
    }
    metrics: dict[str, Any] = {}
    for name, digits in named.items():
        if digits is None:
            continue
        evaluation = evaluate_images(classifier, digits)
        metrics[name] = {
            "errors": evaluation.errors,
            "of": evaluation.total,
            "calibration_error": round(evaluation.calibration_error, 5),
        }
    if sets.held_out_non_digits:
        verdicts = evaluate_images(classifier, sets.held_out_non_digits).verdicts
        refused = verdicts.count(Verdict.NOT_A_DIGIT)
        metrics["held_out_non_digits"] = {"errors": len(verdicts) - refused, "of": len(verdicts)}
    return metrics


def _training_facts(trainer: Trainer) -> dict[str, Any]:
    sets = trainer.sets
    return {
        "recipe": dataclasses.asdict(trainer.recipe),
        "sha256": sets.sha256(),
        "training_images": len(sets.training.labels),
        "stroke_images": len(sets.strokes.labels) if sets.strokes else 0,
        "held_out_writers": sets.held_out_writers,
        "reviewed_images": len(sets.reviewed.labels) if sets.reviewed else 0,
        "reviewed_non_digits": len(sets.non_digits.labels) if sets.non_digits else 0,
        "seconds": round(sum(epoch.seconds for epoch in trainer.history)),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torchvision", "onnx")},
        },
    }
