"""What the site does with drawings. Page, API and admin all come through here."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

import numpy as np
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from ml.classifier import Box, Classifier, Found, Prediction
from ml.preprocessing.strokes import SIZE, Grid, Strokes
from recognizer.api.errors import ApiError
from recognizer.models import Digit, Drawing, Source
from recognizer.serving import current_classifier
from recognizer.telemetry import metrics

Input: TypeAlias = Strokes | Image.Image
# Where the ink of a prepared digit is.
WHOLE = Box(0, 0, SIZE, SIZE)


class AlreadyReviewed(Exception):
    """The drawing has a reviewer's label: its ink can no longer change."""


def predict(drawn: Input) -> Prediction:
    """Recognize strokes or a picture and keep nothing. Raises ModelUnavailable."""
    serving = current_classifier()
    if isinstance(drawn, Image.Image):
        return _counted(serving.read_picture(drawn))
    return _counted(serving.read_strokes(drawn))


def predict_batch(batch: Iterable[Input | Grid | ApiError]) -> list[Prediction | ApiError]:
    """Recognize many drawings, what they hold in one call of the net; problems keep their places.

    Each is taken when the one before is prepared: decoded pictures are never in memory together.
    Raises ModelUnavailable.
    """
    serving = current_classifier()
    found = [one if isinstance(one, ApiError) else _find(serving, one) for one in batch]
    readings = iter(serving.read_batch([one for one in found if not isinstance(one, ApiError)]))
    return [one if isinstance(one, ApiError) else _counted(next(readings)) for one in found]


def predict_again(drawing: Drawing) -> Prediction:
    """How the model of today reads a drawing that was kept. Raises ModelUnavailable."""
    if drawing.strokes is not None:
        return current_classifier().read_strokes(drawing.strokes)
    kept = drawing.reading().digits
    return current_classifier().read_grids([(digit.image, digit.box) for digit in kept])


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
            stored = drawing.reading()
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


def _find(serving: Classifier, drawn: Input | Grid) -> list[Found]:
    if isinstance(drawn, Image.Image):
        return serving.find_in_picture(drawn)
    if isinstance(drawn, np.ndarray):
        return [(drawn, WHOLE)] if drawn.any() else []
    return serving.find_in_strokes(drawn)


def _take_back(id: UUID) -> None:
    """Forget a drawing that was undone to nothing, unless a reviewer has labeled it."""
    drawing = Drawing.objects.select_for_update().filter(id=id).first()
    if drawing and drawing.is_reviewed():
        raise AlreadyReviewed
    if drawing:
        drawing.delete()


def _same_input(one: Prediction, other: Prediction) -> bool:
    def images(reading: Prediction) -> list[bytes]:
        return [digit.image.tobytes() for digit in reading.digits]

    return images(one) == images(other)


def _rows(drawing: Drawing, reading: Prediction) -> list[Digit]:
    return [
        Digit(
            drawing=drawing,
            position=position,
            image=digit.image.tobytes(),
            box=[digit.box.x, digit.box.y, digit.box.width, digit.box.height],
            probabilities=digit.probabilities,
            text=digit.character,
            confidence=digit.confidence,
            verdict=digit.verdict,
            model=reading.model,
        )
        for position, digit in enumerate(reading.digits)
    ]
