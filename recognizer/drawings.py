"""What the site does with drawings. Page, API and admin all come through here."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from ml import recognition
from ml.preprocessing.strokes import Grid, Strokes
from ml.recognition import Prediction
from recognizer.models import Digit, Drawing, Source
from recognizer.serving import current_classifier
from recognizer.telemetry import metrics

Input: TypeAlias = Strokes | Image.Image


class AlreadyReviewed(Exception):
    """The drawing has a reviewer's label: its ink can no longer change."""


def predict(drawn: Input) -> Prediction:
    """Recognize strokes or a picture and keep nothing. Raises ModelUnavailable."""
    serving = current_classifier()
    if isinstance(drawn, Image.Image):
        return _counted(recognition.predict_picture(serving, drawn))
    return _counted(recognition.predict_strokes(serving, drawn))


def predict_batch(inputs: Iterable[Input | Grid]) -> list[Prediction]:
    """Predict many drawings without saving them. Raises ModelUnavailable."""
    predictions = recognition.predict_batch(current_classifier(), inputs)
    return [_counted(prediction) for prediction in predictions]


def predict_again(drawing: Drawing) -> Prediction:
    """How the model of today reads a drawing that was kept. Raises ModelUnavailable."""
    if drawing.strokes is not None:
        return recognition.predict_strokes(current_classifier(), drawing.strokes)
    kept = drawing.prediction().digits
    return recognition.predict_grids(
        current_classifier(), [(digit.grid, digit.box) for digit in kept]
    )


def save(id: UUID, drawn: Input, source: Source) -> tuple[Prediction, bool]:
    """Recognize a drawing and keep it under its UUID; say whether the UUID was new.

    The same drawing again changes nothing and gives the reading that was stored. Other ink under
    the same UUID replaces it; no ink takes it back. Raises AlreadyReviewed where a reviewer has
    labeled it, ModelUnavailable.
    """
    reading = predict(drawn)
    strokes = None if isinstance(drawn, Image.Image) else drawn
    fields = {"strokes": strokes, "text": reading.text, "model": reading.model, "source": source}
    with transaction.atomic():
        if not reading.digits:
            _take_back(id)
            return reading, False
        drawing, created = Drawing.objects.select_for_update().get_or_create(id=id, defaults=fields)
        if not created:
            stored = drawing.prediction()
            # The net of another day may cut the same strokes otherwise.
            if drawing.strokes == strokes and (strokes or _same_input(stored, reading)):
                return stored, False
            if drawing.is_reviewed():
                raise AlreadyReviewed
            for name, value in {**fields, "visitor_label": ""}.items():
                setattr(drawing, name, value)
            drawing.save()
            drawing.digits.all().delete()
        Digit.objects.bulk_create(_rows(drawing, reading))
    if created:
        metrics.KEPT.labels(source).inc()
    return reading, created


def delete_by_id(id: UUID) -> None:
    """Delete a drawing and all that was said of it, if there is one."""
    delete(Drawing.objects.filter(id=id))


def delete(drawings: QuerySet[Drawing]) -> None:
    """Delete drawings with their digits and labels.

    Whoever keeps or labels holds the drawing first and its digits then: so does this.
    """
    with transaction.atomic():
        held = _hold(drawings)
        # The strokes need not be read for that.
        Drawing.objects.filter(pk__in=held).only("pk").delete()


def label_as_visitor(id: UUID, text: str) -> None:
    """Store what the visitor says a drawing is; "" takes it back. Raises Drawing.DoesNotExist."""
    with transaction.atomic():
        if not Drawing.objects.filter(id=id).update(visitor_label=text):
            raise Drawing.DoesNotExist
        Digit.objects.filter(drawing=id).update(has_visitor_label=bool(text))


def label_as_reviewer(digits: QuerySet[Digit], label: str, reviewer: User) -> int:
    """Label digits, each with an entry in the admin's log; return how many changed."""
    now = timezone.now() if label else None
    with transaction.atomic():
        chosen = Digit.objects.filter(pk__in=list(digits.values_list("pk", flat=True)))
        # Nobody may keep other ink under their UUIDs, which would replace them.
        _hold(Drawing.objects.filter(pk__in=chosen.values("drawing")))
        others = chosen.exclude(label=label).only("label", "text")
        changed = sorted(others, key=attrgetter("label"))
        for old, alike in groupby(changed, key=attrgetter("label")):
            message = f"Label changed from “{old or 'none'}” to “{label or 'none'}”."
            LogEntry.objects.log_actions(reviewer.pk, list(alike), CHANGE, change_message=message)
        Digit.objects.filter(pk__in=[digit.pk for digit in changed]).update(
            label=label, labeled_by=reviewer if label else None, labeled_at=now
        )
    return len(changed)


def _hold(drawings: QuerySet[Drawing]) -> list[UUID]:
    """Let nobody else change these drawings or their digits in this transaction."""
    return list(drawings.order_by("pk").select_for_update().values_list("pk", flat=True))


def _counted(reading: Prediction) -> Prediction:
    for digit in reading.digits:
        metrics.VERDICTS.labels(digit.verdict).inc()
    return reading


def _take_back(id: UUID) -> None:
    """Forget a drawing that was undone to nothing, unless a reviewer has labeled it."""
    drawing = Drawing.objects.select_for_update().filter(id=id).first()
    if drawing and drawing.is_reviewed():
        raise AlreadyReviewed
    if drawing:
        drawing.delete()


def _same_input(one: Prediction, other: Prediction) -> bool:
    def images(reading: Prediction) -> list[bytes]:
        return [digit.grid.tobytes() for digit in reading.digits]

    return images(one) == images(other)


def _rows(drawing: Drawing, reading: Prediction) -> list[Digit]:
    return [
        Digit(
            drawing=drawing,
            position=position,
            image=digit.grid.tobytes(),
            box=[digit.box.x, digit.box.y, digit.box.width, digit.box.height],
            probabilities=digit.probabilities,
            text=digit.character,
            confidence=digit.confidence,
            verdict=digit.verdict,
            model=reading.model,
        )
        for position, digit in enumerate(reading.digits)
    ]
