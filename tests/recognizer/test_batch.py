"""Many drawings in one request: in order, each with its own answer or its own problem."""

import json
from base64 import b64encode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.classifier import Classifier
from ml.preprocessing.strokes import rasterize
from tests.conftest import picture_of
from tests.recognizer.test_api import PREDICT, is_problem
from tools.samples import SEVEN

BATCH = f"{PREDICT}/batch"
ONE = [[[100, 10], [100, 250]]]
SEVENTEEN = [[[320 + x, y] for x, y, _ in SEVEN[0]], [[30, 60], [30, 260]]]


def send(client, drawings):
    return client.post(BATCH, {"drawings": drawings}, content_type="application/json")


def base64(content):
    return b64encode(content).decode()


def texts(response):
    assert response.status_code == 200, response.content
    return [answer.get("text") for answer in response.json()["answers"]]


def test_drawings_of_all_kinds_are_answered_in_their_order(client, png):
    drawings = [
        {"strokes": SEVEN},
        {"image": base64(picture_of(ONE))},
        {"strokes": []},
        {"strokes": SEVENTEEN},
        {"grid": base64(rasterize(SEVEN).tobytes())},
        {"grid": base64(bytes(784))},
    ]
    assert texts(send(client, drawings)) == ["7", "1", "", "17", "7", ""]


def test_an_answer_is_that_of_a_single_request(client):
    (answer, _) = send(client, [{"strokes": SEVENTEEN}, {"strokes": ONE}]).json()["answers"]
    single = client.post(PREDICT, {"strokes": SEVENTEEN}, content_type="application/json").json()
    assert answer["text"] == single["text"]
    for one, other in zip(answer["digits"], single["digits"], strict=True):
        assert one.pop("probabilities") == pytest.approx(other.pop("probabilities"), abs=2e-4)
        assert one.pop("confidence") == pytest.approx(other.pop("confidence"), abs=2e-4)
        assert one == other


def test_pictures_are_taken_as_files_too(client, png):
    pictures = [SimpleUploadedFile("7.png", png), SimpleUploadedFile("1.png", picture_of(ONE))]
    assert texts(client.post(BATCH, {"image": pictures})) == ["7", "1"]


def test_what_the_net_saw_comes_back_and_may_be_sent_again(client):
    body = {"drawings": [{"strokes": SEVEN}]}
    first = client.post(f"{BATCH}?images=true", body, "application/json").json()["answers"][0]
    again = send(client, [{"grid": first["digits"][0]["image"]}]).json()["answers"][0]
    assert again["text"] == "7"
    assert again["digits"][0]["box"] == [0, 0, 28, 28]


BAD = {
    "no drawing": ("7", 422),
    "nothing": ({}, 422),
    "two forms": ({"strokes": SEVEN, "image": ""}, 422),
    "an unknown form": ({"strokes": SEVEN, "text": "7"}, 422),
    "words": ({"strokes": "7"}, 422),
    "too many points": ({"strokes": [[[1, 2]] * 20_001]}, 422),
    "no Base64": ({"image": "ä"}, 422),
    "no picture": ({"image": base64(b"I am a picture")}, 422),
    "a short grid": ({"grid": base64(bytes(783))}, 422),
    "too many pixels": ({"image": base64(picture_of(ONE))}, 413),
}


@pytest.mark.parametrize(("bad", "status"), BAD.values(), ids=BAD)
def test_a_bad_drawing_has_its_own_problem_and_spoils_no_other(client, settings, bad, status):
    settings.MAX_BATCH_PIXELS = 100_000
    response = send(client, [{"strokes": SEVEN}, bad, {"strokes": ONE}])
    assert texts(response) == ["7", None, "1"]
    problem = response.json()["answers"][1]
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["detail"]


def test_a_bad_file_spoils_no_other(client, png):
    files = [SimpleUploadedFile("x.png", b"x"), SimpleUploadedFile("7.png", png)]
    assert texts(client.post(BATCH, {"image": files})) == [None, "7"]


@pytest.mark.parametrize("body", ["hello", "{}", "[]", '{"drawings": 7}'])
def test_a_body_that_is_no_batch_is_refused(client, body):
    assert is_problem(client.post(BATCH, body, content_type="application/json"), 422)


def test_an_empty_batch_has_no_answers(client):
    assert texts(send(client, [])) == []


def test_256_drawings_are_read_and_not_one_more(client):
    assert texts(send(client, [{"strokes": ONE}] * 256)) == ["1"] * 256
    assert is_problem(send(client, [{"strokes": ONE}] * 257), 422)


def test_too_many_points_together_are_refused(client):
    assert is_problem(send(client, [{"strokes": [[[1, 2]] * 20_000]}] * 6), 422)


def test_two_megabytes_of_pictures_are_read(client):
    picture = base64(picture_of(ONE) + bytes(7_000))
    assert len(picture) * 200 > 2_000_000
    assert texts(send(client, [{"image": picture}] * 200)) == ["1"] * 200


def test_a_large_batch_is_refused(client, settings):
    settings.MAX_BATCH_BYTES = 10_000
    body = json.dumps({"drawings": [{"strokes": ONE}] * 256})
    assert is_problem(client.post(BATCH, body, content_type="application/json"), 413)


def test_other_kinds_of_body_are_refused(client):
    assert is_problem(client.post(BATCH, b"7", content_type="text/plain"), 415)


def test_without_a_model_the_answer_is_503(client, no_model):
    assert is_problem(send(client, [{"strokes": SEVEN}]), 503)


def test_all_digits_go_through_the_net_in_one_call(client, monkeypatch):
    calls = []
    predict = Classifier.predict

    def counted(self, images):
        calls.append(len(images))
        return predict(self, images)

    send(client, [])
    monkeypatch.setattr(Classifier, "predict", counted)
    send(client, [{"strokes": SEVEN}, {"strokes": ONE}, {"grid": base64(bytes(783) + b"x")}])
    assert calls == [3]


def test_too_many_files_are_refused(client, png):
    files = [SimpleUploadedFile("7.png", png) for _ in range(257)]
    response = client.post(BATCH, {"image": files})
    assert is_problem(response, 422)
    assert "too many" in response.json()["detail"]


def test_a_batch_of_very_many_objects_is_refused_before_it_is_in_memory(client):
    body = '{"drawings": [' + ",".join(['{"": 0}'] * 5_000) + "]}"
    response = client.post("/api/v1/predict/batch", body, content_type="application/json")
    assert response.status_code == 422
    assert "too many drawings" in response.json()["detail"]
