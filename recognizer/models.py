"""The log: every drawing that was kept, and the digits the net saw in it."""

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from ml import classifier, ink


class Source(models.TextChoices):
    PAGE = "page", "the page"
    API = "api", "a program"


class Label(models.TextChoices):
    """What a digit really is. In readings and labels alike, ``?`` stands for "not a digit"."""

    ZERO = "0", "0"
    ONE = "1", "1"
    TWO = "2", "2"
    THREE = "3", "3"
    FOUR = "4", "4"
    FIVE = "5", "5"
    SIX = "6", "6"
    SEVEN = "7", "7"
    EIGHT = "8", "8"
    NINE = "9", "9"
    NOT_A_DIGIT = "?", "not a digit"


VERDICTS = [(verdict.value, verdict.value) for verdict in classifier.Verdict]
MAX_TEXT = 64


class Drawing(models.Model):
    """One drawing under the UUID its maker gave it. A picture keeps no strokes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=8, choices=Source, editable=False)
    strokes = models.JSONField(null=True, editable=False)
    text = models.CharField("reading", max_length=MAX_TEXT, editable=False)
    model = models.CharField(max_length=64, editable=False)
    visitor_label = models.CharField(
        "visitor says",
        max_length=MAX_TEXT,
        blank=True,
        editable=False,
        validators=[RegexValidator(r"^(\?|[0-9]+)$")],
    )
    created_at = models.DateTimeField("drawn", auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["-created_at"]),)

    def __str__(self) -> str:
        return str(self.id)

    def is_reviewed(self) -> bool:
        return self.digits.exclude(label="").exists()

    @property
    def label(self) -> str:
        """What reviewers say it is, a character a digit; "" until they labelled all of it."""
        labels = list(self.digits.order_by("position").values_list("label", flat=True))
        return "".join(labels) if all(labels) else ""

    def reading(self) -> classifier.Reading:
        """The reading as it was given when the drawing was kept."""
        digits = self.digits.order_by("position")
        return classifier.Reading(tuple(digit.reading() for digit in digits), self.model)


class Digit(models.Model):
    """One digit of a drawing: exactly what the net saw, what it said, and what a reviewer says."""

    drawing = models.ForeignKey(Drawing, models.CASCADE, related_name="digits", editable=False)
    position = models.PositiveSmallIntegerField(editable=False)
    image = models.BinaryField("28x28 input", max_length=ink.SIZE**2, editable=False)
    box = models.JSONField("ink box", editable=False)
    probabilities = models.JSONField(editable=False)
    text = models.CharField("reading", max_length=1, choices=Label, editable=False)
    confidence = models.FloatField(editable=False)
    verdict = models.CharField(max_length=12, choices=VERDICTS, editable=False)
    label = models.CharField(max_length=1, choices=Label, blank=True)
    labelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    labelled_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["drawing", "position"], name="one_digit_a_position"),
        )
        indexes = (
            models.Index(fields=["confidence"]),
            models.Index(fields=["label", "confidence"]),
        )

    def __str__(self) -> str:
        return self.text

    def reading(self) -> classifier.Digit:
        return classifier.Digit(
            digit=None if self.text == Label.NOT_A_DIGIT else int(self.text),
            verdict=classifier.Verdict(self.verdict),
            confidence=self.confidence,
            probabilities=tuple(self.probabilities),
            box=classifier.Box(*self.box),
            image=ink.from_bytes(self.image),
        )
