"""Labeled digits on their way out and back in; and drawings that are forgotten."""

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4
from zipfile import ZipFile

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from ml.training import data, dataset_folder
from ml.training.stroke_files import NON_DIGIT
from recognizer import dataset_export
from recognizer.models import Digit, Drawing
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db

ONE = [[[320, 60], [320, 260]]]
DIGITS = "/admin/recognizer/digit/"


def call(*arguments):
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def labeled(put, client, png):
    """A seven, the number 71, a picture of a seven and a tap, labeled; and one that is not."""
    put(SEVEN)
    put([*SEVEN, *ONE])
    picture = encode_multipart(BOUNDARY, {"image": SimpleUploadedFile("7.png", png)})
    client.put(f"/api/v1/drawings/{uuid4()}", picture, content_type=MULTIPART_CONTENT)
    put([[[5, 5]]])
    put(ONE)
    for digit, label in zip(Digit.objects.order_by("pk"), "7717?", strict=False):
        digit.label = label
        digit.save()
    return list(dataset_export.labeled())


def grids(digits):
    return b"".join(bytes(digit.image) for digit in digits)


def test_idx_is_read_back_byte_for_byte_by_torchvision(tmp_path, labeled):
    assert "4 digits written" in call("export_dataset", tmp_path)
    assert "1 do not fit" in call("export_dataset", tmp_path / "again")
    mnist = data.import_torchvision().datasets.mnist
    images = mnist.read_image_file(str(tmp_path / dataset_folder.IMAGES))
    labels = mnist.read_label_file(str(tmp_path / dataset_folder.LABELS))
    assert images.numpy().tobytes() == grids(labeled[:4])
    assert labels.tolist() == [7, 7, 1, 7]


@pytest.mark.parametrize(
    ("format", "written", "without"),
    [("idx", 4, "no digit"), ("csv", 5, ""), ("png", 5, ""), ("jsonl", 4, "a picture")],
)
def test_every_format_is_read_back(tmp_path, labeled, format, written, without):
    folder = tmp_path / "new" / "folder"
    assert f"{written} digits written" in call("export_dataset", "--format", format, folder)
    left_out = {
        "no digit": lambda digit: digit.label == "?",
        "a picture": lambda digit: digit.drawing.strokes is None,
        "": lambda digit: False,
    }[without]
    digits = [digit for digit in labeled if not left_out(digit)]
    back = dataset_folder.read(folder)
    assert sorted((image.tobytes(), label) for image, label, _ in back) == sorted(
        (bytes(digit.image), NON_DIGIT if digit.label == "?" else int(digit.label))
        for digit in digits
    )
    # What is held out of a training is the same in all of them, and here.
    assert {name for _, _, name in back} == {str(digit.drawing_id) for digit in digits}


@pytest.mark.parametrize("format", ["idx", "csv"])
def test_where_nothing_names_the_drawing_the_image_does(tmp_path, labeled, format):
    call("export_dataset", "--format", format, tmp_path)
    (tmp_path / dataset_folder.DRAWINGS).unlink()
    names = [(name, image.tobytes()) for image, _, name in dataset_folder.read(tmp_path)]
    assert len({name for name, _ in names}) == len({image for _, image in names})
    assert not {name for name, _ in names} & {str(digit.drawing_id) for digit in labeled}


@pytest.mark.parametrize("format", ["idx", "csv"])
def test_drawings_that_are_not_those_of_the_digits_are_refused(tmp_path, labeled, format):
    call("export_dataset", "--format", format, tmp_path)
    with (tmp_path / dataset_folder.DRAWINGS).open("a") as file:
        file.write(f"{uuid4()}\n")
    with pytest.raises(ValueError, match="not a dataset folder"):
        dataset_folder.read(tmp_path)


def test_strokes_of_a_number_are_those_of_each_digit(tmp_path, labeled):
    call("export_dataset", "--format", "jsonl", tmp_path)
    lines = map(json.loads, (tmp_path / dataset_folder.JSON_LINES).read_text().splitlines())
    assert [(line["label"], line["strokes"]) for line in lines] == [
        ("7", SEVEN),
        ("7", SEVEN),
        ("1", ONE),
        ("?", [[[5, 5]]]),
    ]


def test_no_cell_is_a_formula(tmp_path, labeled):
    Digit.objects.filter(pk=labeled[0].pk).update(label="=")
    call("export_dataset", "--format", "csv", tmp_path)
    with (tmp_path / dataset_folder.CSV).open() as file:
        head, first, *_ = csv.reader(file)
    assert head[:2] == ["label", "pixel0"]
    assert first[0] == "'="
    assert [dataset_export.as_text(text) for text in ("+1", "-1", "@x", "7")] == [
        "'+1",
        "'-1",
        "'@x",
        "7",
    ]


