"""The Open Inference Protocol: a public client works unchanged, and what it refuses is said."""

import json

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
def triton(tmp_path_factory):
    """Triton's own client, of a server as the Procfile starts it."""
    with serve(tmp_path_factory.mktemp("site")) as site:
        client = InferenceServerClient(site.removeprefix("http://"))
        yield client
        client.close()


def images(values=IMAGES, *, binary):
    tensor = InferInput("images", values.shape, "UINT8")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def test_the_client_finds_server_and_model(triton, shipped):
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("lenet")
    assert triton.is_model_ready("lenet", shipped.version)
    assert not triton.is_model_ready("lenet", "of-yesterday")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    model = triton.get_model_metadata("lenet")
    assert model == triton.get_model_metadata("lenet", shipped.version)
    assert model["versions"] == [shipped.version]
    assert model["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28]}]
    assert {one["name"]: tuple(one["shape"][1:]) for one in model["outputs"]} == OUTPUTS


@pytest.mark.parametrize("binary", [False, True])
def test_the_client_gets_the_probabilities(triton, shipped, binary):
    result = triton.infer("lenet", [images(binary=binary)], request_id="one")
    response = result.get_response()
    assert (response["id"], response["model_version"]) == ("one", shipped.version)
    probabilities = result.as_numpy("probabilities")
    assert probabilities.dtype == np.float32
    assert probabilities == pytest.approx(shipped.predict(IMAGES), abs=1e-6)


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_the_client_gets_every_layer(triton, shipped, sent, given):
    outputs = [InferRequestedOutput(name, binary_data=given) for name in OUTPUTS]
    result = triton.infer("lenet", [images(binary=sent)], shipped.version, outputs)
    for name, expected in shipped.activations(IMAGES).items():
        assert result.as_numpy(name) == pytest.approx(expected, abs=1e-5)


def test_the_client_sends_256_images(triton, shipped):
    many = np.random.default_rng(0).integers(0, 256, (256, 28, 28), np.uint8)
    for binary in (False, True):
        result = triton.infer("lenet", [images(many, binary=binary)])
        assert result.as_numpy("probabilities") == pytest.approx(shipped.predict(many), abs=1e-5)


def test_the_client_understands_errors(triton):
    with pytest.raises(InferenceServerException, match="There is no model resnet"):
        triton.get_model_metadata("resnet")
    with pytest.raises(InferenceServerException, match="There is no output"):
        triton.infer("lenet", [images(binary=True)], outputs=[InferRequestedOutput("nothing")])
    classes = InferRequestedOutput("logits", class_count=3)
    with pytest.raises(InferenceServerException, match="class"):
        triton.infer("lenet", [images(binary=True)], outputs=[classes])
    with pytest.raises(InferenceServerException, match="256"):
        triton.infer("lenet", [images(np.zeros((257, 28, 28), np.uint8), binary=True)])


def tensor(**changes):
    return {
        "name": "images",
        "datatype": "UINT8",
        "shape": [1, 28, 28],
        "data": [0] * 784,
        **changes,
    }


def request_of(**changes):
    return json.dumps({"inputs": [tensor(**changes)]})


BAD = {
    "no JSON": "hello",
    "nothing": "{}",
    "no inputs": '{"inputs": []}',
    "two inputs": json.dumps({"inputs": [tensor(), tensor()]}),
    "another input": request_of(name="x"),
    "floats by name": request_of(datatype="FP32"),
    "floats": request_of(data=[0.5] * 784),
    "truths": request_of(data=[True] * 784),
    "words": request_of(data=["7"] * 784),
    "a word among numbers": request_of(data=[0] * 783 + ["7" * 100_000]),
    "very many lists": request_of(data=[[]] * 20_000),
    "very many objects": request_of(data=[{}] * 784),
    "too light": request_of(data=[256] * 784),
    "too dark": request_of(data=[-1] * 784),
    "huge": request_of(data=[10**30] * 784),
    "too few": request_of(data=[0] * 783),
    "none": request_of(data=[]),
    "ragged": request_of(data=[[0] * 783, [0]]),
    "deep": '{"inputs": [' + "[" * 5_000 + "]" * 5_000 + "]}",
    "a flat shape": request_of(shape=[784]),
    "no shape": request_of(shape=[]),
    "no image": request_of(shape=[0, 28, 28]),
    "a negative number": request_of(shape=[-1, 28, 28]),
    "no data": request_of(data=None),
    "data twice": request_of(parameters={"binary_data_size": 784}),
    "an output many times": json.dumps(
        {"inputs": [tensor()], "outputs": [{"name": "logits"}] * 40}
    ),
    "memory that is shared": request_of(parameters={"shared_memory_region": "x"}),
}


def is_refused(response, status=400):
    body = response.json()
    return response.status_code == status and list(body) == ["error"] and bool(body["error"])


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_bad_requests_are_refused(client, body):
    assert is_refused(client.post(INFER, body, content_type="application/json"))


@pytest.mark.parametrize(
    ("size", "raw", "length"),
    [(784, 783, 0), (784, 785, 0), (783, 783, 0), (784, 784, 10_000), (784, 784, -1)],
)
def test_bytes_that_do_not_fit_are_refused(client, size, raw, length):
    head = request_of(data=None, parameters={"binary_data_size": size}).encode()
    body = head + bytes(raw)
    stated = str(len(head) + length)
    headers = {"Inference-Header-Content-Length": stated}
    response = client.post(INFER, body, "application/octet-stream", headers=headers)
    assert is_refused(response)


@pytest.mark.parametrize("stated", ["", "x", "-1", "٣"])
def test_a_length_that_is_no_number_is_refused(client, stated):
    headers = {"Inference-Header-Content-Length": stated}
    assert is_refused(client.post(INFER, "{}", "application/json", headers=headers))


def test_nested_numbers_are_taken_and_an_output_named_twice_is_given_twice(client):
    body = {
        "inputs": [tensor(data=IMAGES[:1].tolist())],
        "outputs": [{"name": "logits"}, {"name": "logits"}],
    }
    response = client.post(INFER, body, content_type="application/json").json()
    assert [output["shape"] for output in response["outputs"]] == [[1, 10], [1, 10]]
    assert int(np.argmax(response["outputs"][0]["data"])) == 7


def test_a_large_body_is_refused(client, settings):
    settings.MAX_BATCH_BYTES = 1_000
    assert is_refused(client.post(INFER, request_of(), content_type="application/json"), 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/v2/nothing", 404),
        ("get", "/v2/models/resnet", 404),
        ("get", "/v2/models/lenet/versions/of-yesterday/ready", 404),
        ("get", INFER, 405),
        ("post", "/v2", 405),
    ],
)
def test_every_error_has_the_one_shape(client, method, path, status):
    assert is_refused(getattr(client, method)(path), status)


@pytest.mark.parametrize("path", ["/v2", "/v2/health/ready", "/v2/models/lenet/ready"])
def test_without_a_model_nothing_is_ready(client, no_model, path):
    assert is_refused(client.get(path), 503)
    assert client.get("/v2/health/live").status_code == 200


def test_a_bug_is_an_error_without_a_traceback(client, monkeypatch):
    monkeypatch.setattr(inference_v2, "_images", lambda *args: 1 / 0)
    client.raise_request_exception = False
    response = client.post(INFER, request_of(), content_type="application/json")
    assert is_refused(response, 500)
    assert b"ZeroDivision" not in response.content


@pytest.mark.parametrize("length", ["9" * 5_000, "²", "-1", "1e3"])
def test_a_length_of_the_json_that_is_none_is_refused(client, length):
    response = client.post(
        INFER, b"{}", "application/json", headers={"Inference-Header-Content-Length": length}
    )
    assert is_refused(response)
