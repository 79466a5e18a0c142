"""manage.py purge_drawings: delete drawings after the retention period."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recognizer import drawings
from recognizer.models import Drawing

BATCH, MAX_DAYS = 1_000, 36_500


class Command(BaseCommand):
    help = "Delete drawings older than KEEP_DRAWINGS_DAYS with their digits and labels."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=settings.KEEP_DRAWINGS_DAYS, help="overrides the setting"
        )
        parser.add_argument("--dry-run", action="store_true", help="count without deleting")

    def handle(self, *args: Any, days: int | None, dry_run: bool, **options: Any) -> None:
        if days is None:
            raise CommandError("No retention period: set KEEP_DRAWINGS_DAYS or pass --days.")
        if not 0 <= days <= MAX_DAYS:
            raise CommandError(f"--days is {days}. Use 0 to {MAX_DAYS:,}.")
        old = Drawing.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
        count = old.count()
        if dry_run:
            self.stdout.write(f"{count:,} drawings are older than {days} days.")
            return
        while ids := list(old.values_list("pk", flat=True)[:BATCH]):
            drawings.delete(Drawing.objects.filter(pk__in=ids))
        self.stdout.write(self.style.SUCCESS(f"{count:,} drawings deleted."))
