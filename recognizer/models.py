"""The log: every drawing that was kept, and the digits the net saw in it; and the models."""

import hashlib
import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from ml.classifier import MAX_VERSION, Classifier, ModelError, Verdict
from ml.preprocessing.strokes import SIZE, Box, Strokes, grid_from_bytes
from ml.recognition import DigitPrediction, Prediction


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


VERDICTS = [(verdict.value, verdict.value) for verdict in Verdict]
MAX_TEXT = 64


class Drawing(models.Model):
    """One drawing under the UUID its maker gave it. A picture keeps no strokes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=8, choices=Source, editable=False)
    strokes = models.JSONField(null=True, editable=False)
    text = models.CharField("reading", max_length=MAX_TEXT, editable=False)
    model = models.CharField(max_length=MAX_VERSION, editable=False)
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
        indexes = (
            models.Index(fields=["-created_at"]),
            models.Index(fields=["model", "-created_at"]),
            models.Index(fields=["source", "-created_at"]),
        )

    def __str__(self) -> str:
        return str(self.id)

    def is_reviewed(self) -> bool:
        return self.digits.exclude(label="").exists()

    @property
    def label(self) -> str:
        """What reviewers say it is, a character a digit; "" until they labeled all of it."""
        labels = list(self.digits.order_by("position").values_list("label", flat=True))
        return "".join(labels) if all(labels) else ""

    def prediction(self) -> Prediction:
        """The reading as it was given when the drawing was kept."""
        digits = self.digits.order_by("position")
        return Prediction(tuple(digit.prediction() for digit in digits), self.model)


class Digit(models.Model):
    """One digit of a drawing: exactly what the net saw, what it said, and what a reviewer says."""

    # The constraint below is its index.
    drawing = models.ForeignKey(
        Drawing, models.CASCADE, related_name="digits", db_index=False, editable=False
    )
    position = models.PositiveSmallIntegerField(editable=False)
    image = models.BinaryField("28x28 input", max_length=SIZE**2, editable=False)
    box = models.JSONField("ink box", editable=False)
    probabilities = models.JSONField(editable=False)
    text = models.CharField("reading", max_length=1, choices=Label, editable=False)
    confidence = models.FloatField(editable=False)
    verdict = models.CharField(max_length=12, choices=VERDICTS, editable=False)
    predicted_at = models.DateTimeField("read", auto_now_add=True)
    # The drawing's, once more: a list of digits is filtered by it in the digits' order.
    model = models.CharField(max_length=MAX_VERSION, default="", editable=False)
    # Whether the drawing has a visitor's label, for the same reason.
    has_visitor_label = models.BooleanField(default=False, editable=False)
    # In percent, the least confidence of the band it is in.
    band = models.GeneratedField(
        expression=models.Case(
            models.When(confidence__lt=0.5, then=0),
            models.When(confidence__lt=0.9, then=50),
            default=90,
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    label = models.CharField(max_length=1, choices=Label, blank=True)
    labeled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        editable=False,
        related_name="+",
    )
    labeled_at = models.DateTimeField(null=True, editable=False)
    leased_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["drawing", "position"], name="one_digit_a_position"),
        )
        indexes = (
            models.Index(fields=["confidence"]),
            models.Index(fields=["label", "confidence"]),
            # What the log says: digits a day by verdict, and all that is asked of labeled ones.
            models.Index(fields=["verdict", "predicted_at"]),
            models.Index(
                fields=["predicted_at", "label", "text", "confidence", "model"],
                condition=~models.Q(label=""),
                name="labeled_digits",
            ),
            # One for each filter of the admin's list, in its order.
            models.Index(fields=["label", "-id"]),
            models.Index(fields=["text", "-id"]),
            models.Index(fields=["verdict", "-id"]),
            models.Index(fields=["model", "-id"]),
            models.Index(fields=["band", "-id"]),
            models.Index(fields=["-id"], condition=~models.Q(label=""), name="newest_labeled"),
            models.Index(
                fields=["-id"], condition=models.Q(has_visitor_label=True), name="has_visitor_label"
            ),
            models.Index(fields=["labeled_by", "labeled_at", "id"]),
        )

    def __str__(self) -> str:
        return self.text

    def strokes(self) -> Strokes:
        """Those strokes of the drawing that lie in this digit's box: none is ever cut."""
        return self.strokes_in(self.drawing)

    def strokes_in(self, drawing: Drawing) -> Strokes:
        """The same, of its drawing, which this digit does not hold on to."""
        left, top, width, height = self.box
        return [
            stroke
            for stroke in drawing.strokes or []
            if stroke
            and all(0 <= x - left <= width and 0 <= y - top <= height for x, y, *_ in stroke)
        ]

    def prediction(self) -> DigitPrediction:
        return DigitPrediction(
            digit=None if self.text == Label.NOT_A_DIGIT else int(self.text),
            verdict=Verdict(self.verdict),
            confidence=self.confidence,
            probabilities=tuple(self.probabilities),
            box=Box(*self.box),
            grid=grid_from_bytes(self.image),
        )


