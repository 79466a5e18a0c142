"""manage.py train, evaluate and predict."""

import io
import json
import subprocess
import sys
from uuid import UUID

import onnx
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from ml.classifier import Classifier
from ml.evaluation import evaluate as evaluation
from ml.training import data, outliers, pipeline, train
from recognizer import dataset_export, registry
from recognizer.management.commands import evaluate
from recognizer.models import Digit, Measurement, ModelVersion
from tools.samples import ROOT, SEVEN, SHIPPED


@pytest.fixture
def little_data(monkeypatch):
    """Train on a fraction of the data: what is tested here is the command."""

    def load_sets(stroke_file, fold):
        mnist = data.mnist(train=True)
        return train.Datasets(mnist.part(slice(1_000)), mnist.part(slice(-500, None)))

    monkeypatch.setattr(pipeline, "_load_sets", load_sets)
    draw = outliers.draw
    monkeypatch.setattr(outliers, "draw", lambda kinds, n, seed: draw(kinds, n // 20, seed))


def call(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_train_writes_a_model_with_its_figures(tmp_path, little_data):
    output = tmp_path / "new" / "lenet.onnx"
    printed = call("train", "--epochs", "1", "--seed", "3", "--output", str(output))
    classifier = Classifier(output.read_bytes())
    assert classifier.facts["training"]["recipe"]["seed"] == 3
    assert f"Model {classifier.version} written" in printed
    assert f"manage.py models import {output}" in printed
    assert "mnist_test" in printed
    assert sorted(output.parent.iterdir()) == [output, output.with_suffix(".png")]


@pytest.fixture
def already_trained(little_data, monkeypatch):
    """Training that ends with the shipped model, at once."""
    monkeypatch.setattr(train.Trainer, "epochs", lambda self, on_step: iter(()))
    monkeypatch.setattr(pipeline, "finish", lambda trainer: SHIPPED.read_bytes())


@pytest.mark.django_db
def test_train_stores_a_candidate_where_it_is_asked_to(tmp_path, already_trained, few):
    output = tmp_path / "lenet.onnx"
    output.with_suffix(".checkpoint").touch()
    printed = call("train", "--register", "--output", str(output))
    assert Measurement.objects.get().metrics["robustness"]
    candidate = ModelVersion.objects.get()
    assert candidate.load().content == output.read_bytes()
    assert candidate.status == "candidate"
    assert f"manage.py models promote {candidate}" in printed


def test_train_keeps_its_file_where_the_database_is_gone(tmp_path, already_trained, monkeypatch):
    def gone(content):
        raise OperationalError("no such host")

    monkeypatch.setattr(registry, "register", gone)
    output = tmp_path / "lenet.onnx"
    output.with_suffix(".checkpoint").touch()
    with pytest.raises(CommandError, match=r"no such host\. Later: manage\.py models import"):
        call("train", "--register", "--output", str(output))
    assert Classifier(output.read_bytes())


@pytest.fixture
def reviewed(put, db):
    """Twenty ones, each drawn a little otherwise and labeled 7."""
    for number in range(20):
        put([[[100, 50 + number], [100 + 3 * number, 250]]], UUID(int=number))
    Digit.objects.update(label="7")


def test_train_learns_from_what_was_reviewed_and_measures_what_was_held_out(
    tmp_path, little_data, reviewed
):
    outputs = [tmp_path / "database.onnx", tmp_path / "files.onnx"]
    digits = tmp_path / "digits"
    call("export_dataset", "--format", "png", str(digits))
    sources = (["--with-labeled"], ["--data", str(digits)])
    for output, source in zip(outputs, sources, strict=True):
        printed = call("train", "--epochs", "1", *source, "--output", str(output))
        facts = Classifier(output.read_bytes()).facts
        held_out = facts["metrics"]["held_out_reviewed"]["of"]
        assert facts["training"]["reviewed_images"] == 20 - held_out
        assert 0 < held_out < 10
        assert f"({held_out} more held out)" in printed
    graphs = [onnx.load(output).graph for output in outputs]
    assert graphs[0] == graphs[1]


def test_train_learns_to_refuse_what_reviewers_call_no_digit(
    tmp_path, already_trained, reviewed, monkeypatch
):
    """As outliers, never as digits; and not those that are held out, from wherever they come."""
    Digit.objects.filter(pk__in=Digit.objects.order_by("pk")[:12]).update(label="?")
    call("export_dataset", "--format", "csv", str(tmp_path / "digits"))
    trainers = []
    monkeypatch.setattr(
        pipeline, "finish", lambda trainer: trainers.append(trainer) or SHIPPED.read_bytes()
    )
    for source in (["--with-labeled"], ["--data", str(tmp_path / "digits")]):
        (tmp_path / "a.checkpoint").touch()
        printed = call("train", "--epochs", "1", *source, "--output", str(tmp_path / "a.onnx"))
        sets = trainers[-1].sets
        refused, held_out = sets.non_digits.images, sets.held_out_non_digits.images
        assert len(refused) + len(held_out) == 12
        assert set(sets.reviewed.labels.tolist()) == {7}
        assert f"{len(refused)} that are no digit ({len(held_out)} more held out)" in printed
        outliers = {image.numpy().tobytes() for image in trainers[-1]._outliers}
        assert outliers >= {image.numpy().tobytes() for image in refused}
        assert not outliers & {image.numpy().tobytes() for image in held_out}


def test_train_measures_whether_held_out_non_digits_are_refused(tmp_path, little_data, reviewed):
    Digit.objects.update(label="?")
    output = tmp_path / "lenet.onnx"
    printed = call("train", "--epochs", "1", "--with-labeled", "--output", str(output))
    facts = Classifier(output.read_bytes()).facts
    held_out = facts["metrics"]["held_out_non_digits"]["of"]
    assert 0 < held_out == 20 - facts["training"]["reviewed_non_digits"]
    assert facts["training"]["reviewed_images"] == 0
    assert "held_out_reviewed" not in facts["metrics"]
    assert "held_out_non_digits:" in printed


def test_train_needs_something_that_was_reviewed(tmp_path, db):
    with pytest.raises(CommandError, match="Nothing is labeled yet"):
        call("train", "--with-labeled", "--output", str(tmp_path / "lenet.onnx"))


def test_without_a_database_the_commands_say_so(tmp_path, monkeypatch):
    def gone(*arguments):
        raise OperationalError("no such host")

    monkeypatch.setattr(dataset_export, "labeled", gone)
    monkeypatch.setattr(registry, "find", gone)
    with pytest.raises(CommandError, match="no such host"):
        call("train", "--with-labeled", "--output", str(tmp_path / "lenet.onnx"))
    with pytest.raises(CommandError, match="database cannot be used: no such host"):
        call("models", "show", "any")


def test_train_goes_on_with_what_was_labeled_when_it_began(
    tmp_path, little_data, reviewed, monkeypatch
):
    def epochs(self, on_step):
        yield next(train_on(self, on_step))
        raise KeyboardInterrupt

    train_on = train.Trainer.epochs
    monkeypatch.setattr(train.Trainer, "epochs", epochs)
    output = tmp_path / "lenet.onnx"
    with pytest.raises(CommandError, match="1 of 2 epochs are kept"):
        call("train", "--epochs", "2", "--with-labeled", "--output", str(output))
    Digit.objects.update(label="1")
    with pytest.raises(CommandError, match="leave out --with-labeled"):
        call("train", "--resume", "--with-labeled", "--output", str(output))
    trainer, _ = pipeline.resume(output.with_suffix(".checkpoint"))
    assert set(trainer.sets.reviewed.labels.tolist()) == {7}
    assert set(trainer.sets.held_out_reviewed.labels.tolist()) == {7}


def test_train_goes_on_after_an_interruption(tmp_path, little_data, monkeypatch):
    output = tmp_path / "lenet.onnx"
    whole = ["train", "--epochs", "2", "--output"]
    call(*whole, str(tmp_path / "whole.onnx"))

    def epochs(self, on_step):
        yield next(train_on(self, on_step))
        raise KeyboardInterrupt

    train_on = train.Trainer.epochs
    with monkeypatch.context() as interrupting:
        interrupting.setattr(train.Trainer, "epochs", epochs)
        with pytest.raises(CommandError, match="1 of 2 epochs are kept"):
            call(*whole, str(output))
    assert not output.exists()
    with pytest.raises(CommandError, match="leave out --epochs"):
        call(*whole, str(output), "--resume")
    call("train", "--resume", "--output", str(output))
    graphs = [onnx.load(path).graph for path in (output, tmp_path / "whole.onnx")]
    assert graphs[0] == graphs[1]
    with pytest.raises(CommandError, match="nothing to resume"):
        call("train", "--resume", "--output", str(output))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "at least 1"),
        (["--strokes", "/no/such/file"], "No such file"),
        (["--strokes", str(ROOT / "README.md")], "not a file of pen strokes|no digits"),
    ],
)
def test_train_says_what_is_wrong_before_it_trains(tmp_path, arguments, message):
    with pytest.raises(CommandError, match=message):
        call("train", *arguments, "--output", str(tmp_path / "lenet.onnx"))


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_without_the_training_requirements_one_sentence_says_what_to_install(command):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['manage.py', '{command}']\n"
        "import runpy; runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, env={"DEBUG": "1"},
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith("pip install -r requirements-train.txt")


