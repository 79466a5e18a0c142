"""Telemetry: metrics, log lines, request IDs and Server-Timing."""

import json
import logging
import re
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psutil import Process

from recognizer import drawings
from recognizer.telemetry.logging import JsonFormatter, request_id
from tests.conftest import run_python
from tests.polling import TIMEOUT, wait_until
from tests.recognizer.conftest import PREDICT, predict
from tools.samples import SEVEN
from tools.server import serve

METRICS = "/metrics"
# As django-ninja registers it.
ROUTE = "/api/v1/drawings/<any_uuid:id>"
BODY = json.dumps({"strokes": SEVEN}).encode()


def parse(text):
    """Return all samples by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(text, name, **labels):
    return parse(text).get((name, tuple(sorted(labels.items()))), 0)


def scrape(client):
    response = client.get(METRICS)
    assert response.status_code == 200
    return response.content.decode()


def test_requests_are_counted_by_method_route_and_status(client):
    labels = {"method": "POST", "route": "/api/v1/predict"}
    before = scrape(client)
    predict(client, {"strokes": SEVEN})
    predict(client, {"strokes": SEVEN})
    predict(client, "not JSON")
    after = scrape(client)

    def increase(name, **labels):
        return sample(after, name, **labels) - sample(before, name, **labels)

    assert increase("digits_requests_total", **labels, status="200") == 2
    assert increase("digits_requests_total", **labels, status="422") == 1
    assert increase("digits_request_seconds_count", **labels) == 3
    assert increase("digits_verdicts_total", verdict="digit") == 2
    assert sample(after, "digits_requests_in_progress") == 1


@pytest.mark.django_db
def test_saved_drawing_sent_twice_is_counted_once(client, put):
    before = sample(scrape(client), "digits_drawings_saved_total", source="api")
    id = uuid4()
    put(id=id)
    put(id=id)
    assert sample(scrape(client), "digits_drawings_saved_total", source="api") == before + 1


def test_serving_model_is_counted_by_version(client, shipped):
    predict(client, {"strokes": SEVEN})
    assert sample(scrape(client), "digits_model_processes", version=shipped.version) == 1


@pytest.mark.django_db
def test_unknown_paths_and_methods_create_no_time_series(client):
    client.get(f"/{uuid4()}")
    client.generic("BREW", "/")
    id = uuid4()
    client.get(f"/drawings/{id}")
    text = scrape(client)
    assert "BREW" not in text
    assert str(id) not in text
    assert 'method="GET",route="/drawings/<any_uuid:id>"' in text
    assert 'method="GET",route="other"' in text


@pytest.mark.parametrize(
    ("token", "local_only", "address", "headers", "status"),
    [
        ("", True, "127.0.0.1", {}, 200),
        ("", True, "10.0.0.7", {}, 404),
        ("", False, "127.0.0.1", {}, 404),
        ("secret", True, "127.0.0.1", {}, 404),
        ("secret", False, "10.0.0.7", {"Authorization": "Bearer secret"}, 200),
        ("secret", False, "10.0.0.7", {"Authorization": "Bearer guess"}, 404),
        ("secret", False, "10.0.0.7", {"Authorization": "Bearer ä"}, 404),
        ("", False, "10.0.0.7", {"Authorization": "Bearer "}, 404),
    ],
)
def test_metrics_require_a_token_or_a_local_client(
    client, settings, token, local_only, address, headers, status
):
    settings.METRICS_TOKEN, settings.LOCAL_ONLY = token, local_only
    assert client.get(METRICS, headers=headers, REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize("id", ["one-1.a_B", "x" * 64])
def test_valid_request_id_is_returned(client, id):
    assert client.get("/health/live", headers={"X-Request-ID": id})["X-Request-ID"] == id


@pytest.mark.parametrize("id", ["", "x" * 65, "a b", "<script>", "ä", 'a"}', "a\n"])
def test_invalid_request_id_is_replaced(client, id):
    response = client.get("/health/live", headers={"X-Request-ID": id})
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])


@pytest.fixture
def lines(caplog):
    """Return the log lines so far, in the format of production."""
    caplog.handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO)

    def so_far():
        return [json.loads(line) for line in caplog.text.splitlines()]

    return so_far


@pytest.mark.django_db
def test_request_logs_one_line_without_private_data(client, lines):
    id = uuid4()
    client.put(
        f"/api/v1/drawings/{id}?secret=1",
        {"strokes": SEVEN},
        content_type="application/json",
        headers={"X-Request-ID": "one", "User-Agent": "Mozilla"},
        REMOTE_ADDR="10.9.8.7",
    )
    (line,) = [line for line in lines() if line["logger"] == "recognizer.telemetry.middleware"]
    assert line.pop("ms") > 0
    assert line.pop("time").endswith("+00:00")
    assert line.pop("message").startswith(f"PUT {ROUTE} 201 ")
    assert line == {
        "level": "INFO",
        "logger": "recognizer.telemetry.middleware",
        "request_id": "one",
        "method": "PUT",
        "route": ROUTE,
        "status": 201,
    }
    for private in (str(id), "10.9.8.7", "Mozilla", "secret"):
        assert private not in json.dumps(lines())


def test_uncaught_exception_logs_one_line_with_traceback_and_request_id(client, lines, monkeypatch):
    monkeypatch.setattr(drawings, "predict", lambda drawn: 1 / 0)
    client.raise_request_exception = False
    id = predict(client, {"strokes": SEVEN})["X-Request-ID"]
    (line,) = [line for line in lines() if "exception" in line]
    assert "ZeroDivisionError" in line["exception"]
    assert line["request_id"] == id
    assert request_id.get() == ""


ID = "8f14e45f-ceea-467f-a0e6-0123456789ab"
PRIVATE = {
    f"Internal Server Error: /drawings/{ID}": "Internal Server Error: /drawings/<UUID>",
    f"UNIQUE constraint failed: {ID.replace('-', '').upper()}": "UNIQUE constraint failed: <UUID>",
    "Invalid request from ip=10.9.8.7: Invalid Header: 'a\nb'": "Invalid request: Invalid Header",
    "10.9.8.7:80, ::1, [2001:db8::1]:80": "<address>:80, <address>, [<address>]:80",
    "{'Cookie': 'sessionid=abc; csrftoken=def'}": "{'Cookie': <private>",
    "COOKIE:sessionid=abc": "COOKIE: <private>",
    "authorization = Bearer abc": "authorization = <private>",
}
PUBLIC = [
    "Listening at: http://0.0.0.0:8000 (12)", "12:34:56 x[1:2] 1.2.3", f"SHA-256 {'ab' * 32}",
    "Serving model 2026.11.26-9b25f05", "Forbidden (CSRF cookie not set.): /admin/",
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "logged"), [*PRIVATE.items(), *zip(PUBLIC, PUBLIC, strict=True)]
)
def test_log_line_of_any_logger_contains_no_private_data(lines, message, logged):
    logging.getLogger("another.library").error("%s", message)
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("django.request").exception("Failed")
    first, second = lines()
    assert first["message"] == logged
    assert second["exception"].endswith(f"ValueError: {logged}")


def test_warning_is_a_json_line_and_pillow_warns_of_nothing():
    code = f"""
