"""Metrics of stroke files by kind of drawing and by writer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any, TypeAlias

from ml.classifier import Verdict
from ml.evaluation.metrics import wilson
from ml.recognition import Prediction
from ml.training import held_out, stroke_files
from ml.training.stroke_files import HELD_OUT_CHARACTERS, LABEL_OF, StrokeFile, StrokeSample

Metrics: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A sample and its prediction."""

    sample: StrokeSample
    prediction: Prediction

    @cached_property
    def kind(self) -> str:
        """Name of the metrics of this kind of drawing."""
        text = self.sample.text
        if text in LABEL_OF:
            return "non_digits" if text == "?" else "digits"
        return "numbers" if text.isdigit() else "numbers_with_marks"

    @cached_property
    def is_correct(self) -> bool:
        """Whether the text, or the digits between the marks, match the label.

        A non-digit is correct unless every verdict is "digit".
        """
        if self.kind == "non_digits":
            return not self.prediction.is_certain
        if self.kind == "numbers_with_marks":
            return _digits(self.prediction.text) == _digits(self.sample.text)
        return self.prediction.text == self.sample.text

    @property
    def is_confident_error(self) -> bool:
        return not self.is_correct and self.prediction.is_certain

    @property
    def is_split(self) -> bool:
        return len(self.prediction.digits) > 1

    @property
    def has_one_entry_per_mark(self) -> bool:
        """Whether the prediction has as many "?" as the label has marks; a line break is none."""
        marks = self.sample.text.replace("\n", "")
        return self.prediction.text.count("?") == len(marks) - len(_digits(marks))


def unseen_samples(file: StrokeFile, training: Mapping[str, Any]) -> list[StrokeSample]:
    """Return the samples of writers excluded from a training, given the facts of the training.

    Numbers do not train a model, so those of the validation writers are unseen as well.
    """
    # Models of the previous release name the writers instead of the files.
    if training.get("stroke_images") and "held_out_writers" in training:
        return [one for one in file.samples if one.writer in training["held_out_writers"]]
    if file.sha256 not in [one["sha256"] for one in training.get("stroke_files", ())]:
        return file.samples
    parts = held_out.split_writers(file.samples)
    return parts["test"] + stroke_files.numbers(parts["validation"])


def measure(file: StrokeFile, outcomes: Sequence[Outcome]) -> Metrics:
    """Return the metrics of a file, given the outcomes of its samples in their order.

    The metrics of a kind are None if the file has no drawing of this kind.
    """
    writers = writer_metrics(outcomes)
    accuracies = [one["correct"] / one["digits"] for one in writers if one["digits"]]
    return {
        "source": file.name,
        "sha256": file.sha256,
        "skipped": file.skipped,
        "digits": text_metrics(_of_kind(outcomes, "digits")),
        "numbers": text_metrics(_of_kind(outcomes, "numbers")),
        "numbers_with_marks": text_metrics(_of_kind(outcomes, "numbers_with_marks")),
        "non_digits": non_digit_metrics(_of_kind(outcomes, "non_digits")),
        "writers": writers,
        "writer_accuracy": {
            "writers": len(accuracies),
            "lowest": min(accuracies),
            "median": median(accuracies),
        }
        if accuracies
        else None,
        "mistakes": confident_mistakes(outcomes),
    }


def text_metrics(outcomes: Sequence[Outcome]) -> Metrics | None:
    """Return the metrics of digits or numbers: those of one kind."""
    if not outcomes:
        return None
    kind, correct = outcomes[0].kind, sum(one.is_correct for one in outcomes)
    wrong = [one.prediction for one in outcomes if not one.is_correct]
    right = [one.prediction for one in outcomes if one.is_correct]
    metrics: Metrics = {
        "drawings": len(outcomes),
        "correct": correct,
        "accuracy": correct / len(outcomes),
        "interval": wilson(correct, len(outcomes)),
        "confident_errors": sum(one.is_confident_error for one in outcomes),
        "refused": sum("?" in prediction.text for prediction in wrong),
        "unsure": sum(Verdict.UNSURE in (digit.verdict for digit in one.digits) for one in right),
    }
    if kind == "digits":
        metrics["split"] = sum(one.is_split for one in outcomes)
    if kind == "numbers_with_marks":
        metrics["one_entry_per_mark"] = sum(one.has_one_entry_per_mark for one in outcomes)
    return metrics


def non_digit_metrics(outcomes: Sequence[Outcome]) -> Metrics | None:
    """Return the non-digits classified as digits: all, those excluded from training, by character.

    The characters are in descending order of the share classified as digits.
    """
    if not outcomes:
        return None
    by_character = _group(outcomes, lambda one: one.sample.character)
    characters = [
        {
            "character": character,
            "excluded_from_training": character in HELD_OUT_CHARACTERS,
            **_classified_as_digit(own),
        }
        for character, own in sorted(by_character.items())
    ]
    excluded = [one for one in outcomes if one.sample.character in HELD_OUT_CHARACTERS]
    return {
        **_classified_as_digit(outcomes),
        "excluded_from_training": _classified_as_digit(excluded) if excluded else None,
        "characters": sorted(characters, key=lambda one: -one["share"]),
    }


def writer_metrics(outcomes: Sequence[Outcome]) -> list[Metrics]:
    """Return the metrics of each writer by descending error rate.

    The error rate is that of all drawings; "numbers" include those with marks.
    """
    rows = []
    for writer, own in sorted(_group(outcomes, lambda one: one.sample.writer).items()):
        digits = _of_kind(own, "digits")
        numbers = _of_kind(own, "numbers", "numbers_with_marks")
        non_digits = _of_kind(own, "non_digits")
        row = {
            "writer": writer,
            "drawings": len(own),
            "error_rate": sum(not one.is_correct for one in own) / len(own),
            "digits": len(digits),
            "correct": sum(one.is_correct for one in digits),
            "confident_errors": sum(one.is_confident_error for one in digits),
            "numbers": len(numbers),
            "numbers_correct": sum(one.is_correct for one in numbers),
            "non_digits": len(non_digits),
            "classified_as_digit": sum(not one.is_correct for one in non_digits),
        }
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["error_rate"], -row["drawings"]))


def confident_mistakes(outcomes: Sequence[Outcome]) -> list[Metrics]:
    """Return the wrong digits and numbers with certain verdicts, by descending confidence.

    ``index`` is the position of the sample; the confidence is that of the least certain digit.
    """
    mistakes = [
        {
            "index": index,
            "kind": one.kind,
            "writer": one.sample.writer,
            "label": one.sample.text,
            "predicted": one.prediction.text,
            "confidence": min(digit.confidence for digit in one.prediction.digits),
        }
        for index, one in enumerate(outcomes)
        if one.kind != "non_digits" and one.is_confident_error
    ]
    return sorted(mistakes, key=lambda mistake: -mistake["confidence"])


def _classified_as_digit(non_digits: Sequence[Outcome]) -> Metrics:
    errors = sum(not one.is_correct for one in non_digits)
    return {
        "drawings": len(non_digits),
        "classified_as_digit": errors,
        "share": errors / len(non_digits),
        "interval": wilson(errors, len(non_digits)),
    }


def _of_kind(outcomes: Iterable[Outcome], *kinds: str) -> list[Outcome]:
    return [one for one in outcomes if one.kind in kinds]


def _group(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(key(one), []).append(one)
    return groups


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
