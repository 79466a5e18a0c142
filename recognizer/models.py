"""Database tables: the prediction log, reviews and the model registry."""

import hashlib
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ml.classifier import Classifier, ModelError, Verdict
from ml.model_metadata import MAX_VERSION
from ml.preprocessing.segmentation import strokes_in
from ml.preprocessing.strokes import SIZE, Box, Strokes, grid_from_bytes
from ml.recognition import DigitPrediction, Prediction, join_lines


class Source(models.TextChoices):
    PAGE = "page", _("page")
    API = "api", _("API")


class Label(models.TextChoices):
    """The characters of predictions and labels; ``?`` is "not a digit"."""

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
    NOT_A_DIGIT = "?", _("not a digit")


VERDICTS = [
    (Verdict.DIGIT.value, _("digit")),
    (Verdict.UNSURE.value, _("unsure")),
    (Verdict.NOT_A_DIGIT.value, _("not a digit")),
]
# At least the most digits of a prediction (MAX_PARTS) and the newlines between MAX_LINES lines.
MAX_TEXT = 64


class Drawing(models.Model):
    """A saved drawing. The client chooses its UUID; pictures have no strokes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=8, choices=Source, editable=False)
    strokes = models.JSONField(null=True, editable=False)
    text = models.CharField(_("prediction"), max_length=MAX_TEXT, editable=False)
    model = models.CharField(max_length=MAX_VERSION, editable=False)
    # Like text, but "?" alone is "not a digit".
    visitor_label = models.CharField(
        _("visitor label"), max_length=MAX_TEXT, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=["-created_at"]),
            models.Index(fields=["model", "-created_at"]),
            # Search for a number.
            models.Index(fields=["text", "-created_at"], name="drawing_by_text_and_time"),
        )

    def __str__(self) -> str:
        return str(self.id)

    def is_reviewed(self) -> bool:
        return self.digits.exclude(label="").exists()

    @property
    def label(self) -> str:
        """The reviewer labels as text; "" if any label is missing."""
        labels = list(self.digits.order_by("position").values_list("label", "box"))
        if not all(label for label, _ in labels):
            return ""
        return join_lines((label, Box(*box)) for label, box in labels)

    def prediction(self) -> Prediction:
        """Return the stored prediction."""
        digits = self.digits.order_by("position")
        return Prediction(tuple(digit.prediction() for digit in digits), self.model)


# The columns of the admin list's filters, besides confidence.
FILTER_COLUMNS = ("text", "verdict", "label", "model", "visitor_label", "predicted_at")
# Digits whose visitor label or reviewer label differs from the prediction.
DISAGREEMENT = models.Q(
    ~models.Q(visitor_label="") & ~models.Q(visitor_label=models.F("text"))
    | ~models.Q(label="") & ~models.Q(label=models.F("text"))
)
# The visitor label of a digit if the visitor and the model count different numbers of digits.
OTHER_COUNT = "*"


class Digit(models.Model):
    """A digit of a drawing: the model's input, its prediction and the reviewer label."""

    # The unique constraint provides its index.
    drawing = models.ForeignKey(
        Drawing, models.CASCADE, related_name="digits", db_index=False, editable=False
    )
    position = models.PositiveSmallIntegerField(editable=False)
    image = models.BinaryField(_("28x28 input"), max_length=SIZE**2, editable=False)
    box = models.JSONField(_("ink box"), editable=False)
    probabilities = models.JSONField(editable=False)
    text = models.CharField(_("prediction"), max_length=1, choices=Label, editable=False)
    confidence = models.FloatField(editable=False)
    verdict = models.CharField(max_length=12, choices=VERDICTS, editable=False)
    predicted_at = models.DateTimeField(_("predicted"), auto_now_add=True)
    # Copies of drawing columns: an index cannot span a join.
    model = models.CharField(max_length=MAX_VERSION, default="", editable=False)
    # This digit's character of the drawing's visitor label, or OTHER_COUNT.
    visitor_label = models.CharField(max_length=1, blank=True, default="", editable=False)
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
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        editable=False,
        related_name="+",
    )
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["drawing", "position"], name="one_digit_a_position"),
        )
        # New digits are in all indexes without a condition.
        indexes = (
            # Both orders of the admin list and the review queue, with all columns of the filters.
            models.Index(fields=["id", "confidence", *FILTER_COLUMNS], name="digit_by_id"),
            models.Index(fields=["confidence", "id", *FILTER_COLUMNS], name="digit_by_confidence"),
            # Statistics: daily counts, then labeled digits.
            models.Index(fields=["predicted_at", "verdict", "position"], name="digit_by_day"),
            models.Index(
                fields=["predicted_at", "label", "text", "confidence", "model"],
                condition=~models.Q(label=""),
                name="labeled_digits",
            ),
            # Few digits; without all columns of the filters, databases prefer the large indexes.
            models.Index(
                fields=["confidence", "id", *FILTER_COLUMNS],
                condition=DISAGREEMENT,
                name="digit_disagreements",
            ),
            # Repeat reviews.
            models.Index(
                fields=["labeled_by", "labeled_at", "id"],
                condition=models.Q(labeled_by__isnull=False),
                name="digit_by_reviewer",
            ),
        )

    def __str__(self) -> str:
        return self.text

    def strokes(self) -> Strokes:
        """Return the strokes of the digit, or their pieces where a stroke has several digits."""
        return strokes_in(Box(*self.box), self.drawing.strokes or [])

    def prediction(self) -> DigitPrediction:
        return DigitPrediction(
            digit=None if self.text == Label.NOT_A_DIGIT else int(self.text),
            verdict=Verdict(self.verdict),
            confidence=self.confidence,
            probabilities=tuple(self.probabilities),
            box=Box(*self.box),
            grid=grid_from_bytes(self.image),
        )


