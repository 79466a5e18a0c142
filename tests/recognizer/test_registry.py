"""The model registry: import, promotion, rollback and comparison, by command and in the admin."""

import hashlib
import io
import json
import re
from functools import partial
from uuid import UUID

import numpy as np
import onnx
import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from ml.classifier import Classifier, ModelError
from ml.training import export
from ml.training.held_out import is_held_out
from recognizer import comparison, registry, serving
from recognizer.comparison import Row, compare
from recognizer.label_effect import label_effect
from recognizer.models import Digit, Measurement, ModelStatus, ModelVersion
from tests.conftest import measurement_metrics, variant
from tools.samples import SEVEN, SHIPPED

MODELS = "/admin/recognizer/modelversion/"
VALID = SHIPPED.read_bytes()
THRESHOLDS = {"digit": 0.5, "sure": 0.5}

pytestmark = pytest.mark.django_db


def with_facts(facts):
    """Return the shipped model with other facts."""
    return export.describe(onnx.load(SHIPPED), facts)


def models(*arguments):
    """Run ``manage.py models`` and return its output."""
    out = io.StringIO()
    call_command("models", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def changed(change):
    model = onnx.load_from_string(VALID)
    change(model)
    return model.SerializeToString()


def insert_nan(model):
    weights = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] = np.nan
    model.graph.initializer[0].raw_data = weights.tobytes()


def reshape(model):
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 11


def replace_operator(model):
    model.graph.node[-1].op_type = "Sigmoid"


def use_foreign_operator(model):
    model.graph.node[5].domain = "com.example"


INVALID = {
    "empty": b"",
    "text": b"not a model",
    "truncated": VALID[: len(VALID) // 2],
    "last byte missing": VALID[:-1],
    "one bit flipped": VALID[:90_000] + bytes([VALID[90_000] ^ 4]) + VALID[90_001:],
    "NaN": changed(insert_nan),
    "wrong shape": changed(reshape),
    "another graph": changed(replace_operator),
    "foreign operator": changed(use_foreign_operator),
}


@pytest.mark.parametrize("content", INVALID.values(), ids=INVALID)
def test_import_of_an_invalid_file_fails_with_the_reason(tmp_path, content):
    file = tmp_path / "invalid.onnx"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"\w+: \w+ .+"):
        models("import", file)
    assert not ModelVersion.objects.exists()


@pytest.mark.database
def test_database_rejects_two_serving_models(candidate, second_candidate):
    for version in (candidate, second_candidate):
        version.status = ModelStatus.SERVING
    candidate.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        second_candidate.save()


@pytest.mark.database
def test_register_of_a_known_file_returns_the_stored_version():
    first, created = registry.register(VALID)
    again, created_again = registry.register(VALID)
    assert (first, created, created_again) == (again, True, False)


def statuses():
    return {str(version): version.status for version in ModelVersion.objects.all()}


def history():
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


@pytest.mark.database
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


def test_promote_of_a_damaged_model_raises_model_error(candidate, second_candidate, admin_user):
    registry.promote(candidate, admin_user)
    ModelVersion.objects.filter(pk=second_candidate.pk).update(content=b"damaged")
    second_candidate.refresh_from_db()
    with pytest.raises(ModelError, match="SHA-256"):
        registry.promote(second_candidate, admin_user)
    assert ModelVersion.promoted_sha256() == candidate.sha256


def test_roll_back_skips_a_damaged_model(candidate, second_candidate, admin_user):
    registry.promote(candidate, admin_user)
    registry.promote(second_candidate, admin_user)
    ModelVersion.objects.filter(pk=candidate.pk).update(content=b"damaged")
    assert registry.roll_back(admin_user) is None
    assert set(statuses().values()) == {"withdrawn"}
    assert any("Skipped in a rollback" in message for message in history())


