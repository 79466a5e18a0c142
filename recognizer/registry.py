"""What the site does with models: store, promote, roll back. Commands and admin come here."""

from collections.abc import Callable

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ml.classifier import Classifier, ModelError
from recognizer.comparison import compare
from recognizer.models import ModelStatus, ModelVersion


class NothingPromoted(Exception):
    """There is nothing to roll back: the shipped model serves."""


class NotServing(Exception):
    """The model that was to be rolled back does not serve any more."""


class ReasonNeeded(Exception):
    """The model is worse than the one that serves; the message says in what."""


def register(content: bytes) -> tuple[ModelVersion, bool]:
    """Store a model as a candidate; say whether it is new. Raises ModelError."""
    model = Classifier(content)
    return ModelVersion.objects.get_or_create(
        sha256=model.sha256, defaults={"version": model.version, "content": content}
    )


def figures(load: Callable[[], Classifier]) -> str:
    """How good a model is, by what its file says; or why it cannot be loaded."""
    try:
        metrics = load().facts.get("metrics", {})
    except ModelError as error:
        return str(error)
    return ", ".join(f"{name}: {one['errors']} of {one['of']:,}" for name, one in metrics.items())


def find(name: str) -> ModelVersion:
    """The model of that version or beginning of a SHA-256.

    Raises ModelVersion.DoesNotExist or MultipleObjectsReturned.
    """
    return ModelVersion.objects.get(Q(version=name) | Q(sha256__startswith=name))


def promote(version: ModelVersion, user: User, reason: str = "") -> None:
    """Let a model serve, in every process within two seconds.

    Raises ModelError, ReasonNeeded where it is worse than what serves and no reason is given, and
    ModelVersion.DoesNotExist when it has been deleted.
    """
    challenger = version.load()
    with transaction.atomic():
        every = _lock()
        serving = _serving(every)
        if version not in every:
            raise ModelVersion.DoesNotExist
        if serving == version:
            return
        # With what serves now, which a moment ago may have been another.
        shortfalls = _shortfalls(challenger)
        if shortfalls and not reason:
            raise ReasonNeeded(shortfalls)
        if serving:
            _set_status(serving, ModelStatus.RETIRED)
        version.promoted_at, version.promoted_by = timezone.now(), user
        _set_status(version, ModelStatus.SERVING)
        why = f" Although worse in {shortfalls}: {reason}" if shortfalls else ""
        _log(version, user, f"Promoted in place of {serving or 'the shipped model'}.{why}")


def roll_back(user: User, version: ModelVersion | None = None) -> ModelVersion | None:
    """Let the model serve that did before the last promotion; None: the shipped one.

    One that cannot serve any more is passed over. Raises NothingPromoted, and NotServing where
    another than ``version`` serves: two who roll back the same model go back by one.
    """
    with transaction.atomic():
        serving = _serving(_lock())
        if version not in (None, serving):
            raise NotServing
        if serving is None:
            raise NothingPromoted
        _set_status(serving, ModelStatus.WITHDRAWN)
        before = _before(user)
        if before:
            _set_status(before, ModelStatus.SERVING)
        _log(serving, user, f"Rolled back to {before or 'the shipped model'}.")
    return before


def _before(user: User) -> ModelVersion | None:
    """The last that retired and can still serve; those that cannot are withdrawn."""
    retired = ModelVersion.objects.filter(status=ModelStatus.RETIRED).defer("content")
    for version in retired.order_by("-promoted_at"):
        try:
            version.load()
        except ModelError as error:
            _set_status(version, ModelStatus.WITHDRAWN)
            _log(version, user, f"Passed over: {error}.")
        else:
            return version
    return None


def _shortfalls(challenger: Classifier) -> str:
    try:
        return compare(challenger).shortfalls
    except ModelError:
        # What should serve cannot: anything is better.
        return ""


def _lock() -> list[ModelVersion]:
    """Hold off whoever else promotes; return all that are stored."""
    return list(ModelVersion.objects.select_for_update().defer("content").order_by("pk"))


def _serving(every: list[ModelVersion]) -> ModelVersion | None:
    return next((version for version in every if version.status == ModelStatus.SERVING), None)


def _set_status(version: ModelVersion, status: ModelStatus) -> None:
    version.status = status
    version.save(update_fields=["status", "promoted_at", "promoted_by"])


def _log(version: ModelVersion, user: User, message: str) -> None:
    LogEntry.objects.log_actions(
        user.pk, [version], CHANGE, change_message=message, single_object=True
    )
