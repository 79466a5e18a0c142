"""Store, promote and roll back models: the entry point for commands and admin."""

from hashlib import sha256

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.classifier import Classifier, ModelError
from recognizer.comparison import compare, dataset_name, load_shipped_model
from recognizer.models import ModelStatus, ModelVersion

TRAINING_COUNTS = {
    "training_images": gettext_lazy("MNIST digits"),
    "stroke_images": gettext_lazy("images of pen strokes"),
    "reviewed_images": gettext_lazy("labeled digits"),
    "reviewed_non_digits": gettext_lazy("labeled non-digits"),
}
# Comparisons per promotion: each is repeated if the serving model changed meanwhile.
MAX_COMPARISONS = 3


class NothingPromoted(Exception):
    """The shipped model serves, so there is no promotion to roll back."""


class NotServing(Exception):
    """The model to roll back is no longer the serving model."""


class ReasonNeeded(Exception):
    """The candidate is worse than the serving model; the message lists the shortfalls."""


class PromotionConflict(Exception):
    """Other promotions or rollbacks changed the serving model during every comparison."""


def register(content: bytes) -> tuple[ModelVersion, bool]:
    """Store a model as a candidate; return whether it is new. Raises ModelError."""
    model = Classifier(content)
    return ModelVersion.objects.get_or_create(
        sha256=model.sha256,
        defaults={"version": model.version, "content": content},
    )


def store_shipped_model() -> None:
    """Store the shipped model, so that it is listed and promoted like others. Raises ModelError.

    The shipped model of another release becomes a candidate.
    """
    current = shipped_sha256()
    versions = ModelVersion.objects
    with transaction.atomic():
        if not versions.filter(sha256=current).exists():
            register(load_shipped_model().content)
        former = versions.filter(status=ModelStatus.SHIPPED).exclude(sha256=current)
        former.update(status=ModelStatus.CANDIDATE)
        shipped = versions.filter(status=ModelStatus.CANDIDATE, sha256=current)
        shipped.update(status=ModelStatus.SHIPPED)


def shipped_sha256() -> str:
    """Return the SHA-256 of the shipped file, "" if it cannot be read."""
    try:
        return sha256(settings.SHIPPED_MODEL.read_bytes()).hexdigest()
    except OSError:
        return ""


def describe_errors(version: ModelVersion) -> str:
    """Return the error counts in a model's metadata, or the reason why it cannot be loaded."""
    try:
        metrics = version.load().facts.get("metrics", {})
    except ModelError as error:
        return str(error)
    return "; ".join(
        _("%(name)s: %(errors)s of %(of)s")
        % {"name": dataset_name(name), "errors": one["errors"], "of": f"{one['of']:,}"}
        for name, one in metrics.items()
    )


def describe_training(version: ModelVersion) -> str:
    """Return the training data in a model's metadata, or "unknown" in the user's language."""
    try:
        training = version.load().facts.get("training", {})
    except ModelError as error:
        return str(error)
    counts = [
        f"{training[key]:,} {name}" for key, name in TRAINING_COUNTS.items() if training.get(key)
    ]
    files = [file["name"] for file in training.get("stroke_files", [])]
    return "; ".join(counts + files) or _("unknown")


def find(name: str) -> ModelVersion:
    """Return the model with this version or SHA-256 prefix.

    Raises ModelVersion.DoesNotExist or MultipleObjectsReturned.
    """
    return ModelVersion.objects.get(Q(version=name) | Q(sha256__startswith=name))


def promote(version: ModelVersion, user: User, reason: str = "") -> None:
    """Make a model the serving model; every process follows within two seconds.

    Raises ModelError, ReasonNeeded if the model is worse than the serving one and ``reason`` is
    empty, ModelVersion.DoesNotExist if it was deleted, and PromotionConflict.
    """
    candidate = version.load()
    for _attempt in range(MAX_COMPARISONS):
        # Compare before taking the lock: on SQLite it blocks every writer.
        compared = ModelVersion.objects.filter(status=ModelStatus.SERVING).first()
        shortfalls = _shortfalls(candidate, compared)
        with transaction.atomic():
            versions = _lock_versions()
            serving = _serving(versions)
            if version not in versions:
                raise ModelVersion.DoesNotExist
            if serving == version:
                return
            if serving == compared:
                if shortfalls and not reason:
                    raise ReasonNeeded(shortfalls)
                note = f" Worse in {shortfalls}. Reason: {reason}" if shortfalls else ""
                _replace(serving, version, user, note)
                return
    raise PromotionConflict(
        _("The serving model changed during %(count)d comparisons with %(version)s. Try again.")
        % {"count": MAX_COMPARISONS, "version": version}
    )


def roll_back(user: User, version: ModelVersion | None = None) -> ModelVersion | None:
    """Restore the previous serving model and return it; None stands for the shipped model.

    Models that cannot be loaded are skipped. Raises NothingPromoted, and NotServing if ``version``
    is given and does not serve: two simultaneous rollbacks of one model undo one promotion.
    """
    with transaction.atomic():
        serving = _serving(_lock_versions())
        if version not in (None, serving):
            raise NotServing
        if serving is None:
            raise NothingPromoted
        _set_status(serving, ModelStatus.WITHDRAWN)
        previous = _last_usable(user)
        if previous:
            _set_status(previous, ModelStatus.SERVING)
        _record(serving, user, f"Rolled back to {previous or 'the shipped model'}.")
    return previous


def _replace(serving: ModelVersion | None, version: ModelVersion, user: User, note: str) -> None:
    if serving:
        _set_status(serving, ModelStatus.RETIRED)
    version.promoted_at, version.promoted_by = timezone.now(), user
    _set_status(version, ModelStatus.SERVING)
    _record(version, user, f"Promoted in place of {serving or 'the shipped model'}.{note}")


def _last_usable(user: User) -> ModelVersion | None:
    """Return the latest retired model that can be loaded; withdraw later ones that cannot."""
    retired = ModelVersion.objects.filter(status=ModelStatus.RETIRED).defer("content")
    for version in retired.order_by("-promoted_at"):
        try:
            version.load()
        except ModelError as error:
            _set_status(version, ModelStatus.WITHDRAWN)
            _record(version, user, f"Skipped in a rollback: {error}.")
        else:
            return version
    return None


def _shortfalls(candidate: Classifier, serving: ModelVersion | None) -> str:
    try:
        return compare(candidate, serving.load() if serving else load_shipped_model()).shortfalls
    except ModelError:
        # Any model may replace a damaged serving model.
        return ""


def _lock_versions() -> list[ModelVersion]:
    """Lock all stored versions against other promotions; return them."""
    return list(ModelVersion.objects.select_for_update().defer("content").order_by("pk"))


def _serving(versions: list[ModelVersion]) -> ModelVersion | None:
    return next((version for version in versions if version.status == ModelStatus.SERVING), None)


def _set_status(version: ModelVersion, status: ModelStatus) -> None:
    version.status = status
    version.save(update_fields=["status", "promoted_at", "promoted_by"])


def _record(version: ModelVersion, user: User, message: str) -> None:
    """Add a message to the admin history of a model."""
    LogEntry.objects.log_actions(
        user.pk, [version], CHANGE, change_message=message, single_object=True
    )
