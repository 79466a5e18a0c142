"""The comparison of two models, and promotions that need a reason."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError

from recognizer import comparison, registry
from recognizer.comparison import Row, compare
from recognizer.models import Digit, ModelVersion
from tests.conftest import call, variant

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MODELS = "/admin/recognizer/modelversion/"


@pytest.fixture
def stated(shipped):
    """Return the metrics in the file of the shipped model."""
    return shipped.facts["metrics"]


@pytest.fixture
def worse_candidate(stated):
    """Return a candidate that states more errors than the shipped model."""
    return registry.register(variant(2.0, errors=stated["mnist_test"]["errors"] + 11))[0]


def test_promote_of_a_worse_model_needs_a_reason(worse_candidate, stated, admin_user):
    errors = stated["mnist_test"]["errors"]
    shortfall = f"MNIST test digits: {errors + 11} errors of 10,000 (serving model: {errors})"
    with pytest.raises(registry.ReasonNeeded, match=re.escape(shortfall)):
        registry.promote(worse_candidate, admin_user)
    with pytest.raises(CommandError, match="--reason"):
        call("models", "promote", worse_candidate)
    assert ModelVersion.promoted_sha256() is None
    call("models", "promote", worse_candidate, "--reason", "it is smaller")
    assert ModelVersion.promoted_sha256() == worse_candidate.sha256
    message = LogEntry.objects.get().get_change_message()
    assert f"Worse in {shortfall}." in message
    assert message.endswith("Reason: it is smaller")


def test_promote_within_the_margin_needs_no_reason(stated, admin_user):
    errors = stated["mnist_test"]["errors"] + 10
    registry.promote(registry.register(variant(2.0, errors=errors))[0], admin_user)
    assert ModelVersion.promoted_sha256()


def test_promote_in_place_of_a_damaged_model_needs_no_reason(
    candidate, worse_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    ModelVersion.objects.filter(pk=candidate.pk).update(content=b"damaged")
    registry.promote(worse_candidate, admin_user)
    assert ModelVersion.promoted_sha256() == worse_candidate.sha256


def test_promote_with_more_accepted_non_digits_needs_a_reason(
    store_measurements, candidate, admin_user
):
    store_measurements(candidate, accepted_non_digits=8)
    with pytest.raises(registry.ReasonNeeded, match="non-digits accepted: 8 errors of 100"):
        registry.promote(candidate, admin_user)


def test_compare_predicts_held_out_labels_with_both_models(held_out_sevens, admin_user):
    without_sevens = registry.register(variant(1.0, unread=7))[0]
    compared = compare(without_sevens.load())
    assert compared.rows[-1] == Row("held-out labels", held_out_sevens, 0, held_out_sevens)
    assert len(compared.differences) == held_out_sevens > 0
    with pytest.raises(registry.ReasonNeeded, match="held-out labels"):
        registry.promote(without_sevens, admin_user)


def test_compare_counts_accepted_held_out_non_digits(held_out_sevens, admin_user, shipped):
    Digit.objects.update(label="?")
    unsure = registry.register(variant(20.0))[0]
    compared = compare(unsure.load())
    (row,) = (row for row in compared.rows if row.name == "held-out non-digits")
    assert (row.of, row.serving, row.candidate) == (held_out_sevens, held_out_sevens, 0)
    assert compared.differences == []
    registry.promote(unsure, admin_user)
    assert compare(shipped).shortfalls.endswith(
        f"held-out non-digits: {held_out_sevens} errors of {held_out_sevens} (serving model: 0)"
    )


def test_compare_lists_sets_the_candidate_was_not_measured_on(
    admin_client, static_files, candidate, stated
):
    errors, of = stated["held_out_strokes"]["errors"], stated["held_out_strokes"]["of"]
    name = "pen digits of held-out writers"
    rows = {row.name: row for row in compare(candidate.load()).rows}
    assert rows[name] == Row(name, of, errors, None)
    assert not rows[name].is_worse
    assert name in call("models", "compare", candidate)
    page = admin_client.get(f"{MODELS}{candidate.pk}/change/").content.decode()
    assert f"{name}</th><td>{of:,}</td><td>{errors}</td><td>not measured</td>" in page


def test_compare_shows_the_measurements_of_both_models(store_measurements, candidate):
    store_measurements(candidate, accepted_non_digits=7, errors=40)
    compared = compare(candidate.load())
    rows = {row.name: (row.of, row.serving, row.candidate) for row in compared.rows}
    assert rows["non-digits accepted"] == (100, 5, 7)
    assert rows["robustness grid"] == (100, 3, 40)
    assert rows["numbers in pictures"] == (20, 1, 1)
    grid = {row.name: (row.of, row.serving, row.candidate) for row in compared.grid}
    assert list(grid) == ["size: 30%", "place: corner", "pen: thin", "ink: light on dark"]
    assert set(grid.values()) == {(100, 3, 40)}
    assert compared.shortfalls == ""
    assert "models measure" not in call("models", "compare", candidate)


def test_compare_ignores_measurements_of_different_work(store_measurements, candidate, stated):
    store_measurements(candidate, accepted_non_digits=50, work=2)
    compared = compare(candidate.load())
    assert [row.name for row in compared.rows] == [comparison.NAMES[key] for key in stated]
    assert compared.grid == compared.reliability == []
    assert f"models measure {candidate}" in call("models", "compare", candidate)


def test_compare_states_the_calibration_errors_of_both_models(candidate, stated):
    (calibration,) = compare(candidate.load()).calibration
    serving = f"{stated['mnist_test']['calibration_error']:.2%}"
    name = "MNIST test digits: calibration error"
    assert calibration == comparison.Fact(name, 10_000, serving, "1.00%")
