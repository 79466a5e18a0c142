"""Errors on writers excluded from training: python -m tools.cross_validation FILE

FILE is a stroke file, UNIPEN or JSON Lines. Each of five complete trainings holds out another fifth
of the writers, so that every writer is measured once. A training takes ten minutes; --folds 0 2
selects some of them. docs/model-card.md contains the results.
"""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ml.classifier import Classifier
from ml.evaluation import evaluate
from ml.evaluation.metrics import Evaluation
from ml.recognition import predict_strokes
from ml.training import data, pipeline, stroke_files
from ml.training.train import Recipe, Trainer


class Fold(NamedTuple):
    """Metrics of one training."""

    model: Evaluation  # of rasterized strokes
    recognizer_errors: int  # of strokes, with segmentation and rejections
    numbers: Counter[str]  # count and correct predictions of numbers with 2 to 5 digits
    test_errors: int  # of MNIST's test digits


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--folds", type=int, nargs="+", default=range(data.FOLDS))
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    options = parser.parse_args()
    folds = []
    for number in options.folds:
        folds.append(train(options.file, number, options.epochs))
        report(f"fold {number}", folds[-1:])
    report("all", folds)


def train(file: Path, fold: int, epochs: int) -> Fold:
    trainer = Trainer(Recipe(epochs=epochs), pipeline.load_datasets(file, fold=fold))
    steps = epochs * trainer.steps_per_epoch
    with tqdm(total=steps, unit="batch", desc=f"fold {fold}", leave=False) as bar:
        for _ in trainer.epochs(lambda _loss, _rate: bar.update()):
            pass
    classifier = Classifier(pipeline.finish(trainer))
    _, samples = data.split_writers(stroke_files.read_digits(file), fold)
    predicted = [predict_strokes(classifier, sample.strokes).text for sample in samples]
    errors = sum(text != str(one.label) for text, one in zip(predicted, samples, strict=True))
    numbers = evaluate.number_metrics(classifier, samples)
    return Fold(
        evaluate.evaluate_images(classifier, data.rasterize_samples(samples)),
        errors,
        Counter({key: numbers[key] for key in ("numbers", "read_whole")}),
        classifier.facts["metrics"]["mnist_test"]["errors"],
    )


def report(name: str, folds: list[Fold]) -> None:
    model = Evaluation(
        np.concatenate([fold.model.labels for fold in folds]),
        np.concatenate([fold.model.probabilities for fold in folds]),
        (),
    )
    recognizer_errors = sum(fold.recognizer_errors for fold in folds)
    for part, errors in (("model", model.errors), ("recognizer", recognizer_errors)):
        accuracy = 1 - errors / model.total
        print(f"{name}, {part}: {errors} errors of {model.total:,} ({accuracy:.2%} correct)")
    print(f"{name}, calibration error of the model: {model.calibration_error:.2%}")
    numbers = sum((fold.numbers for fold in folds), Counter())
    correct, n = numbers["read_whole"], numbers["numbers"]
    print(f"{name}, numbers correct: {correct:,} of {n:,} ({correct / n:.1%})")
    mean = np.mean([fold.test_errors for fold in folds])
    print(f"{name}, errors of MNIST's 10,000 test digits: {mean:.1f}", flush=True)


if __name__ == "__main__":
    main()
