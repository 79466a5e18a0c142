"""How are writers read whom the net has never seen? python -m tools.cross_validation FILE

FILE has pen strokes, UNIPEN or JSON Lines. The full training is done five times, each time with
another fifth of the writers held out, so that everybody is read once by a net that does not know
their hand: ten minutes each, or some of them only (--folds 0 2). docs/model-card.md has the result.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
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
    """What came of one training, on writers it has not seen and on MNIST's test digits."""

    by_net: Evaluation
    by_service: int  # errors, with what is cut apart wrongly
    numbers: Counter[str]  # of 2 to 5 digits: how many, and how many were read whole
    test_errors: int


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--folds", type=int, nargs="+", default=range(data.FOLDS))
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    options = parser.parse_args()
    done = []
    for number in options.folds:
        done.append(train(options.file, number, options.epochs))
        say(f"fold {number}", done[-1:])
    say("all", done)


def train(file: Path, fold: int, epochs: int) -> Fold:
    """The whole training with one fold held out."""
    trainer = Trainer(Recipe(epochs=epochs), pipeline.load_sets(file, fold=fold))
    steps = epochs * trainer.steps_per_epoch
    with tqdm(total=steps, unit="batch", desc=f"fold {fold}", leave=False) as bar:
        for _ in trainer.epochs(lambda _loss, _rate: bar.update()):
            pass
    classifier = Classifier(pipeline.finish(trainer))
    _, written = data.split_writers(stroke_files.read_digits(file), fold)
    wrong = sum(predict_strokes(classifier, one.strokes).text != str(one.label) for one in written)
    asked = evaluate.of_numbers(classifier, written, lambda them, **_: them)
    numbers = Counter({key: asked[key] for key in ("numbers", "read_whole")})
    test_errors = classifier.facts["metrics"]["mnist_test"]["errors"]
    return Fold(
        evaluate.evaluate_images(classifier, data.drawn(written)), wrong, numbers, test_errors
    )


def say(name: str, folds: Iterable[Fold]) -> None:
    every = list(folds)
    together = Evaluation(
        np.concatenate([one.by_net.labels for one in every]),
        np.concatenate([one.by_net.probabilities for one in every]),
        (),
    )
    wrong, n = sum(one.by_service for one in every), together.total
    for how, errors in (("by the net", together.errors), ("by the service", wrong)):
        print(f"{name}, {how}: {errors} errors of {n:,} ({1 - errors / n:.2%})")
    print(f"{name}, calibration error of the net: {together.calibration_error:.2%}")
    asked = sum((one.numbers for one in every), Counter())
    whole, n = asked["read_whole"], asked["numbers"]
    print(f"{name}, numbers read whole: {whole:,} of {n:,} ({whole / n:.1%})")
    tests = np.mean([one.test_errors for one in every])
    print(f"{name}, errors of MNIST's 10,000 test digits: {tests:.1f}", flush=True)


if __name__ == "__main__":
    main()
