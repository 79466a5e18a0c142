"""Export of labeled digits, and reading the exports back."""

import csv
import errno
import inspect
import io
import json
from uuid import UUID, uuid4
from zipfile import ZipFile

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError
from django.db.models import QuerySet
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from ml.training import data, dataset_folder, held_out
from ml.training.stroke_files import NON_DIGIT
from recognizer import dataset_export
from recognizer.admin.digits import EXPORTING
from recognizer.models import Digit, Drawing, ExportKey
from tests.conftest import call
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db

ONE = [[[320, 60], [320, 260]]]
DIGITS = "/admin/recognizer/digit/"


@pytest.fixture
def labeled(put, client, png):
    """Save and label a seven, the number 71, a picture of a seven and a tap; save an unlabeled one.

    Return the labeled digits.
    """
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


def test_idx_export_is_read_by_torchvision(tmp_path, labeled):
    call("export_dataset", tmp_path)
    mnist = data.import_torchvision().datasets.mnist
    images = mnist.read_image_file(str(tmp_path / dataset_folder.IMAGES))
    labels = mnist.read_label_file(str(tmp_path / dataset_folder.LABELS))
    assert images.numpy().tobytes() == grids(labeled[:4])
    assert labels.tolist() == [7, 7, 1, 7]


@pytest.mark.database
@pytest.mark.parametrize(
    ("format", "is_skipped"),
    [
        ("idx", lambda digit: digit.label == "?"),
        ("csv", lambda digit: False),
        ("png", lambda digit: False),
        ("jsonl", lambda digit: digit.drawing.strokes is None),
    ],
)
def test_export_is_read_back_with_images_labels_and_drawings(tmp_path, labeled, format, is_skipped):
    folder = tmp_path / "new" / "folder"
    output = call("export_dataset", "--format", format, folder)
    digits = [digit for digit in labeled if not is_skipped(digit)]
    assert f"{len(digits)} digits" in output
    records = dataset_folder.read(folder).records
    assert sorted((image.tobytes(), label) for image, label, _ in records) == sorted(
        (bytes(digit.image), NON_DIGIT if digit.label == "?" else int(digit.label))
        for digit in digits
    )
    # The pseudonym decides which drawings are held out of training.
    key = ExportKey.get()
    names = {dataset_export.pseudonym(digit.drawing_id, key) for digit in digits}
    assert {name for _, _, name in records} == names


