"""The admin of models: list, comparison, promotion, trial, download."""

import hashlib
import re
from unittest.mock import Mock

import pytest
from django.contrib.admin.models import LogEntry

from ml.classifier import Classifier, ModelError
from recognizer import comparison, registry, serving
from recognizer.models import Digit, ModelStatus, ModelVersion
from tests.conftest import call, variant, with_facts
from tools.samples import SEVEN, SHIPPED

MODELS = "/admin/recognizer/modelversion/"

pytestmark = pytest.mark.django_db


def test_two_rollbacks_of_one_model_undo_one_promotion(
    admin_client, static_files, candidate, second_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    registry.promote(second_candidate, admin_user)
    for _ in range(2):
        response = admin_client.post(f"{MODELS}{second_candidate.pk}/rollback/", follow=True)
        assert ModelVersion.promoted_sha256() == candidate.sha256
    assert "no longer the serving model" in response.content.decode()


def test_model_page_shows_the_robustness_grid_and_calibration(
    admin_client, static_files, store_measurements, candidate
):
    url = f"{MODELS}{candidate.pk}/change/"
    assert f"models measure {candidate}" in admin_client.get(url).content.decode()
    store_measurements(candidate, accepted_non_digits=5)
    page = admin_client.get(url).content.decode()
    assert "models measure" not in page
    assert "place: corner" in page
    assert page.count('<svg class="reliability"') == page.count("<circle") == 2


@pytest.mark.database
def test_model_page_of_a_worse_candidate_requires_a_reason(
    admin_client, static_files, held_out_sevens
):
    without_sevens = registry.register(variant(1.0, unread=7))[0]
    page = admin_client.get(f"{MODELS}{without_sevens.pk}/change/").content.decode()
    assert page.count('alt="28x28 input"') == held_out_sevens
    assert f"{held_out_sevens}, worse" in page
    confirmation = admin_client.get(f"{MODELS}{without_sevens.pk}/promotion/").content.decode()
    errors = f"{held_out_sevens} errors of {held_out_sevens} (serving model: 0)"
    assert f"held-out labels: {errors}" in confirmation
    assert 'name="reason"' in confirmation
    promote = f"{MODELS}{without_sevens.pk}/promote/"
    response = admin_client.post(promote, {"reason": " "}, follow=True)
    assert "Enter a reason" in response.content.decode()
    assert ModelVersion.promoted_sha256() is None
    admin_client.post(promote, {"reason": "a test"})
    assert ModelVersion.promoted_sha256() == without_sevens.sha256


def test_model_page_without_view_permission_compares_nothing(sign_in, candidate, monkeypatch):
    monkeypatch.setattr(comparison, "compare", pytest.fail)
    assert sign_in().get(f"{MODELS}{candidate.pk}/change/").status_code == 403


def test_model_page_of_an_invalid_id_redirects(admin_client, static_files):
    assert admin_client.get(f"{MODELS}nonsense/change/").status_code == 302


def test_admin_promotes_and_rolls_back(admin_client, static_files, candidate, admin_user):
    url = f"{MODELS}{candidate.pk}/change/"
    assert f'href="{MODELS}{candidate.pk}/promotion/"' in admin_client.get(url).content.decode()
    confirmation = admin_client.get(f"{MODELS}{candidate.pk}/promotion/").content.decode()
    assert "worse in none of the compared sets" in confirmation
    assert f'action="{MODELS}{candidate.pk}/promote/"' in confirmation
    assert ModelVersion.promoted_sha256() is None
    admin_client.post(f"{MODELS}{candidate.pk}/promote/")
    candidate.refresh_from_db()
    assert (candidate.status, candidate.promoted_by) == ("serving", admin_user)
    assert 'value="Roll back"' in admin_client.get(url).content.decode()
    assert str(candidate) in admin_client.get(MODELS).content.decode()
    admin_client.post(f"{MODELS}{candidate.pk}/rollback/")
    assert ModelVersion.promoted_sha256() is None
    assert LogEntry.objects.count() == 2


def states(admin_client):
    page = admin_client.get(MODELS).content.decode()
    return re.findall(r'class="field-state">([^<]+)<', page)


def test_shipped_model_serves_until_a_promotion(
    admin_client, static_files, candidate, admin_user, shipped
):
    registry.store_shipped_model()
    assert sorted(states(admin_client)) == ["candidate", "serving"]
    assert f"* {shipped.version}" in call("models", "list")
    registry.promote(candidate, admin_user, "a test")
    assert sorted(states(admin_client)) == ["serving", "shipped"]
    assert f"* {candidate}" in call("models", "list")
    registry.roll_back(admin_user)
    assert sorted(states(admin_client)) == ["rolled back", "serving"]


def test_shipped_model_can_be_promoted_but_not_deleted(
    admin_client, static_files, candidate, admin_user
):
    registry.store_shipped_model()
    version = ModelVersion.objects.get(status="shipped")
    address = f"{MODELS}{version.pk}/change/"
    assert "/promotion/" not in admin_client.get(address).content.decode()
    registry.promote(candidate, admin_user, "a test")
    page = admin_client.get(address).content.decode()
    assert ("/promotion/" in page, "/delete/" in page) == (True, False)
    registry.promote(version, admin_user)
    assert sorted(states(admin_client)) == ["retired", "serving"]
    assert registry.roll_back(admin_user) == candidate


def test_imported_copy_of_the_shipped_model_serves(admin_client, static_files):
    registry.register(SHIPPED.read_bytes())
    registry.store_shipped_model()
    assert states(admin_client) == ["serving"]
    assert ModelVersion.objects.get().status == "shipped"


def test_model_list_shows_the_training_command_with_the_serving_models_files(
    admin_client, static_files, shipped, put
):
    put()
    Digit.objects.update(label="7")
    page = admin_client.get(MODELS).content.decode()
    files = [file["name"] for file in shipped.facts["training"]["stroke_files"]]
    assert f"train --register --with-labeled --strokes {' '.join(files)}<" in page
    assert "docs/models.md names their sources" in page
    assert "The prediction log has 1 labeled digit." in page
    assert "Unknown:" in page


@pytest.mark.parametrize(("labels", "noun"), [(1, "label"), (2, "labels")])
def test_model_list_counts_the_labels_of_the_training(
    admin_client, static_files, monkeypatch, labels, noun
):
    model = Classifier(with_facts(training={"reviewed_images": labels}))
    monkeypatch.setattr(serving, "current_classifier", lambda: model)
    page = admin_client.get(MODELS).content.decode()
    assert f"The serving model was trained on {labels} {noun}." in page


def test_training_data_of_a_model_without_metadata_is_translated_unknown(monkeypatch):
    version, _ = registry.register(with_facts())
    monkeypatch.setattr(registry, "_", str.upper)
    assert registry.describe_training(version) == "UNKNOWN"


def test_model_list_makes_the_same_queries_for_any_number_of_models(
    admin_client, static_files, django_assert_num_queries
):
    for temperature in (1.5, 2.5, 3.5):
        registry.register(variant(temperature))
        # session, user, counts of models (twice), models, labels, models trained on labels
        with django_assert_num_queries(7):
            admin_client.get(MODELS)


def test_model_page_shows_the_training_curve(admin_client, static_files, candidate):
    history = {"loss": [1.0, 0.1], "validation_loss": [0.5, 0], "validation_errors": [40, 10]}
    version = registry.register(with_facts(training={"history": history}))[0]
    page = admin_client.get(f"{MODELS}{version.pk}/change/").content.decode()
    curve = page.partition('id="curve"')[2].partition("</fieldset>")[0]
    assert "Loss, from 0.0001 to 1.0000" in curve
    assert "from 0 to 40; 10 in the last epoch" in curve
    assert 'd="M0.5 0.00h0L1.5 75.00h0"' in curve
    page = admin_client.get(f"{MODELS}{candidate.pk}/change/").content.decode()
    assert 'id="curve"' not in page


@pytest.mark.parametrize(("loss", "errors"), [([], []), ([0.5], [0])])
def test_model_page_with_a_short_history_has_no_error(admin_client, static_files, loss, errors):
    history = {"loss": loss, "validation_loss": loss, "validation_errors": errors}
    version = registry.register(with_facts(training={"history": history}))[0]
    page = admin_client.get(f"{MODELS}{version.pk}/change/").content.decode()
    assert ('id="curve"' in page) == bool(loss)


def test_model_page_shows_the_training_data(admin_client, static_files):
    version, _ = registry.register(SHIPPED.read_bytes())
    page = admin_client.get(f"{MODELS}{version.pk}/change/").content.decode()
    assert "55,000 MNIST digits; 100,668 images of pen strokes; unipen-digits.jsonl.gz" in page


def test_try_returns_the_predictions_of_both_models_without_saving(admin_client, static_files):
    without_sevens, _ = registry.register(variant(1.0, unread=7))
    address = f"{MODELS}{without_sevens.pk}/try/"
    assert 'id="pad"' in admin_client.get(address).content.decode()
    body = admin_client.post(address, {"strokes": SEVEN}, content_type="application/json").json()
    (serving,), (candidate,) = body["serving"], body["candidate"]
    assert (serving["text"], candidate["text"] == "7") == ("7", False)
    assert not Digit.objects.exists()


def test_try_with_invalid_strokes_or_a_damaged_model_names_the_problem(admin_client, candidate):
    address = f"{MODELS}{candidate.pk}/try/"
    response = admin_client.post(address, {"strokes": 1}, content_type="application/json")
    assert response.status_code == 422
    ModelVersion.objects.update(content=b"damaged")
    response = admin_client.post(address, {"strokes": SEVEN}, content_type="application/json")
    assert (response.status_code, "SHA-256" in response.json()["detail"]) == (409, True)


def test_download_returns_the_file(admin_client, candidate):
    response = admin_client.get(f"{MODELS}{candidate.pk}/download/")
    assert response.content == bytes(candidate.content)
    assert response["Content-Disposition"] == f'attachment; filename="{candidate}.onnx"'


def test_admin_shows_and_refuses_a_damaged_model(admin_client, static_files, candidate):
    assert "SHA-256" not in admin_client.get(MODELS).content.decode()
    ModelVersion.objects.update(content=b"damaged")
    assert "SHA-256" in admin_client.get(MODELS).content.decode()
    response = admin_client.post(f"{MODELS}{candidate.pk}/promote/", follow=True)
    assert f"Cannot promote {candidate}" in response.content.decode()
    assert ModelVersion.promoted_sha256() is None


@pytest.mark.parametrize("status", ModelStatus.values)
def test_stored_invalid_model_neither_serves_nor_breaks_pages(
    client, admin_client, static_files, candidate, admin_user, monkeypatch, shipped, status
):
    """An earlier release may have stored it."""
    content = with_facts(training="text")
    sha256 = hashlib.sha256(content).hexdigest()
    invalid = ModelVersion.objects.create(
        content=content, sha256=sha256, version="invalid", status=status
    )
    served = serving.ServingModel(SHIPPED, ModelVersion.promoted_sha256, run=lambda check: check())
    monkeypatch.setattr(serving, "serving_model", served)
    assert client.get("/api/v1/model").json()["version"] == shipped.version
    assert "in the metadata is wrong" in admin_client.get(MODELS).content.decode()
    for version in (invalid, candidate):
        assert admin_client.get(f"{MODELS}{version.pk}/change/").status_code == 200
    with pytest.raises(ModelError, match="in the metadata is wrong"):
        registry.promote(invalid, admin_user)


def test_admin_reports_a_promotion_conflict(admin_client, static_files, candidate, monkeypatch):
    conflict = registry.PromotionConflict(candidate)
    monkeypatch.setattr(registry, "promote", Mock(side_effect=conflict))
    response = admin_client.post(f"{MODELS}{candidate.pk}/promote/", follow=True)
    assert str(conflict) in response.content.decode()


def test_admin_deletes_candidates_only(
    admin_client, static_files, candidate, second_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    for version, status in ((candidate, 403), (second_candidate, 302)):
        delete = f"{MODELS}{version.pk}/delete/"
        assert admin_client.post(delete, {"post": "yes"}).status_code == status
    assert ModelVersion.objects.get() == candidate
