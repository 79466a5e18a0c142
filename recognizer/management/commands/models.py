"""manage.py models: manage the model registry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from ml.classifier import Classifier, ModelError
from ml.files import write_file
from recognizer import comparison, registry
from recognizer.management.measurement import measure
from recognizer.models import ModelVersion

# Inactive user of the admin log for commands without --user.
DEFAULT_USER = "manage.py"


class Command(BaseCommand):
    help = "List, show, measure, compare, promote, roll back, export and import models."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def add(name: str, run: Callable[..., None], help: str) -> CommandParser:
            action: CommandParser = actions.add_parser(name, help=help, description=help)
            action.set_defaults(run=run)
            return action

        add("list", self.list_models, "list all models; * marks the serving model")
        show = add("show", self.show, "print the metadata of a model as JSON")
        measure = add("measure", self.measure, "measure a model and the serving model")
        compare = add("compare", self.compare, "compare a model with the serving model")
        promote = add("promote", self.promote, "make a model the serving model of all processes")
        rollback = add("rollback", self.roll_back, "return to the previous serving model")
        export = add("export", self.export, "write a model to a file")
        import_ = add("import", self.import_file, "store a model file as a candidate")
        for action in (show, measure, compare, promote, export):
            action.add_argument("model", help="version, or the first characters of the SHA-256")
        for action in (export, import_):
            action.add_argument("file", type=Path)
        promote.add_argument("--reason", default="", help="required for a less accurate model")
        for action in (promote, rollback):
            action.add_argument("--user", help="user name for the admin log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["run"](**options)
        except ModelError as error:
            raise CommandError(f"Refused: {error}") from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be used: {error.strerror}") from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {error}") from error

    def list_models(self, **options: Any) -> None:
        serving = ModelVersion.promoted_sha256() or registry.shipped_sha256()
        for version in ModelVersion.objects.select_related("promoted_by"):
            mark = "*" if version.sha256 == serving else " "
            state = version.get_status_display()
            if version.promoted_at:
                state += f"; promoted {version.promoted_at:%Y-%m-%d %H:%M} by {version.promoted_by}"
            self.stdout.write(f"{mark} {version}  {version.sha256[:12]}  {state}")
            self.stdout.write(f"    errors: {registry.describe_errors(version)}")

    def show(self, model: str, **options: Any) -> None:
        version = _find(model)
        shown = {"version": version.version, "sha256": version.sha256, "status": version.status}
        self.stdout.write(json.dumps({**shown, **version.load().facts}, indent=2))

    def measure(self, model: str, **options: Any) -> None:
        measure(_find(model).load())
        self.stdout.write(self.style.SUCCESS(f"Measured. See: manage.py models compare {model}"))

    def compare(self, model: str, **options: Any) -> None:
        compared = comparison.compare(_find(model).load())
        self.stdout.write(f"Errors of {model} and of the serving model {compared.serving_version}:")
        for row in compared.rows:
            worse = "  worse" if row.is_worse else ""
            errors = "not measured" if row.candidate is None else row.candidate
            self.stdout.write(f"{row.name:32}{errors:>12}{row.serving:7} of {row.of:,}{worse}")
        for fact in compared.calibration:
            self.stdout.write(f"{fact.name:32}{fact.candidate:>12}{fact.serving:>7}")
        differences = len(compared.differences)
        self.stdout.write(f"{differences} held-out labels are predicted differently.")
        if not compared.grid:
            self.stdout.write(f"For more metrics: manage.py models measure {model}")

    def promote(self, model: str, user: str | None, reason: str, **options: Any) -> None:
        version = _find(model)
        try:
            registry.promote(version, _user(user), reason)
        except registry.ReasonNeeded as shortfalls:
            raise CommandError(f"Less accurate: {shortfalls}. Say why: --reason REASON") from None
        except registry.PromotionConflict as conflict:
            raise CommandError(str(conflict)) from None
        except ModelVersion.DoesNotExist:
            raise CommandError(f"Model {version} was deleted. See: manage.py models list") from None
        self.stdout.write(self.style.SUCCESS(f"Model {version} serves."))

    def roll_back(self, user: str | None, **options: Any) -> None:
        try:
            previous = registry.roll_back(_user(user))
        except registry.NothingPromoted:
            raise CommandError("There is nothing to roll back: the shipped model serves.") from None
        self.stdout.write(self.style.SUCCESS(f"{previous or 'The shipped model'} serves again."))

    def export(self, model: str, file: Path, **options: Any) -> None:
        version = _find(model)
        write_file(file, version.load().content)
        self.stdout.write(self.style.SUCCESS(f"Model {version} written to {file}"))

    def import_file(self, file: Path, **options: Any) -> None:
        version, created = registry.register(Classifier.read(file).content)
        state = "stored as a candidate" if created else f"already stored: {version.status}"
        self.stdout.write(self.style.SUCCESS(f"Model {version} is {state}."))
        self.stdout.write(f"To serve it: manage.py models promote {version}")


def _find(name: str) -> ModelVersion:
    try:
        return registry.find(name)
    except ModelVersion.DoesNotExist:
        raise CommandError(f"There is no model {name}. See: manage.py models list") from None
    except ModelVersion.MultipleObjectsReturned:
        raise CommandError(f"There are several models {name}. Use the SHA-256.") from None


def _user(name: str | None) -> User:
    if name is None:
        return User.objects.get_or_create(username=DEFAULT_USER, defaults={"is_active": False})[0]
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {name}. Create one or omit --user.") from None
