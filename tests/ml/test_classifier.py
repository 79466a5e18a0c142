"""Model files: validation, layers and verdicts."""

import json
import math

import numpy as np
import onnx
import onnxruntime
import pytest

from ml.classifier import FORMAT, Classifier, ModelError, Verdict
from ml.training import data
from tools.samples import SHIPPED


def changed(change):
    """Return the shipped model's bytes after a change to its ONNX message."""
    model = onnx.load(SHIPPED)
    change(model)
    return model.SerializeToString()


def set_one_weight_to_nan(model):
    weights = onnx.numpy_helper.to_array(model.graph.initializer[4]).copy()
    weights[7, 7] = np.nan
    model.graph.initializer[4].raw_data = weights.tobytes()


def make_weights_external(model):
    model.graph.initializer[4].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[4].ClearField("raw_data")


def use_foreign_operator(model):
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type, node.domain = "FastGelu", "com.microsoft"
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))


def use_other_operator(model):
    model.graph.node[-1].op_type = "LogSoftmax"


def add_layer(model):
    model.graph.node[-1].output[0] = "once"
    model.graph.node.append(onnx.helper.make_node("Softmax", ["once"], ["probabilities"]))


def change_weight(model):
    weights = onnx.numpy_helper.to_array(model.graph.initializer[4]).copy()
    weights[7, 7] += 1e-3
    model.graph.initializer[4].raw_data = weights.tobytes()


def rename_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32


def drop_output(model):
    del model.graph.output[2:]


def set_metadata(**values):
    def change(model):
        known = {entry.key: entry.value for entry in model.metadata_props}
        onnx.helper.set_model_props(model, {**known, **values})

    return change


def facts(**changes):
    return json.dumps({"thresholds": {"digit": 0.5, "sure": 0.5}, "metrics": {}, **changes})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no graph"),
        (b"not a model", "damaged"),
        (SHIPPED.read_bytes()[:10_000], "damaged"),
        (changed(set_one_weight_to_nan), "classifier.0.weight are not all finite"),
        (changed(make_weights_external), "ONNX Runtime|does not contain"),
        (changed(use_foreign_operator), "foreign operators: com.microsoft.FastGelu"),
        (changed(use_other_operator), "foreign operators: LogSoftmax"),
        (changed(add_layer), "another graph: .*Softmax, Softmax"),
        (changed(change_weight), "digest"),
        (changed(set_metadata(version="newer")), "digest"),
        (changed(rename_input), "ONNX Runtime|input"),
        (changed(drop_output), "outputs"),
        (changed(set_metadata(format="another/1")), "format"),
        (changed(set_metadata(facts="{}")), "metadata"),
        (
            changed(set_metadata(facts=facts(thresholds={"digit": math.nan, "sure": 1}))),
            "thresholds",
        ),
        (changed(set_metadata(facts=facts(metrics=["mnist_test"]))), "metadata"),
        (changed(set_metadata(facts=facts(metrics={"mnist_test": {"errors": 1}}))), "metadata"),
        (changed(set_metadata(facts=facts(metrics={"a": {"errors": 0, "of": 0}}))), "metrics"),
        (changed(set_metadata(version="")), "version"),
        (changed(set_metadata(version="7" * 65)), "version"),
        (changed(set_metadata(facts="not JSON")), "metadata"),
        (changed(set_metadata(labels=json.dumps(["zero"]))), "labels"),
    ],
)
def test_classifier_of_invalid_file_raises_with_the_reason(content, reason):
    with pytest.raises(ModelError, match=reason):
        Classifier(content)


@pytest.mark.parametrize("place", range(50, SHIPPED.stat().st_size, 20_011))
def test_classifier_of_file_with_a_flipped_bit_raises(place):
    content = bytearray(SHIPPED.read_bytes())
    content[place] ^= 1
    with pytest.raises(ModelError):
        Classifier(bytes(content))


def test_classifier_reads_metadata(shipped):
    assert onnx.load(SHIPPED).metadata_props[0].value == FORMAT
    assert shipped.labels[7] == "seven"
    assert 0 < shipped.thresholds["digit"] < 1
    assert 0 < shipped.thresholds["sure"] < 1
    assert len(shipped.sha256) == 64


def test_activations_returns_every_layer(shipped):
    images = data.mnist(train=False).images[:5].numpy()
    layers = shipped.activations(images)
    assert {name: layer.shape for name, layer in layers.items()} == {
        "probabilities": (5, 10),
        "logits": (5, 10),
        "maps1": (5, 6, 12, 12),
        "maps2": (5, 16, 4, 4),
        "dense1": (5, 120),
        "dense2": (5, 84),
    }
    np.testing.assert_allclose(layers["probabilities"].sum(1), 1, atol=1e-5)


def probabilities(**shares):
    """Return ten probabilities: named ones (p3=0.6), the rest shared equally."""
    row = np.full(10, (1 - sum(shares.values())) / (10 - len(shares)), dtype=np.float32)
    for name, share in shares.items():
        row[int(name[1:])] = share
    return row


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (probabilities(p3=0.9999), Verdict.DIGIT),
        (probabilities(p3=0.55, p8=0.449), Verdict.UNSURE),
        (probabilities(p3=0.2), Verdict.NOT_A_DIGIT),
        (probabilities(), Verdict.NOT_A_DIGIT),
    ],
)
def test_verdict_follows_the_two_largest_probabilities(shipped, row, verdict):
    assert shipped.verdict(row) is verdict


def test_classifier_validates_the_graph_before_onnx_runtime_loads_it(monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    with pytest.raises(ModelError, match="foreign operators: LogSoftmax"):
        Classifier(changed(use_other_operator))