def test_two_rollbacks_of_one_model_undo_one_promotion(
    admin_client, static_files, candidate, second_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    registry.promote(second_candidate, admin_user)
    for _ in range(2):
        response = admin_client.post(f"{MODELS}{second_candidate.pk}/rollback/", follow=True)
        assert ModelVersion.promoted_sha256() == candidate.sha256
    assert "no longer the serving model" in response.content.decode()


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


@pytest.mark.database
def test_promote_during_another_promotion_compares_with_the_new_serving_model(
    ranked, admin_user, after_comparison
):
    best, middle, worst = ranked
    set_serving(worst)
    after_comparison(lambda: registry.promote(best, admin_user))
    with pytest.raises(registry.ReasonNeeded, match="40 errors of 10,000, not 20"):
        registry.promote(middle, admin_user)
    assert ModelVersion.promoted_sha256() == best.sha256


@pytest.mark.database
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


def test_models_export_to_a_full_disk_keeps_the_previous_file(tmp_path, candidate):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(b"good")
    (tmp_path / "copy.onnx.partial").symlink_to("/dev/full")
    with pytest.raises(CommandError, match=r"copy\.onnx cannot be used: No space left"):
        models("export", candidate, copy)
    assert copy.read_bytes() == b"good"


@pytest.mark.database
def test_models_command_imports_promotes_exports_and_rolls_back(tmp_path, candidate, admin_user):
    file, copy = tmp_path / "new.onnx", tmp_path / "copy.onnx"
    file.write_bytes(VALID)
    models("import", file)
    version = ModelVersion.objects.exclude(pk=candidate.pk).get()
    assert version.status == "candidate"
    assert version.status in models("import", file)
    models("promote", version, "--user", "admin")
    assert ModelVersion.promoted_sha256() == version.sha256
    assert f"* {version}" in models("list")
    assert json.loads(models("show", version))["status"] == "serving"
    models("export", version, copy)
    assert copy.read_bytes() == VALID
    models("rollback")
    assert ModelVersion.promoted_sha256() is None
    assert [entry.user.username for entry in LogEntry.objects.order_by("pk")] == [
        "admin",
        "manage.py",
    ]
    with pytest.raises(CommandError, match="shipped"):
        models("rollback")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "unknown"], "unknown"),
        (["promote", "unknown"], "unknown"),
        (["import", "/no/such/file"], "No such file"),
        (["show", ""], "SHA-256"),
    ],
)
def test_models_command_with_a_wrong_argument_fails(
    candidate, second_candidate, arguments, message
):
    with pytest.raises(CommandError, match=message):
        models(*arguments)


def test_models_command_with_an_unknown_user_promotes_nothing(candidate):
    with pytest.raises(CommandError, match="eve"):
        models("promote", candidate, "--user", "eve")
    assert ModelVersion.promoted_sha256() is None


@pytest.fixture
def stated(shipped):
    """Return the metrics in the file of the shipped model."""
    return shipped.facts["metrics"]


@pytest.fixture
def worse_candidate(stated):
    """Return a candidate that states more errors than the shipped model."""
    return registry.register(variant(2.0, errors=stated["mnist_test"]["errors"] + 11))[0]


@pytest.fixture
def held_out_sevens(put):
    """Save forty labeled sevens; return the number held out of training."""
    for number in range(40):
        put(SEVEN, UUID(int=number))
    Digit.objects.update(label="7")
    return sum(is_held_out(str(UUID(int=number))) for number in range(40))


def test_promote_of_a_worse_model_needs_a_reason(worse_candidate, stated, admin_user):
    errors = stated["mnist_test"]["errors"]
    shortfall = f"MNIST test digits: {errors + 11} errors of 10,000, not {errors}"
    with pytest.raises(registry.ReasonNeeded, match=shortfall):
        registry.promote(worse_candidate, admin_user)
    with pytest.raises(CommandError, match="--reason"):
        models("promote", worse_candidate)
    assert ModelVersion.promoted_sha256() is None
    models("promote", worse_candidate, "--reason", "it is smaller")
    assert ModelVersion.promoted_sha256() == worse_candidate.sha256
    (message,) = history()
    assert f"Worse in {shortfall}." in message
    assert message.endswith("Reason: it is smaller")


