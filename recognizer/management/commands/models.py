"""manage.py models: the models in the database, and which of them serves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from ml.classifier import Classifier, ModelError
from recognizer import comparison, registry
from recognizer.management.measurement import measure
from recognizer.models import ModelStatus, ModelVersion

# Whose entries in the admin's log those are that name nobody; nobody can sign in under it.
NOBODY = "manage.py"


class Command(BaseCommand):
    help = "List, show, promote, roll back, export and import models."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def add(name: str, run: Callable[..., None], help: str) -> CommandParser:
            action: CommandParser = actions.add_parser(name, help=help, description=help)
            action.set_defaults(run=run)
            return action

        add("list", self._list, "all models; * serves")
        show = add("show", self._show, "what a model says of itself, as JSON")
        measure = add("measure", self._measure, "measure a model, and the one that serves")
        compare = add("compare", self._compare, "set a model beside the one that serves")
        promote = add("promote", self._promote, "let a model serve, in every process")
        rollback = add("rollback", self._roll_back, "let the model before serve again")
        export = add("export", self._export, "write a model to a file")
        add("import", self._import, "store a file as a candidate").add_argument("file", type=Path)
        for action in (show, measure, compare, promote, export):
            action.add_argument("model", help="its version, or the beginning of its SHA-256")
        export.add_argument("file", type=Path)
        promote.add_argument("--reason", default="", help="why, where it is worse than what serves")
        for action in (promote, rollback):
            action.add_argument("--user", help="whom the log shall name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["run"](**options)
        except (ModelError, OSError) as error:
            raise CommandError(f"Refused: {error}") from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {error}") from error

    def _list(self, **options: Any) -> None:
        every = ModelVersion.objects.select_related("promoted_by")
        served = any(version.status == ModelStatus.SERVING for version in every)
        for version in every:
            mark = "*" if version.status == ModelStatus.SERVING else " "
            promoted = ""
            if version.promoted_at:
                promoted = (
                    f"; promoted {version.promoted_at:%Y-%m-%d %H:%M} by {version.promoted_by}"
                )
            state = f"{version.get_status_display()}{promoted}"
            self.stdout.write(f"{mark} {version}  {version.sha256[:12]}  {state}")
            self.stdout.write(f"    errors: {registry.describe_errors(version.load)}")
        shipped = Classifier(settings.SHIPPED_MODEL.read_bytes())
        mark = " " if served else "*"
        self.stdout.write(f"{mark} {shipped.version}  {shipped.sha256[:12]}  shipped")
        self.stdout.write(f"    errors: {registry.describe_errors(lambda: shipped)}")

    def _show(self, model: str, **options: Any) -> None:
        version = _find(model)
        shown = {"version": version.version, "sha256": version.sha256, "status": version.status}
        self.stdout.write(json.dumps({**shown, **version.load().facts}, indent=2))

    def _measure(self, model: str, **options: Any) -> None:
        measure(_find(model).load())
        self.stdout.write(self.style.SUCCESS(f"To see it: manage.py models compare {model}"))

    def _compare(self, model: str, **options: Any) -> None:
        compared = comparison.compare(_find(model).load())
        self.stdout.write(f"Errors of {model}, and of {compared.serving_version}, which serves:")
        for row in compared.rows:
            worse = "  worse" if row.is_worse else ""
            errors = "?" if row.candidate is None else row.candidate
            self.stdout.write(f"{row.name:32}{errors:>7}{row.serving:7} of {row.of:,}{worse}")
        for fact in compared.calibration:
            self.stdout.write(f"{fact.name:32}{fact.candidate:>7}{fact.serving:>7}")
        self.stdout.write(f"{len(compared.differences)} held-out corrections are read differently.")
        if not compared.grid:
            self.stdout.write(f"For more: manage.py models measure {model}")

    def _promote(self, model: str, user: str | None, reason: str, **options: Any) -> None:
        version = _find(model)
        try:
            registry.promote(version, _user(user), reason)
        except registry.ReasonNeeded as shortfalls:
            raise CommandError(f"It is worse in {shortfalls}. Say why: --reason") from None
        except registry.PromotionConflict as conflict:
            raise CommandError(str(conflict)) from None
        except ModelVersion.DoesNotExist:
            raise CommandError(f"Model {version} has just been deleted.") from None
        self.stdout.write(self.style.SUCCESS(f"Model {version} serves."))

    def _roll_back(self, user: str | None, **options: Any) -> None:
        try:
            before = registry.roll_back(_user(user))
        except registry.NothingPromoted:
            raise CommandError("There is nothing to roll back: the shipped model serves.") from None
        self.stdout.write(self.style.SUCCESS(f"{before or 'The shipped model'} serves again."))

    def _export(self, model: str, file: Path, **options: Any) -> None:
        version = _find(model)
        file.write_bytes(version.load().content)
        self.stdout.write(self.style.SUCCESS(f"Model {version} written to {file}"))

    def _import(self, file: Path, **options: Any) -> None:
        version, created = registry.register(file.read_bytes())
        stored = "stored as a candidate" if created else f"known already: {version.status}"
        self.stdout.write(self.style.SUCCESS(f"Model {version} is {stored}."))
        self.stdout.write(f"To serve it: manage.py models promote {version}")


def _find(name: str) -> ModelVersion:
    try:
        return registry.find(name)
    except ModelVersion.DoesNotExist:
        raise CommandError(f"There is no model {name}; see: manage.py models list") from None
    except ModelVersion.MultipleObjectsReturned:
        raise CommandError(f"There are several models {name}; use the SHA-256.") from None


def _user(name: str | None) -> User:
    if name is None:
        return User.objects.get_or_create(username=NOBODY, defaults={"is_active": False})[0]
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {name}.") from None