@pytest.mark.parametrize("format", dataset_export.FORMATS)
def test_export_contains_no_uuid(tmp_path, labeled, format):
    call("export_dataset", "--format", format, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    exported = b"".join(str(path).encode() + path.read_bytes() for path in files)
    for drawing in Drawing.objects.all():
        assert str(drawing.pk).encode() not in exported
        assert drawing.pk.hex.encode() not in exported


def test_exports_name_a_drawing_alike(tmp_path, labeled):
    """Exports of one database can be merged without moving drawings between the parts."""
    for name in ("first", "second"):
        call("export_dataset", tmp_path / name)
    first, second = (
        (tmp_path / name / dataset_folder.DRAWINGS).read_text() for name in ("first", "second")
    )
    assert first == second


def test_pseudonym_is_held_out_like_its_uuid():
    """Otherwise a held-out drawing would become training data."""
    for number in range(500):
        drawing = UUID(int=number)
        name = dataset_export.pseudonym(drawing, b"key")
        assert name != str(drawing)
        assert held_out.is_held_out(name) == held_out.is_held_out(str(drawing))
        assert held_out.part_of(name) == held_out.part_of(str(drawing))


def test_pseudonym_depends_on_the_key():
    first, second = (dataset_export.pseudonym(UUID(int=1), key) for key in (b"a", b"b"))
    assert first != second


@pytest.mark.parametrize("format", ["idx", "csv"])
def test_read_without_drawings_identifies_digits_by_image(tmp_path, labeled, format):
    call("export_dataset", "--format", format, tmp_path)
    (tmp_path / dataset_folder.DRAWINGS).unlink()
    names = [(name, image.tobytes()) for image, _, name in dataset_folder.read(tmp_path).records]
    assert len({name for name, _ in names}) == len({image for _, image in names})
    key = ExportKey.get()
    pseudonyms = {dataset_export.pseudonym(digit.drawing_id, key) for digit in labeled}
    assert not {name for name, _ in names} & pseudonyms


@pytest.mark.parametrize("format", ["idx", "csv"])
def test_read_with_surplus_drawings_raises_value_error(tmp_path, labeled, format):
    call("export_dataset", "--format", format, tmp_path)
    with (tmp_path / dataset_folder.DRAWINGS).open("a") as file:
        file.write(f"{uuid4()}\n")
    with pytest.raises(ValueError, match=str(tmp_path)):
        dataset_folder.read(tmp_path)


def test_jsonl_export_of_a_number_has_the_strokes_of_each_digit(tmp_path, labeled):
    call("export_dataset", "--format", "jsonl", tmp_path)
    lines = map(json.loads, (tmp_path / dataset_folder.JSON_LINES).read_text().splitlines())
    assert [(line["label"], line["strokes"]) for line in lines] == [
        ("7", SEVEN),
        ("7", SEVEN),
        ("1", ONE),
        ("?", [[[5, 5]]]),
    ]


@pytest.mark.parametrize("label", ["=", "+", "-", "@"])
def test_csv_export_neutralizes_formulas(tmp_path, labeled, label):
    Digit.objects.filter(pk=labeled[0].pk).update(label=label)
    call("export_dataset", "--format", "csv", tmp_path)
    with (tmp_path / dataset_folder.CSV).open() as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["label", "pixel0"]
    assert [row[0] for row in rows] == [f"'{label}", "7", "1", "7", "?"]


def test_export_into_a_used_folder_fails(tmp_path, labeled):
    (tmp_path / "mine").touch()
    with pytest.raises(CommandError, match="empty"):
        call("export_dataset", tmp_path)
    with pytest.raises(CommandError, match="mine"):
        call("export_dataset", tmp_path / "mine")


@pytest.mark.parametrize("format", dataset_export.FORMATS)
def test_export_that_fails_leaves_an_empty_folder(tmp_path, labeled, format, monkeypatch):
    def fail(digits):
        yield next(iter(digits))
        raise OSError(errno.ENOSPC, "No space left on device")

    write = dataset_export.FORMATS[format]
    monkeypatch.setitem(
        dataset_export.FORMATS, format, lambda digits, folder: write(fail(digits), folder)
    )
    with pytest.raises(CommandError, match=r"cannot be written: .*No space left"):
        call("export_dataset", "--format", format, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_export_that_fails_closes_its_cursor(tmp_path, labeled):
    cursors = []

    def fail(digits):
        cursors.append(digits)
        yield next(digits)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        dataset_export.write(dataset_export.labeled(), "idx", tmp_path, fail)
    assert inspect.getgeneratorstate(cursors[0]) == inspect.GEN_CLOSED


def test_export_takes_three_queries_in_every_format(tmp_path, labeled, django_assert_num_queries):
    ExportKey.get()
    for format in dataset_export.FORMATS:
        with django_assert_num_queries(3):
            call("export_dataset", "--format", format, tmp_path / format)


@pytest.mark.database
def test_export_of_strokes_reads_few_drawings_at_a_time(tmp_path, labeled, monkeypatch):
    """The strokes of 500 drawings took 468 MB."""
    sizes = []
    iterate = QuerySet.iterator

    def iterator(rows, chunk_size):
        sizes.append(chunk_size)
        return iterate(rows, chunk_size)

    monkeypatch.setattr(QuerySet, "iterator", iterator)
    call("export_dataset", "--format", "jsonl", tmp_path)
    assert max(sizes) <= 10


@pytest.mark.parametrize("format", dataset_export.FORMATS)
def test_admin_exports_selected_digits(admin_client, static_files, labeled, format):
    chosen = [digit.pk for digit in labeled[:2]]
    form = {"action": f"export_{format}", "_selected_action": chosen}
    response = admin_client.post(DIGITS, form)
    assert response["Content-Disposition"] == f'attachment; filename="digits-{format}.zip"'
    with ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        assert len(names) == {"idx": 3, "csv": 2, "png": 2, "jsonl": 1}[format]
    response.close()


def test_admin_without_selected_labels_exports_nothing(admin_client, static_files, put):
    put()
    form = {
        "action": "export_idx",
        "_selected_action": [Digit.objects.get().pk],
    }
    response = admin_client.post(DIGITS, form, follow=True)
    (message,) = response.context["messages"]
    assert message.level_tag == "warning"


def test_admin_during_another_export_refuses(admin_client, static_files, labeled):
    form = {"action": "export_idx", "_selected_action": [labeled[0].pk]}
    with EXPORTING:
        response = admin_client.post(DIGITS, form, follow=True)
    (message,) = response.context["messages"]
    assert message.message.startswith("Another export is running.")
    response = admin_client.post(DIGITS, form)
    response.close()
    assert response["Content-Type"] == "application/zip"


def test_admin_export_to_a_full_disk_is_reported(admin_client, static_files, labeled, monkeypatch):
    def fail(digits, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(dataset_export.FORMATS, "idx", fail)
    form = {"action": "export_idx", "_selected_action": [labeled[0].pk]}
    (message,) = admin_client.post(DIGITS, form, follow=True).context["messages"]
    assert message.message == "The export cannot be written: No space left on device."
    assert not EXPORTING.locked()


def test_export_after_a_purge_is_empty(tmp_path, labeled):
    call("purge_drawings", "--days", 0)
    assert "0 digits" in call("export_dataset", tmp_path)
    with pytest.raises(ValueError, match=str(tmp_path)):
        dataset_folder.read(tmp_path)


def test_split_separates_drawings_and_images():
    names = [f"drawing {number % 1000}" for number in range(2000)]
    grids = np.random.default_rng(0).integers(0, 255, (2000, 28, 28), dtype=np.uint8)
    held = next(n for n, name in enumerate(names) if held_out.is_held_out(name))
    free = next(n for n, name in enumerate(names) if not held_out.is_held_out(name))
    grids[free] = grids[held]
    records = list(zip(grids, [0] * 2000, names, strict=True))
    known, unseen = dataset_folder.LabeledDigits.of(records).split()
    assert not set(known.drawings) & set(unseen.drawings)
    assert 0.15 < len(unseen) / 2000 < 0.25
    assert len(known) + len(unseen) == 1999
