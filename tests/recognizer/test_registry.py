"""The model registry: register, promote, roll back."""

from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction

from recognizer import comparison, registry
from recognizer.models import ModelStatus, ModelVersion
from tests.conftest import variant
from tools.samples import SHIPPED

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def statuses():
    return {str(version): version.status for version in ModelVersion.objects.all()}


def history():
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_database_rejects_two_serving_models(candidate, second_candidate):
    for version in (candidate, second_candidate):
        version.status = ModelStatus.SERVING
    candidate.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        second_candidate.save()


def test_register_of_a_known_file_returns_the_stored_version():
    content = SHIPPED.read_bytes()
    first, created = registry.register(content)
    again, created_again = registry.register(content)
    assert (first, created, created_again) == (again, True, False)


def test_roll_back_undoes_promotions_in_reverse_order(candidate, second_candidate, admin_user):
    first, second = str(candidate), str(second_candidate)
    registry.promote(candidate, admin_user)
    registry.promote(second_candidate, admin_user)
    assert statuses() == {first: "retired", second: "serving"}
    assert registry.roll_back(admin_user) == candidate
    assert statuses() == {first: "serving", second: "withdrawn"}
    assert registry.roll_back(admin_user) is None
    assert statuses() == {first: "withdrawn", second: "withdrawn"}
    with pytest.raises(registry.NothingPromoted):
        registry.roll_back(admin_user)
    assert history() == [
        "Promoted in place of the shipped model.",
        f"Promoted in place of {first}.",
        f"Rolled back to {first}.",
        "Rolled back to the shipped model.",
    ]


def test_promote_of_the_serving_model_changes_nothing(candidate, admin_user):
    registry.promote(candidate, admin_user)
    registry.promote(candidate, admin_user)
    assert LogEntry.objects.count() == 1


def test_roll_back_skips_a_damaged_model(candidate, second_candidate, admin_user):
    registry.promote(candidate, admin_user)
    registry.promote(second_candidate, admin_user)
    ModelVersion.objects.filter(pk=candidate.pk).update(content=b"damaged")
    assert registry.roll_back(admin_user) is None
    assert set(statuses().values()) == {"withdrawn"}
    assert any("Skipped in a rollback" in message for message in history())


def test_shipped_model_of_another_release_becomes_a_candidate(shipped):
    registry.register(variant(2.0))
    ModelVersion.objects.update(status=ModelStatus.SHIPPED)
    registry.store_shipped_model()
    statuses = dict(ModelVersion.objects.values_list("sha256", "status"))
    assert statuses.pop(shipped.sha256) == "shipped"
    assert [*statuses.values()] == ["candidate"]


@pytest.fixture
def after_comparison(monkeypatch):
    """Return a function that arranges actions, one after each comparison of a promotion."""

    def arrange(*actions):
        remaining = iter(actions)

        def compare_then_act(*models):
            compared = comparison.compare(*models)
            next(remaining, lambda: None)()
            return compared

        monkeypatch.setattr(registry, "compare", compare_then_act)

    return arrange


def set_serving(version):
    ModelVersion.objects.filter(status=ModelStatus.SERVING).update(status=ModelStatus.RETIRED)
    ModelVersion.objects.filter(pk=version.pk).update(status=ModelStatus.SERVING)


@pytest.fixture
def ranked():
    """Return three candidates: one with 20, one with 40 and one with 60 errors."""
    return [registry.register(variant(n, 20 * n))[0] for n in (1, 2, 3)]


def test_promote_during_another_promotion_compares_with_the_new_serving_model(
    ranked, admin_user, after_comparison
):
    best, middle, worst = ranked
    set_serving(worst)
    after_comparison(lambda: registry.promote(best, admin_user))
    with pytest.raises(registry.ReasonNeeded, match=r"40 errors of 10,000 \(serving model: 20\)"):
        registry.promote(middle, admin_user)
    assert ModelVersion.promoted_sha256() == best.sha256


def test_promote_after_a_changed_comparison_retires_the_new_serving_model(
    ranked, admin_user, after_comparison
):
    best, middle, worst = ranked
    set_serving(worst)
    after_comparison(partial(set_serving, middle))
    registry.promote(best, admin_user)
    assert statuses() == {str(best): "serving", str(middle): "retired", str(worst): "retired"}
    assert history() == [f"Promoted in place of {middle}."]


def test_promote_with_a_serving_model_that_keeps_changing_raises_promotion_conflict(
    ranked, admin_user, after_comparison
):
    best, middle, worst = ranked
    changes = [partial(set_serving, version) for version in (middle, worst) * 2]
    after_comparison(*changes[: registry.MAX_COMPARISONS])
    with pytest.raises(registry.PromotionConflict, match=str(best)):
        registry.promote(best, admin_user)
    assert ModelVersion.promoted_sha256() == middle.sha256
    assert history() == []


def test_promote_of_a_deleted_model_raises_does_not_exist(candidate, admin_user, after_comparison):
    after_comparison(ModelVersion.objects.all().delete)
    with pytest.raises(ModelVersion.DoesNotExist):
        registry.promote(candidate, admin_user)
