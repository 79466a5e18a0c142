"""Models in the database: stored, promoted, rolled back; by command and in the admin."""

import io
import json
import re
from uuid import UUID

import numpy as np
import onnx
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from ml.classifier import Classifier, ModelError
from ml.training.dataset_folder import is_held_out
from recognizer import comparison, registry
from recognizer.comparison import compare
from recognizer.models import Digit, Measurement, ModelStatus, ModelVersion
from tests.conftest import measured_figures, variant
from tools.samples import SEVEN, SHIPPED

MODELS = "/admin/recognizer/modelversion/"
GOOD = SHIPPED.read_bytes()

pytestmark = pytest.mark.django_db


def models(*arguments):
    out = io.StringIO()
    call_command("models", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def changed(change):
    model = onnx.load_from_string(GOOD)
    change(model)
    return model.SerializeToString()


def put_nan(model):
    weights = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] = np.nan
    model.graph.initializer[0].raw_data = weights.tobytes()


def reshape(model):
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 11


def replace_graph(model):
    model.graph.node[-1].op_type = "Sigmoid"


def use_foreign_operator(model):
    model.graph.node[5].domain = "com.example"


BROKEN = {
    "empty": b"",
    "text": b"not a model",
    "truncated": GOOD[: len(GOOD) // 2],
    "last byte missing": GOOD[:-1],
    "one bit flipped": GOOD[:90_000] + bytes([GOOD[90_000] ^ 4]) + GOOD[90_001:],
    "NaN": changed(put_nan),
    "wrong shape": changed(reshape),
    "another graph": changed(replace_graph),
    "foreign operators": changed(use_foreign_operator),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_the_reason(tmp_path, content):
    file = tmp_path / "broken.onnx"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"Refused: \w+ .+"):
        models("import", file)
    assert not ModelVersion.objects.exists()


def test_one_model_serves_at_most(other, another):
    for version in (other, another):
        version.status = ModelStatus.SERVING
    other.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        another.save()


def test_the_same_file_is_stored_once():
    first, created = registry.register(GOOD)
    again, created_again = registry.register(GOOD)
    assert (first, created, created_again) == (again, True, False)


def statuses():
    return {str(version): version.status for version in ModelVersion.objects.all()}


def test_promotions_are_rolled_back_one_by_one_to_the_shipped_model(other, another, admin_user):
    first, second = str(other), str(another)
    registry.promote(other, admin_user)
    registry.promote(another, admin_user)
    assert statuses() == {first: "retired", second: "serving"}
    assert registry.roll_back(admin_user) == other
    assert statuses() == {first: "serving", second: "withdrawn"}
    assert registry.roll_back(admin_user) is None
    assert statuses() == {first: "withdrawn", second: "withdrawn"}
    with pytest.raises(registry.NothingPromoted):
        registry.roll_back(admin_user)
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Promoted in place of the shipped model.",
        f"Promoted in place of {first}.",
        f"Rolled back to {first}.",
        "Rolled back to the shipped model.",
    ]


def test_promoting_what_serves_changes_nothing(other, admin_user):
    registry.promote(other, admin_user)
    registry.promote(other, admin_user)
    assert LogEntry.objects.count() == 1


def test_what_was_damaged_in_the_database_is_not_promoted(other, another, admin_user):
    registry.promote(other, admin_user)
    ModelVersion.objects.filter(pk=another.pk).update(content=b"damaged")
    another.refresh_from_db()
    with pytest.raises(ModelError, match="SHA-256"):
        registry.promote(another, admin_user)
    assert ModelVersion.promoted_sha256() == other.sha256


def test_a_rollback_passes_over_a_damaged_model(other, another, admin_user):
    """Otherwise nothing before it could ever serve again."""
    registry.promote(other, admin_user)
    registry.promote(another, admin_user)
    ModelVersion.objects.filter(pk=other.pk).update(content=b"damaged")
    assert registry.roll_back(admin_user) is None
    assert set(statuses().values()) == {"withdrawn"}
    assert any("Passed over: its SHA-256" in e.get_change_message() for e in LogEntry.objects.all())