def test_promote_within_the_margin_needs_no_reason(stated, admin_user):
    errors = stated["mnist_test"]["errors"] + 10
    registry.promote(registry.register(variant(2.0, errors=errors))[0], admin_user)
    assert ModelVersion.promoted_sha256()


@pytest.mark.database
def test_compare_predicts_held_out_labels_with_both_models(held_out_sevens, admin_user):
    without_sevens = registry.register(variant(1.0, unread=7))[0]
    compared = compare(without_sevens.load())
    assert compared.rows[-1] == Row("held-out labels", held_out_sevens, 0, held_out_sevens)
    assert len(compared.differences) == held_out_sevens > 0
    with pytest.raises(registry.ReasonNeeded, match="held-out labels"):
        registry.promote(without_sevens, admin_user)


def test_compare_counts_accepted_held_out_non_digits(held_out_sevens, admin_user):
    Digit.objects.update(label="?")
    unsure = registry.register(variant(20.0))[0]
    compared = compare(unsure.load())
    (row,) = (row for row in compared.rows if row.name == "held-out non-digits")
    assert (row.of, row.serving, row.candidate) == (held_out_sevens, held_out_sevens, 0)
    assert compared.differences == []
    registry.promote(unsure, admin_user)
    assert compare(Classifier(VALID)).shortfalls.endswith(
        f"held-out non-digits: {held_out_sevens} errors of {held_out_sevens}, not 0"
    )


def test_compare_lists_sets_the_candidate_was_not_measured_on(
    admin_client, static_files, candidate, stated
):
    errors, of = stated["held_out_strokes"]["errors"], stated["held_out_strokes"]["of"]
    name = "pen digits of held-out writers"
    rows = {row.name: row for row in compare(candidate.load()).rows}
    assert rows[name] == Row(name, of, errors, None)
    assert not rows[name].is_worse
    assert name in models("compare", candidate)
    page = admin_client.get(f"{MODELS}{candidate.pk}/change/").content.decode()
    assert f"{name}</th><td>{of:,}</td><td>{errors}</td><td>not measured</td>" in page