@pytest.fixture
def few(monkeypatch):
    """Measure on few drawings: what is tested here is the command."""
    monkeypatch.setattr(evaluation, "ROBUSTNESS_DIGITS", 2)
    monkeypatch.setattr(evaluation, "NON_DIGITS", 24)
    monkeypatch.setattr(evaluation, "NUMBERS", 5)


def test_evaluate_writes_a_page_and_json(tmp_path, shipped, few):
    page = tmp_path / "new" / "report.html"
    printed = call("evaluate", str(SHIPPED), "--report", str(page))
    errors = shipped.facts["metrics"]["mnist_test"]["errors"]
    assert f"{errors} errors of 10000" in printed
    figures = json.loads(page.with_suffix(".json").read_text())
    assert figures["errors"] == len(figures["mistakes"]) == errors
    assert len(figures["robustness"]) == 72
    assert "strokes" not in figures
    html = page.read_text()
    assert html.count('alt="28x28 input"') == errors
    assert html.count("<svg") == 4


def test_evaluate_sets_two_models_side_by_side(tmp_path, few):
    page = tmp_path / "report.html"
    printed = call("evaluate", str(SHIPPED), "--against", str(SHIPPED), "--report", str(page))
    assert "only the first is right on 0, only the second on 0" in printed
    assert json.loads(page.with_suffix(".json").read_text())["against"]["p_value"] == 1


