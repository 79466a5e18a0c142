"""manage.py purge_drawings: forget drawings that are older than was promised to keep them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recognizer import drawings
from recognizer.models import Drawing

BATCH = 1_000


class Command(BaseCommand):
    help = "Delete drawings older than KEEP_DRAWINGS_DAYS with their digits and labels."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=settings.KEEP_DRAWINGS_DAYS, help="instead of the setting"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *args: Any, days: int | None, dry_run: bool, **options: Any) -> None:
        if days is None:
            raise CommandError("How old? Set KEEP_DRAWINGS_DAYS, or give --days.")
        if days < 0:
            raise CommandError("--days cannot be negative.")
        try:
            before = timezone.now() - timedelta(days=days)
        except OverflowError:
            raise CommandError(f"Nothing is {days} days old.") from None
        old = Drawing.objects.filter(created_at__lt=before)
        count = old.count()
        if dry_run:
            self.stdout.write(f"{count:,} drawings are older than {days} days.")
            return
        while ids := list(old.values_list("pk", flat=True)[:BATCH]):
            drawings.delete(Drawing.objects.filter(pk__in=ids))
        self.stdout.write(self.style.SUCCESS(f"{count:,} drawings deleted."))