def test_a_model_is_rolled_back_once(admin_client, static_files, other, another, admin_user):
    """Two who see one bad model, or one who clicks twice, do not go back by two."""
    registry.promote(other, admin_user)
    registry.promote(another, admin_user)
    for _ in range(2):
        answer = admin_client.post(f"{MODELS}{another.pk}/rollback/", follow=True)
        assert ModelVersion.promoted_sha256() == other.sha256
    assert "does not serve any more" in answer.content.decode()


def test_a_model_is_compared_with_what_serves_when_it_is_promoted(admin_user, monkeypatch):
    """While it was compared with a bad one, a better one was promoted."""
    bad, middling, good = (registry.register(variant(n, 20 * n))[0] for n in (4, 3, 2))
    registry.promote(bad, admin_user, "for now")
    lock = registry._lock

    def late():
        monkeypatch.setattr(registry, "_lock", lock)
        registry.promote(good, admin_user)
        return lock()

    monkeypatch.setattr(registry, "_lock", late)
    with pytest.raises(registry.ReasonNeeded, match="60 errors of 10,000, not 40"):
        registry.promote(middling, admin_user)


def test_what_has_been_deleted_is_not_promoted(admin_client, static_files, other, admin_user):
    ModelVersion.objects.all().delete()
    with pytest.raises(ModelVersion.DoesNotExist):
        registry.promote(other, admin_user)


def test_nothing_is_compared_for_those_who_may_not_see_it(
    client, django_user_model, other, monkeypatch
):
    monkeypatch.setattr(comparison, "compare", pytest.fail)
    client.force_login(django_user_model.objects.create_user("bo", password="x", is_staff=True))
    assert client.get(f"{MODELS}{other.pk}/change/").status_code == 403


def test_the_command_goes_the_whole_way(tmp_path, other, admin_user):
    file, copy = tmp_path / "new.onnx", tmp_path / "copy.onnx"
    file.write_bytes(GOOD)
    assert "stored as a candidate" in models("import", file)
    assert "known already" in models("import", file)
    name = ModelVersion.objects.exclude(pk=other.pk).get().version
    assert f"{name} serves" in models("promote", name, "--user", "admin")
    assert f"* {name}" in models("list")
    assert json.loads(models("show", name))["status"] == "serving"
    models("export", name, copy)
    assert copy.read_bytes() == GOOD
    assert "shipped model serves again" in models("rollback")
    assert [entry.user.username for entry in LogEntry.objects.order_by("pk")] == [
        "admin",
        "manage.py",
    ]
    with pytest.raises(CommandError, match="nothing to roll back"):
        models("rollback")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "unknown"], "no model unknown"),
        (["promote", "unknown"], "no model unknown"),
        (["import", "/no/such/file"], "No such file"),
        (["show", ""], "several models"),
    ],
)
def test_the_command_says_what_is_wrong(other, another, arguments, message):
    with pytest.raises(CommandError, match=message):
        models(*arguments)


def test_the_command_names_nobody_who_is_not_there(other):
    with pytest.raises(CommandError, match="no user eve"):
        models("promote", other, "--user", "eve")
    assert ModelVersion.promoted_sha256() is None


@pytest.fixture
def worse():
    """A candidate that says of itself that it errs more often than the shipped model."""
    return registry.register(variant(2.0, errors=56))[0]


@pytest.fixture
def corrections(put):
    """Forty sevens, labeled."""
    for number in range(40):
        put(SEVEN, UUID(int=number))
    Digit.objects.update(label="7")
    return sum(is_held_out(str(UUID(int=number))) for number in range(40))


def test_a_worse_model_needs_a_reason(worse, admin_user):
    with pytest.raises(registry.ReasonNeeded, match="mnist_test: 56 errors of 10,000, not 45"):
        registry.promote(worse, admin_user)
    with pytest.raises(CommandError, match="Say why: --reason"):
        models("promote", worse)
    assert ModelVersion.promoted_sha256() is None
    models("promote", worse, "--reason", "it is smaller")
    assert ModelVersion.promoted_sha256() == worse.sha256
    entry = LogEntry.objects.get()
    assert "Although worse in mnist_test: 56 errors" in entry.get_change_message()
    assert entry.get_change_message().endswith("it is smaller")