def test_promote_in_place_of_a_damaged_model_needs_no_reason(
    candidate, worse_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    ModelVersion.objects.filter(pk=candidate.pk).update(content=b"damaged")
    registry.promote(worse_candidate, admin_user)
    assert ModelVersion.promoted_sha256() == worse_candidate.sha256


@pytest.fixture
def store_measurements(shipped):
    """Return a function that stores measurements of the shipped model and of a candidate."""

    def store(version, **metrics):
        shipped_metrics = measurement_metrics(accepted_non_digits=5)
        Measurement.objects.create(sha256=shipped.sha256, metrics=shipped_metrics)
        Measurement.objects.create(sha256=version.sha256, metrics=measurement_metrics(**metrics))

    return store


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
    assert "models measure" not in models("compare", candidate)


def test_promote_with_more_accepted_non_digits_needs_a_reason(
    store_measurements, candidate, admin_user
):
    store_measurements(candidate, accepted_non_digits=8)
    with pytest.raises(registry.ReasonNeeded, match="non-digits accepted: 8 errors of 100"):
        registry.promote(candidate, admin_user)


def test_compare_ignores_measurements_of_different_work(store_measurements, candidate, stated):
    store_measurements(candidate, accepted_non_digits=50, work=2)
    compared = compare(candidate.load())
    assert [row.name for row in compared.rows] == [comparison.NAMES[key] for key in stated]
    assert compared.grid == compared.reliability == []
    assert f"models measure {candidate}" in models("compare", candidate)


def test_compare_states_the_calibration_errors_of_both_models(candidate, stated):
    (calibration,) = compare(candidate.load()).calibration
    serving = f"{stated['mnist_test']['calibration_error']:.2%}"
    name = "MNIST test digits: calibration error"
    assert calibration == comparison.Fact(name, 10_000, serving, "1.00%")


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
    assert f"held-out labels: {held_out_sevens} errors of {held_out_sevens}, not 0" in confirmation
    assert 'name="reason"' in confirmation
    promote = f"{MODELS}{without_sevens.pk}/promote/"
    response = admin_client.post(promote, {"reason": " "}, follow=True)
    assert "Enter a reason" in response.content.decode()
    assert ModelVersion.promoted_sha256() is None
    admin_client.post(promote, {"reason": "a test"})
    assert ModelVersion.promoted_sha256() == without_sevens.sha256


def test_model_page_without_view_permission_compares_nothing(
    client, django_user_model, candidate, monkeypatch
):
    monkeypatch.setattr(comparison, "compare", pytest.fail)
    client.force_login(django_user_model.objects.create_user("bo", password="x", is_staff=True))
    assert client.get(f"{MODELS}{candidate.pk}/change/").status_code == 403


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
    assert f"* {shipped.version}" in models("list")
    registry.promote(candidate, admin_user, "a test")
    assert sorted(states(admin_client)) == ["serving", "shipped"]
    assert f"* {candidate}" in models("list")
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
    registry.register(VALID)
    registry.store_shipped_model()
    assert states(admin_client) == ["serving"]
    assert ModelVersion.objects.get().status == "shipped"


def test_shipped_model_of_another_release_becomes_a_candidate(shipped):
    registry.register(variant(2.0))
    ModelVersion.objects.update(status=ModelStatus.SHIPPED)
    registry.store_shipped_model()
    statuses = dict(ModelVersion.objects.values_list("sha256", "status"))
    assert statuses.pop(shipped.sha256) == "shipped"
    assert [*statuses.values()] == ["candidate"]


def test_model_list_shows_the_training_command_with_the_serving_models_files(
    admin_client, static_files, shipped, put
):
    put()
    Digit.objects.update(label="7")
    page = admin_client.get(MODELS).content.decode()
    files = [file["name"] for file in shipped.facts["training"]["stroke_files"]]
    assert f"train --register --with-labeled --strokes {' '.join(files)}<" in page
    assert "The prediction log has 1 labeled digit." in page
    assert "Unknown:" in page


@pytest.mark.parametrize(("labels", "noun"), [(1, "label"), (2, "labels")])
def test_model_list_counts_the_labels_of_the_training(
    admin_client, static_files, monkeypatch, labels, noun
):
    model = Classifier(
        with_facts({"thresholds": THRESHOLDS, "training": {"reviewed_images": labels}})
    )
    monkeypatch.setattr(serving, "current_classifier", lambda: model)
    page = admin_client.get(MODELS).content.decode()
    assert f"The serving model was trained on {labels} {noun}." in page


def test_training_data_of_a_model_without_metadata_is_translated_unknown(monkeypatch):
    model = Classifier(with_facts({"thresholds": THRESHOLDS}))
    monkeypatch.setattr(registry, "_", str.upper)
    assert registry.describe_training(lambda: model) == "UNKNOWN"


def trained_on(labels, errors, of=1_000, temperature=1.0):
    """Register a model trained on labels, with errors on held-out ones."""
    model = onnx.load_from_string(variant(temperature))
    facts = {
        "thresholds": THRESHOLDS,
        "training": {"reviewed_images": labels},
        "metrics": {"held_out_reviewed": {"errors": errors, "of": of}},
    }
    registry.register(export.describe(model, facts))


@pytest.mark.parametrize(
    ("errors", "answer"), [(10, "Likely:"), (90, "Unknown:"), (100, "Unlikely:")]
)
def test_model_list_estimates_the_effect_of_labels_from_earlier_models(
    admin_client, static_files, errors, answer
):
    trained_on(500, errors=100, temperature=2.0)
    page = admin_client.get(MODELS).content.decode()
    assert "the estimate needs two models" in page
    trained_on(2_000, errors=errors, temperature=3.0)
    page = " ".join(admin_client.get(MODELS).content.decode().split())
    assert f"<strong>{answer}</strong> a model trained on 500 labels predicts 90.0%" in page
    assert ("The 95% intervals overlap." in page) == (answer == "Unknown:")


def test_model_list_counts_a_single_label_in_the_singular(admin_client, static_files):
    trained_on(1, errors=100, temperature=2.0)
    trained_on(2_000, errors=10, temperature=3.0)
    assert "a model trained on 1 label predicts" in admin_client.get(MODELS).content.decode()


def test_label_effect_ignores_models_without_labels_and_damaged_ones(candidate):
    trained_on(500, errors=100, temperature=3.0)
    damaged = registry.register(variant(4.0))[0]
    ModelVersion.objects.filter(pk=damaged.pk).update(content=b"damaged")
    assert label_effect().last is None


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
    facts = {"thresholds": THRESHOLDS, "training": {"history": history}}
    version = registry.register(with_facts(facts))[0]
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
    facts = {"thresholds": THRESHOLDS, "training": {"history": history}}
    version = registry.register(with_facts(facts))[0]
    page = admin_client.get(f"{MODELS}{version.pk}/change/").content.decode()
    assert ('id="curve"' in page) == bool(loss)


def test_model_page_shows_the_training_data(admin_client, static_files):
    version, _ = registry.register(VALID)
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


def test_download_returns_the_file_and_requires_the_view_permission(
    admin_client, client, django_user_model, candidate
):
    download = f"{MODELS}{candidate.pk}/download/"
    response = admin_client.get(download)
    assert response.content == bytes(candidate.content)
    assert response["Content-Disposition"] == f'attachment; filename="{candidate}.onnx"'
    client.force_login(django_user_model.objects.create_user("bo", is_staff=True))
    assert client.get(download).status_code == 403


def test_admin_shows_and_refuses_a_damaged_model(admin_client, static_files, candidate):
    assert "SHA-256" not in admin_client.get(MODELS).content.decode()
    ModelVersion.objects.update(content=b"damaged")
    assert "SHA-256" in admin_client.get(MODELS).content.decode()
    response = admin_client.post(f"{MODELS}{candidate.pk}/promote/", follow=True)
    assert f"Cannot promote {candidate}" in response.content.decode()
    assert ModelVersion.promoted_sha256() is None


METRIC = {"errors": 0, "of": 10_000, "calibration_error": "text"}


@pytest.mark.parametrize(
    "facts",
    [
        {"thresholds": THRESHOLDS, "training": "text"},
        {"thresholds": THRESHOLDS, "metrics": {"mnist_test": METRIC}},
        {"thresholds": {"digit": "\0", "sure": {}}},
    ],
    ids=["training", "metrics", "thresholds"],
)
@pytest.mark.parametrize("status", ModelStatus.values)
def test_stored_invalid_model_neither_serves_nor_breaks_pages(
    client, admin_client, static_files, candidate, admin_user, monkeypatch, shipped, facts, status
):
    """An earlier release may have stored it."""
    content = with_facts(facts)
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


def test_import_of_a_large_file_fails_without_reading_it(tmp_path):
    file = tmp_path / "large.onnx"
    with file.open("wb") as sparse:
        sparse.truncate(2**31)
    with pytest.raises(CommandError, match="more than 1,000,000 bytes"):
        models("import", file)


def test_admin_reports_a_promotion_conflict(admin_client, static_files, ranked, after_comparison):
    best, middle, worst = ranked
    changes = [partial(set_serving, version) for version in (middle, worst) * 2]
    after_comparison(*changes[: registry.MAX_COMPARISONS])
    response = admin_client.post(f"{MODELS}{best.pk}/promote/", follow=True)
    assert "The serving model changed" in response.content.decode()


def test_admin_deletes_candidates_only(
    admin_client, static_files, candidate, second_candidate, admin_user
):
    registry.promote(candidate, admin_user)
    for version, status in ((candidate, 403), (second_candidate, 302)):
        delete = f"{MODELS}{version.pk}/delete/"
        assert admin_client.post(delete, {"post": "yes"}).status_code == status
    assert ModelVersion.objects.get() == candidate
