"""Predict, save, delete and label drawings: the entry point for page, API and admin."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from ml import recognition
from ml.classifier import Classifier
from ml.preprocessing.strokes import Grid
from ml.recognition import DrawingInput, Prediction
from recognizer.models import OTHER_COUNT, Digit, Drawing, Label, Source
from recognizer.serving import current_classifier
from recognizer.telemetry import metrics


class AlreadyReviewed(Exception):
    """The drawing has a reviewer label, so its strokes can no longer change."""


def predict(drawing_input: DrawingInput) -> Prediction:
    """Predict strokes or a picture without saving it. Raises ModelUnavailable."""
    prediction = predict_with(current_classifier(), drawing_input)
    _count_verdicts(prediction)
    return prediction


def predict_with(classifier: Classifier, drawing_input: DrawingInput) -> Prediction:
    """Predict strokes or a picture with any model, without counting the verdicts."""
    if isinstance(drawing_input, Image.Image):
        return recognition.predict_picture(classifier, drawing_input)
    return recognition.predict_strokes(classifier, drawing_input)


def predict_batch(inputs: Iterable[DrawingInput | Grid]) -> list[Prediction]:
    """Predict many drawings without saving them. Raises ModelUnavailable."""
    predictions = recognition.predict_batch(current_classifier(), inputs)
    for prediction in predictions:
        _count_verdicts(prediction)
    return predictions


def predict_again(drawing: Drawing) -> Prediction:
    """Predict a saved drawing with the serving model. Raises ModelUnavailable."""
    classifier = current_classifier()
    if drawing.strokes is not None:
        return recognition.predict_strokes(classifier, drawing.strokes)
    digits = drawing.prediction().digits
    return recognition.predict_grids(classifier, [(digit.grid, digit.box) for digit in digits])


def save(id: UUID, drawing_input: DrawingInput, source: Source) -> tuple[Prediction, bool]:
    """Predict a drawing and save it under its UUID; return whether the UUID was new.

    Saving the same drawing again changes nothing and returns the stored prediction. A different
    drawing replaces the stored one; a blank drawing deletes it. Raises ModelUnavailable, and
    AlreadyReviewed if a reviewer has labeled the stored drawing.
    """
    prediction = predict(drawing_input)
    if not prediction.digits:
        _withdraw(id)
        return prediction, False
    strokes = None if isinstance(drawing_input, Image.Image) else drawing_input
    fields = {
        "strokes": strokes, "text": prediction.text, "model": prediction.model, "source": source,
    }  # fmt: skip
    try:
        return _store(id, fields, prediction)
    except IntegrityError:
        # A concurrent request has saved a drawing under this UUID.
        return _store(id, fields, prediction)


def _store(id: UUID, fields: dict[str, Any], prediction: Prediction) -> tuple[Prediction, bool]:
    """Insert or replace a drawing; return the stored prediction and whether the UUID was new."""
    strokes = fields["strokes"]
    with transaction.atomic():
        drawing = _find_and_lock(id)
        if drawing is None:
            new = Drawing(id=id, **fields)
            new.save(force_insert=True)
            Digit.objects.bulk_create(_unsaved_digits(new, prediction))
        # Another model may segment the same strokes differently; pictures have none.
        elif drawing.strokes == strokes and (
            strokes or _grids(drawing.prediction()) == _grids(prediction)
        ):
            return drawing.prediction(), False
        else:
            _replace(drawing, {**fields, "visitor_label": ""})
            Digit.objects.bulk_create(_unsaved_digits(drawing, prediction))
    if drawing is None:
        metrics.DRAWINGS_SAVED.labels(fields["source"]).inc()
    return prediction, drawing is None


def _find_and_lock(id: UUID) -> Drawing | None:
    return next(iter(Drawing.objects.select_for_update().filter(id=id)), None)


def delete_by_id(id: UUID) -> None:
    """Delete a drawing with its digits and labels, if it exists."""
    delete(Drawing.objects.filter(id=id))


def delete(drawings: QuerySet[Drawing]) -> None:
    """Delete drawings with their digits and labels."""
    with transaction.atomic():
        # Saving and labeling lock the drawing before its digits; the same order avoids deadlocks.
        locked = _lock(drawings)
        # Deferred columns keep large strokes out of memory.
        Drawing.objects.filter(pk__in=locked).only("pk").delete()


def label_as_visitor(id: UUID, text: str) -> None:
    """Store the visitor label of a drawing; "" removes it. Raises Drawing.DoesNotExist."""
    with transaction.atomic():
        if not Drawing.objects.filter(id=id).update(visitor_label=text):
            raise Drawing.DoesNotExist
        digits = list(Digit.objects.filter(drawing=id).order_by("position").only("pk"))
        characters, count = text.replace("\n", ""), len(digits)
        if characters in ("", Label.NOT_A_DIGIT):
            labels = [characters] * count
        else:
            labels = list(characters) if len(characters) == count else [OTHER_COUNT] * count
        for digit, label in zip(digits, labels, strict=True):
            digit.visitor_label = label
        Digit.objects.bulk_update(digits, ["visitor_label"])


def label_as_reviewer(digits: QuerySet[Digit], label: str, reviewer: User) -> int:
    """Label digits and record each change in the admin history; return the number changed."""
    now = timezone.now() if label else None
    with transaction.atomic():
        chosen = Digit.objects.filter(pk__in=list(digits.values_list("pk", flat=True)))
        # A concurrent save under the same UUID would replace these digits.
        _lock(Drawing.objects.filter(pk__in=chosen.values("drawing")))
        changed = sorted(chosen.exclude(label=label).only("label", "text"), key=attrgetter("label"))
        for old, group in groupby(changed, key=attrgetter("label")):
            message = f"Label changed from “{old or 'none'}” to “{label or 'none'}”."
            LogEntry.objects.log_actions(reviewer.pk, list(group), CHANGE, change_message=message)
        Digit.objects.filter(pk__in=[digit.pk for digit in changed]).update(
            label=label, labeled_by=reviewer if label else None, labeled_at=now
        )
    return len(changed)


def _replace(drawing: Drawing, fields: dict[str, Any]) -> None:
    """Overwrite a drawing and delete its digits. Raises AlreadyReviewed."""
    if drawing.is_reviewed():
        raise AlreadyReviewed
    for name, value in fields.items():
        setattr(drawing, name, value)
    drawing.save(force_update=True)
    # Without their inputs and probabilities.
    drawing.digits.only("pk", "drawing").delete()


def _withdraw(id: UUID) -> None:
    """Delete a drawing whose strokes were all undone. Raises AlreadyReviewed."""
    with transaction.atomic():
        drawing = _find_and_lock(id)
        if drawing is None:
            return
        if drawing.is_reviewed():
            raise AlreadyReviewed
        drawing.delete()


def _lock(drawings: QuerySet[Drawing]) -> list[UUID]:
    """Lock drawings until the transaction ends, in a fixed order; return their UUIDs."""
    return list(drawings.order_by("pk").select_for_update().values_list("pk", flat=True))


def _count_verdicts(prediction: Prediction) -> None:
    for digit in prediction.digits:
        metrics.VERDICTS.labels(digit.verdict).inc()


def _grids(prediction: Prediction) -> list[bytes]:
    return [digit.grid.tobytes() for digit in prediction.digits]


def _unsaved_digits(drawing: Drawing, prediction: Prediction) -> list[Digit]:
    return [
        Digit(
            drawing=drawing,
            position=position,
            image=digit.grid.tobytes(),
            box=list(digit.box),
            probabilities=digit.probabilities,
            text=digit.character,
            confidence=digit.confidence,
            verdict=digit.verdict,
            model=prediction.model,
        )
        for position, digit in enumerate(prediction.digits)
    ]
