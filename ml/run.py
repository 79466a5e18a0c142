"""A whole training run: the sets, the training, calibration, one look at the test set, the file."""

import dataclasses
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ml import calibration, data, evaluate, export, strokes
from ml.classifier import Classifier
from ml.lenet import normalise
from ml.train import Sets, Trainer


def load_sets(stroke_file: Path | None) -> Sets:
    """MNIST, and pen strokes where a file is given; a fifth of their writers validate.

    Raises ValueError when the file holds no strokes.
    """
    training, validation = data.split(data.mnist(train=True))
    if stroke_file is None:
        return Sets(training, validation)
    written, held_out = data.split_writers(strokes.read(stroke_file))
    return Sets(
        training,
        validation,
        strokes=data.drawn(written),
        held_out_strokes=data.drawn(held_out) if held_out else None,
        held_out_writers=sorted({digit.writer for digit in held_out}),
    )


def finish(trainer: Trainer, seconds: float) -> bytes:
    """Calibrate on validation, test once, and return the ONNX file with all its figures."""
    sets, net = trainer.sets, trainer.net()
    digits = sets.validation
    if sets.held_out_strokes:
        digits = data.Labelled(*map(torch.cat, zip(digits, sets.held_out_strokes, strict=True)))
    with torch.inference_mode():
        logits = net(normalise(digits.images, trainer.mean, trainer.deviation))
    temperature = calibration.fit_temperature(logits.clone(), digits.labels)
    facts: dict[str, Any] = {
        "thresholds": calibration.fit_thresholds((logits / temperature).softmax(1), digits.labels),
        "training": _training_facts(trainer, seconds),
    }
    graph = export.export(export.Served(net, trainer.mean, trainer.deviation, temperature))
    metrics = _metrics(Classifier(export.describe(graph, facts)), sets)
    return export.describe(graph, {**facts, "metrics": metrics})


def _metrics(classifier: Classifier, sets: Sets) -> dict[str, Any]:
    """Errors and calibration of the exported model, on validation and on MNIST's test set."""
    named = {
        "validation": sets.validation,
        "held_out_strokes": sets.held_out_strokes,
        "mnist_test": data.mnist(train=False),
    }
    metrics: dict[str, Any] = {}
    for name, digits in named.items():
        if digits is None:
            continue
        probabilities = torch.from_numpy(classifier.predict(digits.images.numpy()))
        metrics[name] = {
            "errors": evaluate.evaluate(classifier, digits).errors,
            "of": len(digits.labels),
            "calibration_error": round(
                calibration.calibration_error(probabilities, digits.labels), 5
            ),
        }
    return metrics


def _training_facts(trainer: Trainer, seconds: float) -> dict[str, Any]:
    sets = trainer.sets
    return {
        "recipe": dataclasses.asdict(trainer.recipe),
        "training_images": len(sets.training.labels),
        "stroke_images": len(sets.strokes.labels) if sets.strokes else 0,
        "held_out_writers": sets.held_out_writers,
        "seconds": round(seconds),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torchvision", "onnx")},
        },
    }
