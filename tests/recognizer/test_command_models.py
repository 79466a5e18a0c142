"""manage.py models: import, list, show, promote, export, roll back."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError

from recognizer.models import ModelVersion
from tests.conftest import call
from tools.samples import SHIPPED

pytestmark = pytest.mark.django_db


def test_import_of_an_invalid_file_fails_with_the_reason(tmp_path):
    file = tmp_path / "invalid.onnx"
    file.write_bytes(b"not a model")
    with pytest.raises(CommandError, match=r"Refused: \w+"):
        call("models", "import", file)
    assert not ModelVersion.objects.exists()


def test_models_export_to_a_full_disk_keeps_the_previous_file(tmp_path, candidate, fill_disk):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(b"good")
    fill_disk(copy)
    with pytest.raises(CommandError, match=r"copy\.onnx cannot be used: No space left"):
        call("models", "export", candidate, copy)
    assert copy.read_bytes() == b"good"


@pytest.mark.database
def test_models_command_imports_promotes_exports_and_rolls_back(tmp_path, candidate, admin_user):
    file, copy = tmp_path / "new.onnx", tmp_path / "copy.onnx"
    file.write_bytes(SHIPPED.read_bytes())
    call("models", "import", file)
    version = ModelVersion.objects.exclude(pk=candidate.pk).get()
    assert version.status == "candidate"
    assert version.status in call("models", "import", file)
    call("models", "promote", version, "--user", "admin")
    assert ModelVersion.promoted_sha256() == version.sha256
    assert f"* {version}" in call("models", "list")
    assert json.loads(call("models", "show", version))["status"] == "serving"
    call("models", "export", version, copy)
    assert copy.read_bytes() == SHIPPED.read_bytes()
    call("models", "rollback")
    assert ModelVersion.promoted_sha256() is None
    assert [entry.user.username for entry in LogEntry.objects.order_by("pk")] == [
        "admin",
        "manage.py",
    ]
    with pytest.raises(CommandError, match="shipped"):
        call("models", "rollback")


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
        call("models", *arguments)


def test_models_command_with_an_unknown_user_promotes_nothing(candidate):
    with pytest.raises(CommandError, match="eve"):
        call("models", "promote", candidate, "--user", "eve")
    assert ModelVersion.promoted_sha256() is None
