"""manage.py purge_drawings."""

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from recognizer.models import Digit, Drawing
from tests.conftest import call

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawings_by_age(put):
    """Save drawings dated 0, 10 and 40 days ago."""
    for days in (0, 10, 40):
        put()
        newest = Drawing.objects.latest("created_at")
        Drawing.objects.filter(pk=newest.pk).update(
            created_at=timezone.now() - timedelta(days=days, hours=1)
        )


@pytest.mark.database
@pytest.mark.parametrize(("days", "left"), [(90, 3), (30, 2), (5, 1), (0, 0)])
def test_purge_deletes_drawings_older_than_the_days(drawings_by_age, days, left):
    assert f"{3 - left} drawing" in call("purge_drawings", "--days", days, "--dry-run")
    assert Digit.objects.count() == 3
    assert f"{3 - left} drawing" in call("purge_drawings", "--days", days)
    assert Drawing.objects.count() == Digit.objects.count() == left


def test_purge_without_days_uses_the_setting_or_fails(drawings_by_age, settings):
    with pytest.raises(CommandError, match="KEEP_DRAWINGS_DAYS"):
        call("purge_drawings")
    settings.KEEP_DRAWINGS_DAYS = 30
    call("purge_drawings")
    assert Drawing.objects.count() == 2


@pytest.mark.parametrize("days", [-1, 9_999_999])
def test_purge_with_impossible_days_fails(drawings_by_age, days):
    with pytest.raises(CommandError, match=f"--days is {days}"):
        call("purge_drawings", f"--days={days}")
