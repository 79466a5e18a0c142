"""Model files: validation, layers and verdicts."""

import json
import math
import sys
import tracemalloc

import numpy as np
import onnx
import onnxruntime
import pytest

from ml.classifier import Classifier, ModelError, Verdict
from ml.model_metadata import FORMAT
from ml.onnx_validation import MAX_WEIGHT, MIN_DIVISOR, SHAPES
from ml.training import data
from tests.conftest import run
from tools.samples import SHIPPED

WEIGHTS = "net.classifier.0.weight"


def changed(change):
    """Return the shipped model's bytes after a change to its ONNX message."""
    model = onnx.load(SHIPPED)
    change(model)
    return model.SerializeToString()


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


def metric(**changes):
    return facts(metrics={"mnist_test": {"errors": 1, "of": 2, **changes}})


def history(**changes):
    lists = {"loss": [0.5], "validation_loss": [0.2], "validation_errors": [3], **changes}
    return facts(training={"history": lists})


def set_tensor(name, change):
    """Change the values of a tensor in place, or replace them by a new array."""

    def change_model(model):
        (tensor,) = (one for one in model.graph.initializer if one.name == name)
        values = onnx.numpy_helper.to_array(tensor).copy()
        changed_values = change(values)
        values = values if changed_values is None else changed_values
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))

    return change_model


def set_item(value):
    def change(values):
        values[(0,) * values.ndim] = value

    return change


def double_rows(model):
    """Subtract a tensor of zeros that doubles the batch."""
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.zeros((2, 1, 1, 1, 1), np.float32), "zeros")
    )
    (place,) = (i for i, node in enumerate(model.graph.node) if node.op_type == "Reshape")
    model.graph.node.insert(place, onnx.helper.make_node("Sub", ["maps2", "zeros"], ["doubled"]))
    model.graph.node[place + 1].input[0] = "doubled"


def multiply_constants(model):
    """Add a product of constants with 400 million values, which ONNX Runtime folds."""
    for name, shape in (("column", (20_000, 1)), ("row", (1, 20_000))):
        zeros = onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)
        model.graph.initializer.append(zeros)
    model.graph.node.insert(0, onnx.helper.make_node("Sub", ["column", "row"], ["folded"]))


def pad_convolution(model):
    (pads,) = (one for one in model.graph.node[5].attribute if one.name == "pads")
    pads.ints[:] = [100_000] * 4


def skip_layer(model):
    model.graph.node[7].input[0] = model.graph.node[5].output[0]