def test_nothing_is_written_into_a_folder_that_is_in_use(tmp_path, labeled):
    (tmp_path / "mine").touch()
    with pytest.raises(CommandError, match="not empty"):
        call("export_dataset", tmp_path)
    with pytest.raises(CommandError, match="cannot be written"):
        call("export_dataset", tmp_path / "mine")


def test_an_export_needs_no_more_queries_for_more_digits(
    tmp_path, labeled, django_assert_num_queries
):
    for format in dataset_export.FORMATS:
        with django_assert_num_queries(2):
            call("export_dataset", "--format", format, tmp_path / format)


@pytest.mark.parametrize("format", dataset_export.FORMATS)
def test_the_admin_exports_a_selection(admin_client, static_files, labeled, format):
    chosen = [digit.pk for digit in labeled[:2]]
    form = {"action": "export_selected", "format": format, "_selected_action": chosen}
    response = admin_client.post(DIGITS, form)
    assert response["Content-Disposition"] == f'attachment; filename="digits-{format}.zip"'
    with ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        assert len(names) == {"idx": 3, "csv": 2, "png": 2, "jsonl": 1}[format]
    response.close()


def test_a_selection_without_labels_is_not_exported(admin_client, static_files, put):
    put()
    form = {
        "action": "export_selected",
        "format": "idx",
        "_selected_action": [Digit.objects.get().pk],
    }
    answer = admin_client.post(DIGITS, form, follow=True)
    assert "None of these has a label" in answer.content.decode()


@pytest.fixture
def ages(put):
    """Drawings made 0, 10 and 40 days ago."""
    for days in (0, 10, 40):
        put()
        newest = Drawing.objects.latest("created_at")
        Drawing.objects.filter(pk=newest.pk).update(
            created_at=timezone.now() - timedelta(days=days, hours=1)
        )


@pytest.mark.parametrize(("days", "left"), [(90, 3), (30, 2), (5, 1), (0, 0)])
def test_old_drawings_are_purged(ages, days, left):
    assert f"{3 - left} drawings are older" in call("purge_drawings", "--days", days, "--dry-run")
    assert Digit.objects.count() == 3
    assert f"{3 - left} drawings deleted" in call("purge_drawings", "--days", days)
    assert Drawing.objects.count() == Digit.objects.count() == left


def test_purging_follows_the_setting_and_needs_one(ages, settings, monkeypatch):
    with pytest.raises(CommandError, match="KEEP_DRAWINGS_DAYS"):
        call("purge_drawings")
    settings.KEEP_DRAWINGS_DAYS = 30
    assert "1 drawings deleted" in call("purge_drawings")


def test_nothing_is_thousands_of_years_old(ages):
    with pytest.raises(CommandError, match="9999999 days old"):
        call("purge_drawings", "--days", 9_999_999)


def test_what_was_purged_is_in_no_export(tmp_path, labeled):
    call("purge_drawings", "--days", 0)
    assert "0 digits written" in call("export_dataset", tmp_path)
    with pytest.raises(ValueError, match="holds no digits"):
        dataset_folder.read(tmp_path)


def test_one_drawing_is_always_on_one_side_and_no_image_on_both():
    names = [f"drawing {number % 1000}" for number in range(2000)]
    grids = np.random.default_rng(0).integers(0, 255, (2000, 28, 28), dtype=np.uint8)
    held = next(n for n, name in enumerate(names) if dataset_folder.is_held_out(name))
    free = next(n for n, name in enumerate(names) if not dataset_folder.is_held_out(name))
    grids[free] = grids[held]
    records = list(zip(grids, [0] * 2000, names, strict=True))
    known, unseen = dataset_folder.LabeledDigits.of(records).split()
    assert not set(known.drawings) & set(unseen.drawings)
    assert 0.15 < len(unseen) / 2000 < 0.25
    assert len(known) + len(unseen) == 1999


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (dataset_folder.IMAGES, b""),
        (dataset_folder.IMAGES, b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(784)),
        (dataset_folder.CSV, b"label,pixel0\n7,1\n"),
        (dataset_folder.JSON_LINES, b"{}"),
        ("7/a.png", b"no picture"),
        ("readme", b""),
    ],
)
def test_a_folder_that_holds_something_else_is_named(tmp_path, name, content):
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match="mine"):
        dataset_folder.read(folder)