def test_within_the_margin_no_reason_is_needed(admin_user):
    registry.promote(registry.register(variant(2.0, errors=55))[0], admin_user)
    assert ModelVersion.promoted_sha256()


def test_both_read_the_corrections_that_were_held_out(corrections, admin_user):
    upside_down = registry.register(variant(-1.0))[0]
    compared = compare(upside_down.load())
    assert compared.rows[-1].of == corrections == len(compared.differences) > 0
    assert (compared.rows[-1].champion, compared.rows[-1].challenger) == (0, corrections)
    assert f"{corrections} held-out corrections are read diff" in models("compare", upside_down)
    with pytest.raises(registry.ReasonNeeded, match="held-out corrections"):
        registry.promote(upside_down, admin_user)


def test_both_read_the_non_digits_that_were_held_out(corrections, admin_user):
    """What reviewers call no digit and the shipped model takes for a seven, as they all do."""
    Digit.objects.update(label="?")
    unsure = registry.register(variant(20.0))[0]
    compared = compare(unsure.load())
    (row,) = (row for row in compared.rows if row.name == "held-out non-digits")
    assert (row.of, row.champion, row.challenger) == (corrections, corrections, 0)
    assert compared.differences == []
    registry.promote(unsure, admin_user)
    again = compare(Classifier(GOOD))
    assert again.shortfalls == (
        f"held-out non-digits: {corrections} errors of {corrections}, not 0"
    )


def test_sets_that_the_challenger_was_not_measured_on_are_named(admin_client, static_files, other):
    """Trained without pen strokes, it says nothing of them: that must not look like a draw."""
    (row,) = (row for row in compare(other.load()).rows if row.name == "held_out_strokes")
    assert (row.of, row.champion, row.challenger, row.is_worse) == (1497, 12, None, False)
    assert re.search(r"held_out_strokes +\? +12 of 1,497\n", models("compare", other))
    page = admin_client.get(f"{MODELS}{other.pk}/change/").content.decode()
    assert "held_out_strokes</th><td>1497</td><td>12</td><td>not measured</td>" in page


def test_what_replaces_a_broken_champion_needs_no_reason(other, worse, admin_user):
    registry.promote(other, admin_user)
    ModelVersion.objects.filter(pk=other.pk).update(content=b"damaged")
    registry.promote(worse, admin_user)
    assert ModelVersion.promoted_sha256() == worse.sha256


@pytest.fixture
def measured(shipped):
    """Say what was measured of a model, and of the one that ships: 5 of 100 non-digits pass."""

    def say(version, **found):
        Measurement.objects.create(sha256=shipped.sha256, metrics=measured_figures(let_through=5))
        Measurement.objects.create(sha256=version.sha256, metrics=measured_figures(**found))

    return say


def test_what_was_measured_of_both_is_set_side_by_side(measured, other):
    measured(other, let_through=7, errors=40)
    compared = compare(other.load())
    rows = {row.name: (row.of, row.champion, row.challenger) for row in compared.rows}
    assert rows["non-digits let through"] == (100, 5, 7)
    assert rows["sizes, places, pens, inks"] == (100, 3, 40)
    assert rows["numbers in pictures"] == (20, 1, 1)
    grid = {row.name: (row.of, row.champion, row.challenger) for row in compared.grid}
    assert grid["size: 30%"] == grid["ink: light on dark"] == (100, 3, 40)
    assert compared.shortfalls == ""
    assert "models measure" not in models("compare", other)


def test_more_non_digits_let_through_need_a_reason(measured, other, admin_user):
    measured(other, let_through=8)
    with pytest.raises(registry.ReasonNeeded, match="non-digits let through: 8 errors of 100"):
        registry.promote(other, admin_user)


