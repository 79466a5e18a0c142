"""manage.py train, evaluate and predict."""

import io
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from ml import data, run, train
from ml.classifier import Classifier
from tests.conftest import ROOT, SHIPPED


@pytest.fixture
def little_data(monkeypatch):
    """Train on a fraction of MNIST: what is tested here is the command."""

    def load_sets(stroke_file):
        mnist = data.mnist(train=True)
        return train.Sets(mnist.part(slice(1_000)), mnist.part(slice(-500, None)))

    monkeypatch.setattr(run, "load_sets", load_sets)


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
    assert "mnist_test" in printed
    assert list(output.parent.iterdir()) == [output]


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


def test_evaluate_tells_the_figures_and_draws_the_confusion(tmp_path, shipped):
    picture = tmp_path / "confusion.png"
    printed = call("evaluate", str(SHIPPED), "--picture", str(picture))
    errors = shipped.facts["metrics"]["mnist_test"]["errors"]
    assert f"{errors} errors of 10,000" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")


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