class Day(models.Model):
    """One day, from midnight on: drawings, and digits by what the net said of them.

    What was drawn then was drawn, whatever is deleted later; so a day that is over stays as it is.
    """

    start = models.DateTimeField(primary_key=True)
    drawings = models.PositiveIntegerField()
    digits = models.PositiveIntegerField()
    unsure = models.PositiveIntegerField()
    not_a_digit = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d}"

    @property
    def unsure_share(self) -> float:
        return self.unsure / max(self.digits, 1)

    @property
    def not_a_digit_share(self) -> float:
        return self.not_a_digit / max(self.digits, 1)


class RepeatReview(models.Model):
    """A digit shown again to the reviewer who had labeled it, who does not know."""

    digit = models.ForeignKey(Digit, models.CASCADE, related_name="repeat_reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    first = models.CharField(max_length=1, choices=Label)
    second = models.CharField(max_length=1, choices=Label, blank=True)
    shown_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["digit", "reviewer"], name="one_repeat_review"),
        )

    def __str__(self) -> str:
        return f"{self.first}, then {self.second}"


class ModelStatus(models.TextChoices):
    CANDIDATE = "candidate", "candidate"
    SERVING = "serving", "serving"
    RETIRED = "retired", "served until another was promoted"
    WITHDRAWN = "withdrawn", "served until it was rolled back"


class ModelVersion(models.Model):
    """An exported model, whole: what it is and how good it is stands in its own metadata."""

    content = models.BinaryField("ONNX file", editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, unique=True, editable=False)
    version = models.CharField(max_length=MAX_VERSION, editable=False)
    status = models.CharField(
        max_length=9, choices=ModelStatus, default=ModelStatus.CANDIDATE, editable=False
    )
    created_at = models.DateTimeField("stored", auto_now_add=True)
    promoted_at = models.DateTimeField("promoted", null=True, editable=False)
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = "model"
        ordering = ("-created_at",)
        permissions = (("promote_modelversion", "Can promote and roll back models"),)
        constraints = (
            models.UniqueConstraint(
                fields=["status"], condition=models.Q(status="serving"), name="one_model_serves"
            ),
        )

    def __str__(self) -> str:
        return self.version

    @classmethod
    def promoted_sha256(cls) -> str | None:
        """The SHA-256 of the version that serves; None where none was promoted."""
        serving = cls.objects.filter(status=ModelStatus.SERVING).values_list("sha256", flat=True)
        return serving.first()

    def load(self) -> Classifier:
        """The classifier of these bytes. Raises ModelError where they cannot serve."""
        content = bytes(self.content)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelError("its SHA-256 is not the one it was stored with")
        return Classifier(content)


class Measurement(models.Model):
    """What ``ml.report`` measured of a model: more than a request has time for, or a server data.

    The model that ships has no row of its own, and no file can change: so it goes by the SHA-256.
    """

    sha256 = models.CharField("SHA-256", max_length=64, primary_key=True)
    metrics = models.JSONField()
    measured_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.sha256[:12]