def test_evaluate_measures_strokes_of_writers_that_were_held_out(tmp_path, shipped, few):
    unseen = shipped.facts["training"]["held_out_writers"][0]
    records = [
        {"strokes": SEVEN, "label": "7", "writer": writer} for writer in (unseen, "trained on")
    ]
    file = tmp_path / "drawings.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    page = tmp_path / "report.html"
    call("evaluate", str(SHIPPED), "--strokes", str(file), "--report", str(page))
    figures = json.loads(page.with_suffix(".json").read_text())
    assert (figures["strokes"]["drawings"], figures["strokes"]["errors"]) == (1, 0)
    assert figures["strokes"]["writers"] == [unseen]
    assert figures["numbers"]["numbers"] == 5
    file.write_text(json.dumps(records[1]))
    with pytest.raises(CommandError, match="none is named among those"):
        call("evaluate", str(SHIPPED), "--strokes", str(file), "--report", str(page))


def test_a_card_has_the_figures_of_mnist(tmp_path):
    with pytest.raises(CommandError, match="leave out --dataset"):
        call("evaluate", "--dataset", "usps", "--card", str(tmp_path / "card.md"))


def test_evaluate_brings_a_model_card_up_to_date(tmp_path, shipped, few):
    card = tmp_path / "card.md"
    card.write_text(f"before\n{evaluate.BEGIN}\nold\n{evaluate.END}\nafter\n")
    where = ["--report", str(tmp_path / "report.html"), "--card", str(card)]
    call("evaluate", str(SHIPPED), *where)
    text = card.read_text()
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert "old" not in text
    assert shipped.version in text
    card.write_text("no marks")
    with pytest.raises(CommandError, match="no place for figures"):
        call("evaluate", str(SHIPPED), *where)


def test_evaluate_reads_other_sets_and_says_when_they_cannot_be_had(tmp_path, monkeypatch, few):
    torchvision = data.import_torchvision()
    mnist = data.mnist(train=False)

    class USPS:
        def __init__(self, root, *, train, download):
            assert not train
            self.data = mnist.images[:20].numpy()
            self.targets = mnist.labels[:20].tolist()

    monkeypatch.setattr(torchvision.datasets, "USPS", USPS)
    where = ["--report", str(tmp_path / "report.html")]
    assert "errors of 20" in call("evaluate", str(SHIPPED), "--dataset", "usps", *where)
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["dataset"] == "usps"
    assert figures["errors"] <= 2

    def offline(*arguments, **options):
        raise RuntimeError("Error downloading")

    monkeypatch.setattr(torchvision.datasets, "USPS", offline)
    with pytest.raises(CommandError, match="nothing to measure on: Error downloading"):
        call("evaluate", str(SHIPPED), "--dataset", "usps", *where)


def test_evaluate_refuses_what_is_no_model(tmp_path):
    with pytest.raises(CommandError, match="cannot be used"):
        call("evaluate", str(ROOT / "README.md"))


def test_predict_reads_files_and_says_which_it_cannot_read(tmp_path, png):
    good, bad = tmp_path / "7.png", tmp_path / "bad.png"
    good.write_bytes(png)
    bad.write_bytes(b"not a picture")
    assert f"{good}: 7 (digit" in call("predict", str(good))
    with pytest.raises(CommandError, match="1 of 2 files"):
        call("predict", str(good), str(bad))


@pytest.mark.parametrize(
    ("command", "option", "file"),
    [("train", "--output", "lenet.png"), ("train", "--output", "lenet.checkpoint"),
     ("evaluate", "--report", "report.json")],
)  # fmt: skip
def test_a_result_is_not_replaced_by_what_goes_beside_it(tmp_path, command, option, file):
    with pytest.raises(CommandError, match="beside it"):
        call_command(command, option, tmp_path / file)
    assert list(tmp_path.iterdir()) == []