def exchange_outputs(model):
    logits, scaled, probabilities = model.graph.node[-3:]
    logits.output[0] = scaled.input[0] = "probabilities"
    probabilities.output[0] = "logits"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no graph"),
        (b"not a model", "damaged"),
        (SHIPPED.read_bytes()[:10_000], "damaged"),
        (changed(set_tensor(WEIGHTS, set_item(np.nan))), "classifier.0.weight are not all between"),
        (changed(make_weights_external), "ONNX Runtime|does not contain"),
        (changed(use_foreign_operator), "another graph: .*com.microsoft.FastGelu"),
        (changed(use_other_operator), "another graph: .*LogSoftmax"),
        (changed(add_layer), "another graph: .*Softmax, Softmax"),
        (changed(set_tensor(WEIGHTS, set_item(0.0))), "digest"),
        (changed(set_metadata(version="newer")), "digest"),
        (changed(rename_input), "ONNX Runtime|input"),
        (changed(drop_output), "outputs"),
        (changed(set_metadata(format="another/1")), "format"),
        (changed(set_metadata(facts="{}")), "metadata"),
        (
            changed(set_metadata(facts=facts(thresholds={"digit": math.nan, "sure": 1}))),
            "thresholds",
        ),
        (changed(set_metadata(facts=facts(metrics={"mnist_test": {"errors": 1}}))), "metadata"),
        (changed(set_metadata(facts=facts(metrics={"a": {"errors": 0, "of": 0}}))), "metrics"),
        (changed(set_metadata(version="")), "version"),
        (changed(set_metadata(version="7" * 65)), "version"),
        (changed(set_metadata(facts="not JSON")), "metadata"),
        (changed(set_metadata(labels=json.dumps(["zero"]))), "labels"),
        (changed(set_metadata(labels=json.dumps([0] * 10))), "labels"),
        (changed(set_metadata(version='a"b')), "version"),
        (changed(set_metadata(version="a\n")), "version"),
        (changed(set_metadata(digest="")), "digest"),
        (changed(set_metadata(facts=facts(training={"reviewed_images": "1"}))), "reviewed_images"),
        (changed(set_metadata(facts=facts(training={"stroke_files": ["a"]}))), "stroke_files.0"),
        (changed(set_metadata(facts=facts(training={"loss": math.nan}))), "not JSON"),
        (changed(set_metadata(facts=facts(training={"name": "\ud800"}))), "facts"),
        (changed(set_metadata(facts="[" * 10_000)), "facts"),
        (changed(set_metadata(facts=metric(calibration_error="text"))), "calibration_error"),
        (changed(set_metadata(facts=metric(errors=3))), "3 errors of 2"),
        (changed(set_metadata(facts=metric(of=10**400))), "metrics.mnist_test.of"),
        (changed(set_metadata(facts=history(loss=[0.5, 0.4]))), r"lists of \[2, 1, 1\] epochs"),
        (changed(set_metadata(facts=history(loss=[math.nan]))), r"training.history.loss.0"),
        (changed(set_metadata(facts=history(loss=[0] * 1001))), "training.history.loss"),
        (changed(double_rows), "another graph"),
        (changed(multiply_constants), "another graph"),
        (changed(skip_layer), "not the input of the next"),
        (changed(exchange_outputs), "not probabilities"),
        (changed(pad_convolution), "attribute pads of Conv"),
        (changed(set_tensor("temperature", set_item(0.0))), "temperature is 0.0"),
        (changed(set_tensor("deviation", set_item(-0.3))), "deviation is -0.3"),
        (changed(set_tensor("net.classifier.4.weight", set_item(5e37))), "4.weight are not all"),
        (changed(set_tensor("net.classifier.4.weight", np.flipud)), "reads only"),
        (changed(set_tensor("net.features.0.bias", np.atleast_2d)), r"shape \(1, 6\)"),
        (changed(set_tensor("mean", np.float64)), "another type"),
        (changed(set_tensor("scalar_tensor_default", set_item(1.0))), "is not 255.0"),
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


def test_classifier_of_a_large_file_raises_before_parsing(monkeypatch):
    monkeypatch.setattr("ml.classifier.check_graph", None)
    with pytest.raises(ModelError, match="more than 1,000,000 bytes"):
        Classifier(bytes(10_000_000))


def test_read_of_a_file_of_2_gb_raises_without_reading_it(tmp_path):
    file = tmp_path / "large.onnx"
    with file.open("wb") as sparse:
        sparse.truncate(2**31)
    tracemalloc.start()
    with pytest.raises(ModelError, match="more than 1,000,000 bytes"):
        Classifier.read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_read_of_a_missing_file_names_it_without_its_folder(tmp_path):
    with pytest.raises(ModelError, match=r"^missing\.onnx cannot be read: No such file") as error:
        Classifier.read(tmp_path / "missing.onnx")
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("reason", ["a\0b\n", "7" * 10_000])
def test_model_error_is_short_and_printable(reason):
    message = str(ModelError(reason))
    assert message.isprintable()
    assert len(message) < 400


def test_limits_of_weights_exclude_an_overflow():
    """The largest possible activations: of inputs, of each layer, and of scaled logits."""
    largest = (1 + MAX_WEIGHT) / MIN_DIVISOR
    for shape in (shape for name, shape in SHAPES.items() if name.endswith("weight")):
        largest = math.prod(shape[1:]) * MAX_WEIGHT * largest + MAX_WEIGHT
    assert largest / MIN_DIVISOR < np.finfo(np.float32).max / 1_000


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
    with pytest.raises(ModelError, match=r"another graph: .*LogSoftmax"):
        Classifier(changed(use_other_operator))


def test_classifier_starts_no_telemetry_of_onnx_runtime(tmp_path):
    """It would store a device identifier in the home folder."""
    code = "from ml.classifier import Classifier; from tools.samples import SHIPPED"
    code += "; Classifier(SHIPPED.read_bytes())"
    done = run(sys.executable, "-c", code, HOME=str(tmp_path), TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
