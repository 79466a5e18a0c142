"""A log that has drawings in it is migrated as one that is empty is."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from recognizer.models import Digit, Drawing

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = ("recognizer", "0001_initial")


def migrate(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())
    return MigrationExecutor(connection).loader.project_state(targets).apps


def test_what_was_kept_before_is_still_there():
    try:
        old = migrate(FIRST)
        drawing = old.get_model("recognizer", "Drawing").objects.create(
            source="page", strokes=[[[1, 1, 0]]], text="7", model="m1", visitor_label="7"
        )
        old.get_model("recognizer", "Digit").objects.create(
            drawing=drawing, position=0, image=bytes(784), box=[0, 0, 1, 1],
            probabilities=[0.1] * 10, text="7", confidence=0.6, verdict="unsure",
        )  # fmt: skip
    finally:
        migrate()
    assert Drawing.objects.get().visitor_label == "7"
    digit = Digit.objects.get()
    assert (digit.model, digit.has_visitor_label, digit.band) == ("m1", True, 50)