def test_figures_of_other_work_are_not_compared(measured, other):
    measured(other, let_through=50, work=2)
    compared = compare(other.load())
    assert [row.name for row in compared.rows] == ["validation", "held_out_strokes", "mnist_test"]
    assert compared.grid == compared.reliability == []
    assert f"models measure {other}" in models("compare", other)


def test_calibration_and_speed_are_told_of_both(other):
    (calibration,) = compare(other.load()).calibration
    assert (calibration.of, calibration.champion, calibration.challenger) == (
        10_000, "0.23%", "1.00%",
    )  # fmt: skip
    speed = comparison.speed(other.load())
    assert speed.champion.endswith(" µs")
    assert speed.challenger.endswith(" µs")


def test_the_page_of_a_model_shows_the_grid_and_reliability(
    admin_client, static_files, measured, other
):
    page = f"{MODELS}{other.pk}/change/"
    assert f"models measure {other}" in admin_client.get(page).content.decode()
    measured(other, let_through=5)
    shown = admin_client.get(page).content.decode()
    assert "models measure" not in shown
    assert "place: corner" in shown
    assert shown.count('<svg class="reliability"') == shown.count("<circle") == 2


def test_the_admin_shows_both_and_asks_for_a_reason(admin_client, static_files, corrections):
    upside_down = registry.register(variant(-1.0))[0]
    page = admin_client.get(f"{MODELS}{upside_down.pk}/change/").content.decode()
    assert page.count('alt="28x28 input"') == corrections
    assert f"{corrections}, worse" in page
    assert 'name="reason"' in page
    promote = f"{MODELS}{upside_down.pk}/promote/"
    answer = admin_client.post(promote, {"reason": " "}, follow=True)
    assert "say why it is promoted" in answer.content.decode()
    assert ModelVersion.promoted_sha256() is None
    admin_client.post(promote, {"reason": "a test"})
    assert ModelVersion.promoted_sha256() == upside_down.sha256


def test_there_is_no_page_of_what_is_no_model(admin_client, static_files, db):
    assert admin_client.get(f"{MODELS}nonsense/change/").status_code == 302


def test_one_click_promotes_and_one_rolls_back(admin_client, static_files, other, admin_user):
    page = f"{MODELS}{other.pk}/change/"
    assert 'value="Promote"' in admin_client.get(page).content.decode()
    admin_client.post(f"{MODELS}{other.pk}/promote/")
    other.refresh_from_db()
    assert (other.status, other.promoted_by) == ("serving", admin_user)
    assert 'value="Roll back"' in admin_client.get(page).content.decode()
    assert str(other) in admin_client.get(MODELS).content.decode()
    admin_client.post(f"{MODELS}{other.pk}/rollback/")
    assert ModelVersion.promoted_sha256() is None
    assert LogEntry.objects.count() == 2


def test_a_damaged_model_is_shown_as_one_and_not_promoted(admin_client, static_files, other):
    ModelVersion.objects.update(content=b"damaged")
    assert "SHA-256 is not the one" in admin_client.get(MODELS).content.decode()
    answer = admin_client.post(f"{MODELS}{other.pk}/promote/", follow=True)
    assert "is refused" in answer.content.decode()
    assert ModelVersion.promoted_sha256() is None


def test_promotion_needs_its_permission_and_a_post(client, django_user_model, static_files, other):
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client.force_login(user)
    promote = f"{MODELS}{other.pk}/promote/"
    assert 'value="Promote"' not in client.get(f"{MODELS}{other.pk}/change/").content.decode()
    assert client.post(promote).status_code == 403
    assert client.post(f"{MODELS}{other.pk}/rollback/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="promote_modelversion"))
    assert client.get(promote).status_code == 403
    assert client.post(promote).status_code == 302
    assert ModelVersion.promoted_sha256() == other.sha256


def test_only_candidates_are_deleted(admin_client, static_files, other, another, admin_user):
    registry.promote(other, admin_user)
    for version, status in ((other, 403), (another, 302)):
        delete = f"{MODELS}{version.pk}/delete/"
        assert admin_client.post(delete, {"post": "yes"}).status_code == status
    assert ModelVersion.objects.get() == other
