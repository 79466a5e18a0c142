"""manage.py evaluate: MNIST, strokes, pictures, report, model card."""

import json
import re

import pytest
from django.core.management import CommandError
from PIL import Image

from ml.evaluation import evaluate as evaluation
from ml.evaluation import picture_folder
from ml.preprocessing.strokes import rasterize
from ml.training import held_out, stroke_files
from recognizer.management.commands import evaluate
from tests.conftest import call, with_facts
from tools.samples import ROOT, SEVEN, SHIPPED


def test_evaluate_with_a_full_disk_keeps_the_previous_file(tmp_path, small_evaluation, fill_disk):
    card = tmp_path / "card.md"
    card.write_text(f"{evaluate.BEGIN}\n{evaluate.END}")
    fill_disk(card)
    with pytest.raises(CommandError, match=r"card\.md cannot be written: No space left"):
        call("evaluate", SHIPPED, "--report", tmp_path / "report.html", "--card", card)
    assert card.read_text() == f"{evaluate.BEGIN}\n{evaluate.END}"


def test_evaluate_writes_html_and_json(tmp_path, shipped, small_evaluation):
    report = tmp_path / "new" / "report.html"
    printed = call("evaluate", SHIPPED, "--report", report)
    errors = evaluation.evaluate_images(shipped, small_evaluation).errors
    assert f"{errors} errors of 1000" in printed
    metrics = json.loads(report.with_suffix(".json").read_text())
    assert metrics["errors"] == len(metrics["mistakes"]) == errors > 0
    assert len(metrics["robustness"]) == 72
    assert "strokes" not in metrics
    html = report.read_text()
    assert html.count('alt="28x28 input"') == errors
    assert html.count("<svg") == 4


@pytest.fixture
def album(tmp_path):
    """Return a folder with the same seven labeled 7 and 1."""
    folder = tmp_path / "album"
    for label in ("7", "1"):
        (folder / label).mkdir(parents=True)
        Image.fromarray(rasterize(SEVEN)).save(folder / label / "one.png")
    return folder


def test_evaluate_pictures_reports_sources_and_errors(tmp_path, small_evaluation, album):
    rows = ["file\tlabel\tsource", "7/one.png\t7\tanna", "1/one.png\t1\tben"]
    (album / "labels.tsv").write_text("\n".join(rows))
    report = tmp_path / "report.html"
    printed = call("evaluate", SHIPPED, "--pictures", album, "--report", report)
    assert "All digits: 1 correct of 2 (50.00%), 1 confident errors" in printed
    assert "ben: 100.00% of 1" in printed
    with Image.open(report.with_suffix(".png")) as sheet:
        assert sheet.width > 100
    assert "Labeled pictures: album" in report.read_text()


def test_read_pictures_of_one_folder_per_label(album):
    pictures = [(str(path.relative_to(album)), *rest) for path, *rest in picture_folder.read(album)]
    assert pictures == [("1/one.png", "1", "album"), ("7/one.png", "7", "album")]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("labels.tsv", b"file\tlabel\none.png", "labels.tsv:2: columns file and label"),
        ("7/one.png", b"GIF89a", "one.png: The"),
        ("other.txt", b"", "has no pictures"),
    ],
)
def test_evaluate_pictures_of_an_invalid_folder_names_the_file(
    tmp_path, shipped, name, content, error
):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=error):
        picture_folder.predict(shipped, picture_folder.read(tmp_path))


def test_evaluate_strokes_reports_each_source_and_kind_and_replaces_the_metrics_of_the_card(
    tmp_path, shipped, small_evaluation, write_strokes
):
    files = [
        write_strokes("digits.jsonl", "7", "7", "1", "seven"),
        write_strokes("others.jsonl", "77", "7-7", "?"),
    ]
    report, card = tmp_path / "report.html", tmp_path / "card.md"
    card.write_text(f"before {evaluate.BEGIN}\nold\n{evaluate.END} after")
    options = ["--strokes", *files, "--report", report, "--card", card]
    printed = call("evaluate", SHIPPED, *options)
    digits, others = json.loads(report.with_suffix(".json").read_text())["strokes"]
    assert (digits["digits"]["drawings"], digits["digits"]["correct"]) == (3, 2)
    assert (digits["numbers"], digits["non_digits"]) == (None, None)
    assert others["numbers"]["correct"] == others["numbers_with_marks"]["correct"] == 0
    assert others["non_digits"]["classified_as_digit"] == 1
    assert "digits.jsonl, digits: 2 correct of 3" in printed
    assert "digits.jsonl: 1 rows skipped" in printed
    assert "others.jsonl, numbers with marks: 0 correct of 1" in printed
    assert "others.jsonl, non-digits: 1 classified as digit of 1" in printed
    assert "Numbers composed of these digits: " in printed
    assert report.read_text().count('aria-label="Strokes"') == 3
    before, table, after = re.split(f"{evaluate.BEGIN}|{evaluate.END}", card.read_text())
    assert (before, after) == ("before ", " after")
    assert table.startswith(f"\nModel `{shipped.version}`")
    assert "old" not in table
    assert f"| digits.jsonl | `{digits['sha256']}` | 1 | 1 | 66.67% | 66.67% |" in table


def test_evaluate_strokes_without_digits_composes_no_numbers(
    tmp_path, small_evaluation, write_strokes
):
    file, report = write_strokes("non-digits.jsonl", "?"), tmp_path / "report.html"
    printed = call("evaluate", SHIPPED, "--strokes", file, "--report", report)
    assert "numbers" not in json.loads(report.with_suffix(".json").read_text())
    assert "Numbers composed" not in printed


def test_evaluate_strokes_skips_the_writers_of_the_training(
    tmp_path, small_evaluation, write_strokes
):
    writers = {held_out.part_of(writer): writer for writer in map(str, range(20))}
    known = write_strokes("known.jsonl", ("7", writers["training"]))
    mixed = write_strokes("mixed.jsonl", ("7", writers["test"]), ("7", writers["training"]))
    files = [
        {"name": path.name, "sha256": stroke_files.read(path).sha256} for path in (known, mixed)
    ]
    model, report = tmp_path / "lenet.onnx", tmp_path / "report.html"
    model.write_bytes(with_facts(training={"stroke_files": files}))
    call("evaluate", model, "--strokes", mixed, "--report", report)
    (source,) = json.loads(report.with_suffix(".json").read_text())["strokes"]
    assert [one["writer"] for one in source["writers"]] == [writers["test"]]
    with pytest.raises(CommandError, match=r"known\.jsonl has no samples of writers excluded"):
        call("evaluate", model, "--strokes", mixed, known, "--report", report)


def test_evaluate_card_without_a_place_is_an_error_before_the_measurement(tmp_path):
    card = tmp_path / "card.md"
    card.write_text("no markers")
    with pytest.raises(CommandError, match="no place for metrics"):
        call("evaluate", SHIPPED, "--card", card)
    card.unlink()
    with pytest.raises(CommandError, match=r"card\.md cannot be used: No such file"):
        call("evaluate", SHIPPED, "--card", card)


def test_evaluate_invalid_model_is_an_error():
    with pytest.raises(CommandError, match=r"README\.md cannot be used"):
        call("evaluate", ROOT / "README.md")


def test_evaluate_report_with_the_suffix_of_another_output_is_an_error(tmp_path):
    with pytest.raises(CommandError, match=r"Use the suffix \.html"):
        call("evaluate", "--report", tmp_path / "report.json")