import logging.config, warnings
from django.conf import settings
logging.config.dictConfig(settings.LOGGING)
warnings.warn("careless {ID}", RuntimeWarning)
warnings.warn_explicit("damaged", UserWarning, "TiffImagePlugin.py", 1, "PIL.TiffImagePlugin")
"""
    (line,) = run_python(code, SECRET_KEY="x").stderr.splitlines()
    assert json.loads(line)["logger"] == "py.warnings"
    assert "careless <UUID>" in line


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PREDICT, f"{PREDICT}/batch", "/api/v1/drawings/"])
def test_server_timing_lists_stages_and_total(client, put, path):
    body = {"strokes": SEVEN, "drawings": [{"strokes": SEVEN}]}
    if path.endswith("/"):
        response = put()
    else:
        response = client.post(path, body, content_type="application/json")
    timing = re.findall(r"(\w+);dur=([\d.]+)", response["Server-Timing"])
    *stages, (name, total) = timing
    assert name == "total"
    assert [stage for stage, _ in stages] == ["body", "save" if path.endswith("/") else "predict"]
    assert sum(float(ms) for _, ms in stages) <= float(total) + 0.02
    assert "Server-Timing" not in client.get("/health/live")


def send(site, path=PREDICT, body=BODY):
    """Send one request on a new connection, so that any worker can accept it."""
    request = Request(f"{site}{path}", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=TIMEOUT) as response:
        return response.read().decode()


def test_metric_files_are_created_at_import(tmp_path):
    """Later the disk can be full."""
    run_python("import recognizer.telemetry.metrics", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    kinds = {file.name.rsplit("_", 1)[0] for file in tmp_path.iterdir()}
    assert kinds == {"counter", "histogram", "gauge_livesum"}


def test_metrics_sum_all_workers_and_keep_counts_of_killed_ones(tmp_path, static_files):
    labels = {"method": "POST", "route": "/api/v1/predict", "status": "200"}
    with serve(tmp_path, WEB_CONCURRENCY="2") as site:
        for _ in range(30):
            send(site)
        before = send(site, METRICS, None)
        assert sample(before, "digits_requests_total", **labels) == 30
        (master,) = [child for child in Process().children() if len(child.children()) == 2]
        killed = master.children()
        for worker in killed:
            worker.kill()
        wait_until(lambda: len({*master.children()} - {*killed}) == 2)
        for _ in range(5):
            send(site)
        after = send(site, METRICS, None)
        assert sample(after, "digits_requests_total", **labels) == 35
        assert sample(after, "digits_requests_in_progress") == 1
        processes = [
            value for (name, _), value in parse(after).items() if name == "digits_model_processes"
        ]
        assert sum(processes) <= 2
