"""The Open Inference Protocol: Triton's client works unchanged, invalid requests get errors."""

import json
import math

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from ml.classifier import OUTPUTS
from ml.preprocessing.strokes import rasterize
from recognizer.api import inference_v2
from tools.samples import SEVEN
from tools.server import serve

IMAGES = np.stack([rasterize(SEVEN), np.zeros((28, 28), np.uint8)])
INFER = "/v2/models/lenet/infer"


@pytest.fixture(scope="module")
def triton(tmp_path_factory, static_files):
    """Triton's client, connected to a server that the Procfile started."""
    with serve(tmp_path_factory.mktemp("site")) as site:
        client = InferenceServerClient(site.removeprefix("http://"))
        yield client
        client.close()


def input_tensor(values=IMAGES, *, binary):
    tensor = InferInput("images", values.shape, "UINT8")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def test_client_gets_health_and_metadata(triton, shipped):
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("lenet")
    assert triton.is_model_ready("lenet", shipped.version)
    assert not triton.is_model_ready("lenet", "unknown-version")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    model = triton.get_model_metadata("lenet")
    assert model == triton.get_model_metadata("lenet", shipped.version)
    assert model["versions"] == [shipped.version]
    assert model["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28]}]
    assert {one["name"]: tuple(one["shape"][1:]) for one in model["outputs"]} == OUTPUTS


@pytest.mark.parametrize("binary", [False, True])
def test_client_infer_with_256_images_returns_probabilities(triton, shipped, binary):
    many = np.random.default_rng(0).integers(0, 256, (256, 28, 28), np.uint8)
    result = triton.infer("lenet", [input_tensor(many, binary=binary)], request_id="one")
    response = result.get_response()
    assert (response["id"], response["model_version"]) == ("one", shipped.version)
    probabilities = result.as_numpy("probabilities")
    assert probabilities.dtype == np.float32
    assert probabilities == pytest.approx(shipped.predict(many), abs=1e-5)


@pytest.mark.parametrize("binary_input", [False, True])
@pytest.mark.parametrize("binary_output", [False, True])
def test_client_infer_returns_every_output(triton, shipped, binary_input, binary_output):
    outputs = [InferRequestedOutput(name, binary_data=binary_output) for name in OUTPUTS]
    result = triton.infer("lenet", [input_tensor(binary=binary_input)], shipped.version, outputs)
    for name, expected in shipped.activations(IMAGES).items():
        assert result.as_numpy(name) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_client_with_compressed_requests_gets_the_reason(triton, algorithm):
    with pytest.raises(InferenceServerException, match=f"Content-Encoding: '{algorithm}'"):
        triton.infer("lenet", [input_tensor(binary=True)], request_compression_algorithm=algorithm)


def test_client_raises_the_server_errors(triton):
    with pytest.raises(InferenceServerException, match="Unknown model: resnet"):
        triton.get_model_metadata("resnet")
    with pytest.raises(InferenceServerException, match="Unknown outputs"):
        triton.infer(
            "lenet", [input_tensor(binary=True)], outputs=[InferRequestedOutput("nothing")]
        )
    classes = InferRequestedOutput("logits", class_count=3)
    with pytest.raises(InferenceServerException, match="class"):
        triton.infer("lenet", [input_tensor(binary=True)], outputs=[classes])
    with pytest.raises(InferenceServerException, match="256"):
        triton.infer("lenet", [input_tensor(np.zeros((257, 28, 28), np.uint8), binary=True)])


def tensor_json(**changes):
    return {
        "name": "images",
        "datatype": "UINT8",
        "shape": [1, 28, 28],
        "data": [0] * 784,
        **changes,
    }


def request_json(**changes):
    return json.dumps({"inputs": [tensor_json(**changes)]})


INVALID = {
    "not JSON": "hello",
    "empty object": "{}",
    "no inputs": '{"inputs": []}',
    "two inputs": json.dumps({"inputs": [tensor_json(), tensor_json()]}),
    "unknown input": request_json(name="x"),
    "float datatype": request_json(datatype="FP32"),
    "booleans": request_json(data=[True] * 784),
    "strings": request_json(data=["7"] * 784),
    "a string among integers": request_json(data=[0] * 783 + ["7" * 100_000]),
    "too many lists": request_json(data=[[]] * 20_000),
    "too many objects": request_json(data=[{}] * 784),
    "too few values": request_json(data=[0] * 783),
    "no values": request_json(data=[]),
    "ragged": request_json(data=[[0] * 783, [0]]),
    "deeply nested": '{"inputs": [' + "[" * 5_000 + "]" * 5_000 + "]}",
    "a flat shape": request_json(shape=[784]),
    "no shape": request_json(shape=[]),
    "no image": request_json(shape=[0, 28, 28]),
    "a negative batch": request_json(shape=[-1, 28, 28]),
    "no data": request_json(data=None),
    "data twice": request_json(parameters={"binary_data_size": 784}),
    "an output 40 times": json.dumps(
        {"inputs": [tensor_json()], "outputs": [{"name": "logits"}] * 40}
    ),
    "no output": json.dumps({"inputs": [tensor_json()], "outputs": []}),
    "shared memory": request_json(parameters={"shared_memory_region": "x"}),
}


def is_error(response, status=400):
    body = response.json()
    return response.status_code == status and list(body) == ["error"] and bool(body["error"])


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_invalid_request_gets_400(client, body):
    assert is_error(client.post(INFER, body, content_type="application/json"))


@pytest.mark.parametrize("value", [256, -1, 10**30, 0.5, "seven", math.nan])
def test_invalid_value_in_data_is_named(client, value):
    body = request_json(data=[0] * 783 + [value])
    response = client.post(INFER, body, content_type="application/json")
    assert is_error(response)
    assert json.dumps(value) in response.json()["error"]


@pytest.mark.parametrize(
    ("size", "raw", "length"),
    [(784, 783, 0), (784, 785, 0), (783, 783, 0), (784, 784, 10_000), (784, 784, -1)],
)
def test_binary_data_of_the_wrong_size_gets_400(client, size, raw, length):
    head = request_json(data=None, parameters={"binary_data_size": size}).encode()
    body = head + bytes(raw)
    headers = {"Inference-Header-Content-Length": str(len(head) + length)}
    response = client.post(INFER, body, "application/octet-stream", headers=headers)
    assert is_error(response)


@pytest.mark.parametrize("length", ["", "x", "-1", "1e3", "٣", "²", "9" * 5_000])
def test_invalid_json_length_gets_400(client, length):
    headers = {"Inference-Header-Content-Length": length}
    assert is_error(client.post(INFER, "{}", "application/json", headers=headers))


def test_infer_with_nested_data_and_a_repeated_output_returns_it_twice(client):
    body = {
        "inputs": [tensor_json(data=IMAGES[:1].tolist())],
        "outputs": [{"name": "logits"}, {"name": "logits"}],
    }
    response = client.post(INFER, body, content_type="application/json").json()
    assert [output["shape"] for output in response["outputs"]] == [[1, 10], [1, 10]]
    assert int(np.argmax(response["outputs"][0]["data"])) == 7


def test_body_over_the_size_limit_gets_413(client, settings):
    settings.MAX_BATCH_BYTES = 1_000
    assert is_error(client.post(INFER, request_json(), content_type="application/json"), 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/v2/nothing", 404),
        ("get", "/v2/models/resnet", 404),
        ("get", "/v2/models/lenet/versions/unknown-version/ready", 404),
        ("get", INFER, 405),
        ("post", "/v2", 405),
    ],
)
def test_routing_error_has_the_protocol_format(client, method, path, status):
    assert is_error(getattr(client, method)(path), status)


@pytest.mark.parametrize("path", ["/v2", "/v2/health/ready", "/v2/models/lenet/ready"])
def test_ready_without_a_model_gets_503(client, no_model, path):
    assert is_error(client.get(path), 503)
    assert client.get("/v2/health/live").status_code == 200


def test_uncaught_exception_is_an_error_without_a_traceback(client, monkeypatch):
    monkeypatch.setattr(inference_v2, "_read_images", lambda *args: 1 / 0)
    client.raise_request_exception = False
    response = client.post(INFER, request_json(), content_type="application/json")
    assert is_error(response, 500)
    assert b"ZeroDivision" not in response.content