class RepeatReview(models.Model):
    """A labeled digit shown again, without its label, to measure the reviewer's consistency."""

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
    CANDIDATE = "candidate", _("candidate")
    SHIPPED = "shipped", _("shipped")
    SERVING = "serving", _("serving")
    RETIRED = "retired", _("retired")
    WITHDRAWN = "withdrawn", _("rolled back")


class ModelVersion(models.Model):
    """A stored model file, including its metadata, and its state.

    While no version has the status SERVING, the shipped one serves.
    """

    content = models.BinaryField(_("ONNX file"), editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True, editable=False)
    version = models.CharField(max_length=MAX_VERSION, editable=False)
    status = models.CharField(
        max_length=9, choices=ModelStatus, default=ModelStatus.CANDIDATE, editable=False
    )
    created_at = models.DateTimeField(_("stored"), auto_now_add=True)
    promoted_at = models.DateTimeField(_("promoted"), null=True, editable=False)
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("model")
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
        """Return the SHA-256 of the serving model; None if none has been promoted."""
        serving = cls.objects.filter(status=ModelStatus.SERVING).values_list("sha256", flat=True)
        return serving.first()

    def load(self) -> Classifier:
        """Return the file as a classifier. Raises ModelError if it is damaged or unusable."""
        content = bytes(self.content)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelError("the SHA-256 of the stored file differs from the registered one")
        return Classifier(content)


class Measurement(models.Model):
    """Metrics of a model file that take too long to compute in a request.

    Keyed by SHA-256, because the file of the shipped model can be newer than the registry.
    """

    sha256 = models.CharField(_("SHA-256"), max_length=64, primary_key=True)
    metrics = models.JSONField()
    measured_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class ExportKey(models.Model):
    """The secret key of the pseudonyms in exports, one row, created by the first export."""

    key = models.BinaryField(max_length=32, editable=False)

    def __str__(self) -> str:
        return "export key"

    @classmethod
    def get(cls) -> bytes:
        """Return the key."""
        row, _ = cls.objects.get_or_create(pk=1, defaults={"key": secrets.token_bytes(32)})
        return bytes(row.key)
