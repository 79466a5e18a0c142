"""manage.py train."""

import sys
from uuid import UUID

import onnx
import pytest
from django.core.management import CommandError
from django.db import OperationalError
from PIL import Image

from ml.classifier import Classifier
from ml.training import data, pipeline, train, variants
from recognizer import dataset_export, registry
from recognizer.models import Digit, Measurement, ModelVersion
from tests.conftest import call, run
from tools.samples import ROOT, SHIPPED


@pytest.fixture
def no_training(small_datasets, monkeypatch):
    """Return the shipped model as the result of every training, without outliers of strokes."""
    monkeypatch.setattr(pipeline, "CROSSED_OUT", 0)
    monkeypatch.setattr(pipeline, "PAIRS", 0)
    monkeypatch.setattr(train.Trainer, "epochs", lambda self, on_step: iter(()))
    monkeypatch.setattr(pipeline, "finish", lambda trainer: SHIPPED.read_bytes())


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupt trainings after their first epoch."""
    complete = train.Trainer.epochs

    def epochs(self, on_step):
        yield next(complete(self, on_step))
        raise KeyboardInterrupt

    monkeypatch.setattr(train.Trainer, "epochs", epochs)


@pytest.fixture
def labeled(put, db):
    """Twenty ones, each slightly different, labeled 7."""
    for number in range(20):
        put([[[100, 50 + number], [100 + 3 * number, 250]]], UUID(int=number))
    Digit.objects.update(label="7")


@pytest.fixture(autouse=True)
def own_var(settings, tmp_path_factory):
    settings.VAR = tmp_path_factory.mktemp("var")


def unavailable(*arguments):
    raise OperationalError("no such host")


def test_train_writes_a_model_with_its_metrics(tmp_path, small_datasets):
    output = tmp_path / "new" / "lenet.onnx"
    printed = call("train", "--epochs", 1, "--seed", 3, "--output", output)
    classifier = Classifier(output.read_bytes())
    assert classifier.facts["training"]["recipe"]["seed"] == 3
    assert f"Model {classifier.version} written" in printed
    assert f"manage.py models import {output}" in printed
    assert "mnist_test" in printed
    assert sorted(output.parent.iterdir()) == [output, output.with_suffix(".png")]


@pytest.mark.django_db
def test_train_register_stores_a_measured_candidate(tmp_path, no_training, small_evaluation):
    output = tmp_path / "lenet.onnx"
    printed = call("train", "--register", "--output", output)
    assert Measurement.objects.get().metrics["robustness"]
    candidate = ModelVersion.objects.get()
    assert candidate.load().content == output.read_bytes()
    assert candidate.status == "candidate"
    assert f"manage.py models promote {candidate}" in printed
    assert "Measuring" in printed


def test_train_register_without_database_keeps_the_model_file(tmp_path, no_training, monkeypatch):
    monkeypatch.setattr(registry, "register", unavailable)
    output = tmp_path / "lenet.onnx"
    with pytest.raises(CommandError, match=r"no such host\. Register it later: manage\.py models"):
        call("train", "--register", "--output", output)
    assert Classifier(output.read_bytes())


def test_train_labeled_digits_of_database_and_folder_give_the_same_model(
    tmp_path, small_datasets, labeled
):
    outputs = [tmp_path / "database.onnx", tmp_path / "folder.onnx"]
    digits = tmp_path / "digits"
    call("export_dataset", "--format", "png", digits)
    for output, source in zip(outputs, (["--with-labeled"], ["--data", digits]), strict=True):
        printed = call("train", "--epochs", 1, *source, "--output", output)
        facts = Classifier(output.read_bytes()).facts
        held_out = facts["metrics"]["held_out_reviewed"]["of"]
        assert facts["training"]["reviewed_images"] == 20 - held_out
        assert 0 < held_out < 10
        assert f"({held_out} more held out)" in printed
    graphs = [onnx.load(output).graph for output in outputs]
    assert graphs[0] == graphs[1]


def test_train_data_prints_counts_exclusions_and_warnings_and_writes_a_contact_sheet(
    tmp_path, no_training, settings
):
    folder = tmp_path / "digits"
    folder.mkdir()
    images = data.mnist(train=True).images[:30].numpy() // 4
    images[1:4] = images[0]
    images[4:6] = data.mnist(train=False).images[:2].numpy()
    images[6] = 0
    images[7] = data.mnist(train=True).images[-1].numpy()
    rows = [f"{n % 10}," + ",".join(map(str, image.ravel())) for n, image in enumerate(images)]
    (folder / "train.csv").write_text("\n".join(rows))
    printed = call("train", "--data", folder, "--output", tmp_path / "lenet.onnx")
    assert "1 excluded: blank (train.csv, line 7)." in printed
    assert "3 excluded: MNIST's validation or test digit." in printed
    counts = "0: 3, 1: 3, 2: 3, 3: 3, 4: 2, 5: 2, 6: 2, 7: 2, 8: 3, 9: 3, non-digits: 0"
    assert f"Labeled digits: {counts}." in printed
    assert "Warning: The mean ink is 2" in printed
    sheet = settings.VAR / "dataset.png"
    assert f"Contact sheet: {sheet}" in printed
    with Image.open(sheet) as picture:
        assert picture.height == 2 * 10 * 30


def test_train_strokes_of_numbers_only_writes_no_contact_sheet(
    tmp_path, no_training, write_strokes, settings
):
    file = write_strokes("numbers.jsonl", "77", "777")
    printed = call("train", "--strokes", file, "--output", tmp_path / "lenet.onnx")
    assert "written" in printed
    assert "Contact sheet" not in printed
    assert not (settings.VAR / "dataset.png").exists()


def test_train_data_of_mnist_test_digits_is_an_error(tmp_path, small_datasets):
    row = ",".join(map(str, data.mnist(train=False).images[0].flatten().tolist()))
    (tmp_path / "test.csv").write_text(f"7,{row}\n")
    with pytest.raises(CommandError, match="all digits are MNIST's validation and test digits"):
        call("train", "--data", tmp_path, "--output", tmp_path / "lenet.onnx")


@pytest.mark.parametrize("content", ["7,0,0\n", None], ids=["malformed", "missing folder"])
def test_train_unusable_data_is_an_error_with_the_folder(tmp_path, content):
    folder = tmp_path / "digits"
    if content:
        folder.mkdir()
        (folder / "a.csv").write_text(content)
    with pytest.raises(CommandError, match=r"The training cannot start: .*digits cannot be used: "):
        call("train", "--data", folder, "--output", tmp_path / "lenet.onnx")


def test_train_uses_labeled_non_digits_as_outliers(tmp_path, no_training, labeled, monkeypatch):
    Digit.objects.filter(pk__in=Digit.objects.order_by("pk")[:12]).update(label="?")
    call("export_dataset", "--format", "csv", tmp_path / "digits")
    trainers = []
    monkeypatch.setattr(
        pipeline, "finish", lambda trainer: trainers.append(trainer) or SHIPPED.read_bytes()
    )
    for source in (["--with-labeled"], ["--data", tmp_path / "digits"]):
        printed = call("train", "--epochs", 1, *source, "--output", tmp_path / "a.onnx")
        datasets = trainers[-1].datasets
        training, held_out = datasets.non_digits.images, datasets.held_out_non_digits.images
        assert len(training) + len(held_out) == 12
        assert set(datasets.labeled.labels.tolist()) == {7}
        assert f"{len(training)} labeled non-digits ({len(held_out)} more held out)" in printed
        used = {image.numpy().tobytes() for image in trainers[-1]._outliers}
        assert used >= {image.numpy().tobytes() for image in training}
        assert not used & {image.numpy().tobytes() for image in held_out}


def test_train_measures_the_rejection_of_held_out_non_digits(tmp_path, small_datasets, labeled):
    Digit.objects.update(label="?")
    output = tmp_path / "lenet.onnx"
    printed = call("train", "--epochs", 1, "--with-labeled", "--output", output)
    facts = Classifier(output.read_bytes()).facts
    held_out = facts["metrics"]["held_out_non_digits"]["of"]
    assert 0 < held_out == 20 - facts["training"]["reviewed_non_digits"]
    assert facts["training"]["reviewed_images"] == 0
    assert "held_out_reviewed" not in facts["metrics"]
    assert "held_out_non_digits:" in printed


def test_train_with_labeled_without_labels_is_an_error(tmp_path, db):
    with pytest.raises(CommandError, match="No digit has a reviewer label"):
        call("train", "--with-labeled", "--output", tmp_path / "lenet.onnx")


def test_commands_without_database_are_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_export, "labeled", unavailable)
    monkeypatch.setattr(registry, "find", unavailable)
    with pytest.raises(CommandError, match="no such host"):
        call("train", "--with-labeled", "--output", tmp_path / "lenet.onnx")
    with pytest.raises(CommandError, match="database cannot be used: no such host"):
        call("models", "show", "any")


def test_train_resume_uses_the_labels_of_the_start(tmp_path, small_datasets, labeled, interrupt):
    output = tmp_path / "lenet.onnx"
    with pytest.raises(CommandError, match="Interrupted after 1 of 2 epochs"):
        call("train", "--epochs", 2, "--with-labeled", "--output", output)
    assert not output.exists()
    Digit.objects.update(label="1")
    with pytest.raises(CommandError, match="Omit --with-labeled"):
        call("train", "--resume", "--with-labeled", "--output", output)
    trainer, _ = pipeline.resume(output.with_suffix(".checkpoint"))
    assert set(trainer.datasets.labeled.labels.tolist()) == {7}
    assert set(trainer.datasets.held_out_labeled.labels.tolist()) == {7}


@pytest.mark.parametrize("suffix", [".checkpoint", ".onnx", ".png"])
def test_train_with_a_full_disk_names_the_file_and_the_next_command(
    tmp_path, small_datasets, fill_disk, suffix
):
    output = tmp_path / "lenet.onnx"
    fill_disk(output.with_suffix(suffix))
    hint = "" if suffix == ".checkpoint" else r"\. Continue with: manage\.py train --resume"
    with pytest.raises(CommandError, match=rf"lenet\{suffix} cannot be written: No space.*{hint}"):
        call("train", "--epochs", 1, "--output", output)
    assert not list(tmp_path.glob("*.partial"))
    if hint:
        assert "written" in call("train", "--resume", "--output", output)


def test_train_resume_without_its_stroke_file_names_the_file(
    tmp_path, small_datasets, interrupt, write_strokes
):
    output, strokes = tmp_path / "lenet.onnx", write_strokes("a.jsonl", ("?", "12"))
    with pytest.raises(CommandError, match="Interrupted after 1 of 2 epochs"):
        call("train", "--epochs", 2, "--strokes", strokes, "--output", output)
    strokes.unlink()
    with pytest.raises(CommandError, match=r"a\.jsonl is missing\. Restore it"):
        call("train", "--resume", "--output", output)


@pytest.mark.parametrize("repeated", [[], ["--strokes"]], ids=["one option", "two options"])
def test_train_strokes_prints_used_and_skipped_rows_of_each_file(
    tmp_path, no_training, settings, write_strokes, repeated
):
    digits = [("7", "12"), ("7", "12"), ("1", "3"), ("7", "ana"), ("seven", "12")]
    files = [
        write_strokes("digits.jsonl", *digits),
        write_strokes("others.jsonl", ("?", "12"), ("7-7", "3"), ("77", "3")),
    ]
    options = ["--strokes", files[0], *repeated, files[1]]
    printed = call("train", *options, "--output", tmp_path / "lenet.onnx")
    assert (
        "digits.jsonl: 4 digits (2 training, 1 validation, 1 test), no non-digits, no numbers;"
        " 1 rows skipped (other label or no points).\n"
        "others.jsonl: no digits, 1 non-digits (1 training, 0 validation, 0 test),"
        " 2 numbers (0 training, 2 validation, 0 test); 0 rows skipped.\n"
    ) in printed
    assert "digits.jsonl: 0: 0, 1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 3, 8: 0, " in printed
    assert "1 excluded: another label (digits.jsonl)." in printed
    assert "non-digits: 1." in printed
    with Image.open(settings.VAR / "dataset.png") as picture:
        assert picture.height == 2 * 3 * 30
    count = 2 * variants.VARIANTS
    assert f"Training on 1,000 images, {count} strokes with variants;" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", 0], "Use at least 1"),
        (["--strokes", "/no/such/file"], "^/no/such/file cannot be used: .* names the sources"),
        (["--strokes", ROOT], "cannot be used: Is a directory"),
        (["--strokes", ROOT / "README.md"], "not a stroke file|no labeled digits"),
        (["--resume"], "There is no checkpoint"),
        (["--resume", "--epochs", 2], "Omit --epochs"),
    ],
)
def test_train_invalid_option_is_an_error_before_training(tmp_path, arguments, message):
    with pytest.raises(CommandError, match=message):
        call("train", *arguments, "--output", tmp_path / "lenet.onnx")


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_command_without_training_dependencies_names_the_requirements(command):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['manage.py', '{command}']\n"
        "import runpy; runpy.run_path('manage.py', run_name='__main__')"
    )
    done = run(sys.executable, "-c", code, DEBUG="1")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith("torch is not installed. Run: pip install -r requirements-train.txt")


@pytest.mark.parametrize("file", ["lenet.png", "lenet.checkpoint"])
def test_train_output_with_the_suffix_of_another_output_is_an_error(tmp_path, file):
    with pytest.raises(CommandError, match=r"Use the suffix \.onnx"):
        call("train", "--output", tmp_path / file)
    assert list(tmp_path.iterdir()) == []
