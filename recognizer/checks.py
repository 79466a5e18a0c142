"""System checks of the models and of SQLite."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, connections

from ml.classifier import ModelError
from recognizer.comparison import load_shipped_model
from recognizer.models import ModelStatus, ModelVersion


@register()
def check_shipped_model(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """recognizer.E001: the shipped model, which serves until a promotion, cannot be loaded."""
    try:
        load_shipped_model()
    except ModelError as error:
        message = f"Cannot load the shipped model: {error}."
        hint = f"Restore {settings.SHIPPED_MODEL}."
        return [checks.Error(message, hint, id="recognizer.E001")]
    return []


@register(Tags.database)
def check_promoted_model(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """recognizer.W001: the promoted model cannot be loaded, so another one serves."""
    if not databases:
        return []
    try:
        version = ModelVersion.objects.filter(status=ModelStatus.SERVING).first()
        if version:
            version.load()
    except DatabaseError:
        # The table does not exist before the first migration.
        return []
    except ModelError as error:
        message = f"Cannot load the promoted model {version}: {error}."
        hint = "Promote another model or roll back: `manage.py models`."
        return [checks.Warning(message, hint, id="recognizer.W001")]
    return []


@register(Tags.database)
def check_sqlite_version(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """recognizer.W002: this SQLite version has the WAL-reset bug, a rare database corruption."""
    version = sqlite3.sqlite_version_info
    is_fixed = version >= (3, 51, 3) or any(
        fixed <= version < (*fixed[:2], 99) for fixed in ((3, 44, 6), (3, 50, 7))
    )
    uses_sqlite = any(connections[name].vendor == "sqlite" for name in databases or ())
    if is_fixed or not uses_sqlite:
        return []
    message = (
        f"SQLite {sqlite3.sqlite_version} can corrupt the database, very rarely: two connections"
        " race while one resets the write-ahead log."
    )
    hint = "Use SQLite 3.44.6, 3.50.7, 3.51.3 or later, or PostgreSQL. Keep backups."
    return [checks.Warning(message, hint, id="recognizer.W002")]
