"""System checks: what is set up wrongly is said at start, with a hint."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DatabaseError, connections

from ml.classifier import Classifier, ModelError
from recognizer.models import ModelStatus, ModelVersion


@register()
def shipped_model_can_serve(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """recognizer.E001: the file that serves where nothing was promoted cannot."""
    try:
        Classifier(settings.SHIPPED_MODEL.read_bytes())
    except (ModelError, OSError) as error:
        return [
            Error(
                f"The shipped model cannot serve: {error}.",
                hint=f"Restore {settings.SHIPPED_MODEL}.",
                id="recognizer.E001",
            )
        ]
    return []


@register(Tags.database)
def promoted_model_can_serve(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """recognizer.W001: the promoted model is passed over."""
    try:
        serving = (
            ModelVersion.objects.filter(status=ModelStatus.SERVING).first() if databases else None
        )
        if serving:
            serving.load()
    except ModelError as error:
        return [
            Caution(
                f"The promoted model {serving} does not serve: {error}.",
                hint="Promote another or roll back: `manage.py models`.",
                id="recognizer.W001",
            )
        ]
    except DatabaseError:
        """Before the first migration there is no table."""
    return []


@register(Tags.database)
def sqlite_is_sound(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """recognizer.W002: this SQLite may, very rarely, damage a database in WAL mode."""
    version = sqlite3.sqlite_version_info
    mended = version >= (3, 51, 3) or any(
        since <= version < (*since[:2], 99) for since in ((3, 44, 6), (3, 50, 7))
    )
    used = [name for name in databases or [] if connections[name].vendor == "sqlite"]
    if mended or not used:
        return []
    return [
        Caution(
            f"SQLite {sqlite3.sqlite_version} may damage the database, though very rarely: a race"
            " of two connections, one of which resets the write-ahead log.",
            hint="3.44.6, 3.50.7 and 3.51.3 do not. Keep backups, or use PostgreSQL.",
            id="recognizer.W002",
        )
    ]
