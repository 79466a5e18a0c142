"""Migrations of databases with rows."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from recognizer.models import Digit, Measurement, RepeatReview

RELEASE = ("recognizer", "0001_release_0_1_0")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def migrate():
    """A function that migrates to a state and returns its models; the newest state returns."""

    def migrate_to(*targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets or executor.loader.graph.leaf_nodes())
        return MigrationExecutor(connection).loader.project_state(targets).apps

    yield migrate_to
    migrate_to()


def create(apps, visitor_label="7", **digit):
    drawing = apps.get_model("recognizer", "Drawing").objects.create(
        source="page", strokes=[[[1, 1, 0]]], text="7", model="m1", visitor_label=visitor_label
    )
    return apps.get_model("recognizer", "Digit").objects.create(
        drawing=drawing, position=0, image=bytes(784), box=[0, 0, 1, 1],
        probabilities=[0.1] * 10, text="7", confidence=0.6, verdict="unsure", **digit,
    )  # fmt: skip


def test_migrate_from_release_0_1_0_preserves_rows(migrate):
    reviewer = User.objects.create_user("bo")
    old = migrate(RELEASE)
    # Its tables were created by the migrations that were replaced later.
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*RELEASE)
    for replaced in MigrationLoader(connection).disk_migrations[RELEASE].replaces:
        recorder.record_applied(*replaced)
    now = timezone.now()
    digit = create(
        old, model="m1", visitor_spoke=True, label="7", labelled_by_id=reviewer.pk,
        labelled_at=now, leased_to_id=reviewer.pk, leased_until=now,
    )  # fmt: skip
    create(old, model="m1", visitor_label="")
    old.get_model("recognizer", "SecondLook").objects.create(
        digit=digit, reviewer_id=reviewer.pk, first="7", second="1"
    )
    old.get_model("recognizer", "Measurement").objects.create(sha256="a", figures={"work": 1})
    old.get_model("recognizer", "Day").objects.create(
        start=now, drawings=2, digits=2, unsure=2, not_a_digit=0
    )
    migrate()
    labeled, unlabeled = Digit.objects.order_by("pk")
    assert (labeled.label, labeled.labeled_by, labeled.labeled_at) == ("7", reviewer, now)
    assert (labeled.leased_to, labeled.leased_until) == (reviewer, now)
    assert (labeled.visitor_label, unlabeled.visitor_label) == ("7", "")
    assert labeled.predicted_at == digit.read_at
    assert unlabeled.labeled_by is None
    review = RepeatReview.objects.get()
    assert (review.digit, review.reviewer, review.first, review.second) == (
        labeled, reviewer, "7", "1",
    )  # fmt: skip
    assert Measurement.objects.get().metrics == {"work": 1}


def test_migrate_back_to_release_0_1_0_preserves_rows(migrate):
    create(migrate(RELEASE), visitor_spoke=True)
    migrate()
    old = migrate(RELEASE)
    digit = old.get_model("recognizer", "Digit").objects.get()
    assert (digit.visitor_spoke, digit.band) == (True, 50)


@pytest.mark.parametrize(("label", "copied"), [("4\n2", "42"), ("423", "**"), ("?", "??")])
def test_migrate_from_0010_copies_the_visitor_label_of_each_digit(migrate, label, copied):
    old = migrate(("recognizer", "0010_labels_with_marks"))
    first = create(old, visitor_label=label, has_visitor_label=True)
    second = old.get_model("recognizer", "Digit").objects.get(pk=first.pk)
    second.pk, second.position = None, 1
    second.save()
    migrate()
    assert "".join(digit.visitor_label for digit in Digit.objects.order_by("position")) == copied
