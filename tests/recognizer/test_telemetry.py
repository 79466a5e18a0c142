"""What is seen of the site from outside: figures, log lines, ids and timings of requests."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from recognizer import drawings
from recognizer.telemetry.logging import JsonLines, request_id
from tests.recognizer.test_api import PREDICT, predict
from tools.samples import SEVEN
from tools.server import serve

METRICS = "/metrics"
# As django-ninja has it.
ROUTE = "/api/v1/drawings/<any_uuid:id>"
BODY = json.dumps({"strokes": SEVEN}).encode()


def figures(text):
    """All samples, by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(text, name, **labels):
    return figures(text).get((name, tuple(sorted(labels.items()))), 0)


def told(client):
    response = client.get(METRICS)
    assert response.status_code == 200
    return response.content.decode()


def test_requests_are_counted_by_method_route_and_status(client):
    asked = {"method": "POST", "route": "/api/v1/predict"}
    before = told(client)
    predict(client, {"strokes": SEVEN})
    predict(client, {"strokes": SEVEN})
    predict(client, "rubbish")
    after = told(client)

    def more(name, **labels):
        return figure(after, name, **labels) - figure(before, name, **labels)

    assert more("digits_requests_total", **asked, status="200") == 2
    assert more("digits_requests_total", **asked, status="422") == 1
    assert more("digits_request_seconds_count", **asked) == 3
    assert more("digits_verdicts_total", verdict="digit") == 2
    assert figure(after, "digits_requests_in_progress") == 1


@pytest.mark.django_db
def test_a_drawing_is_counted_once_however_often_it_is_sent(client, put):
    before = figure(told(client), "digits_drawings_kept_total", source="api")
    id = uuid4()
    put(id=id)
    put(id=id)
    assert figure(told(client), "digits_drawings_kept_total", source="api") == before + 1


def test_the_model_that_serves_is_told(client, shipped):
    predict(client, {"strokes": SEVEN})
    assert figure(told(client), "digits_model_processes", version=shipped.version) == 1


@pytest.mark.django_db
def test_whoever_asks_makes_no_time_series(client):
    client.get(f"/{uuid4()}")
    client.generic("BREW", "/")
    id = uuid4()
    client.get(f"/drawings/{id}")
    text = told(client)
    assert "BREW" not in text
    assert str(id) not in text
    assert 'method="GET",route="/drawings/<uuid:id>"' in text
    assert 'method="GET",route="other"' in text


@pytest.mark.parametrize(
    ("token", "hosts", "address", "sent", "status"),
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
def test_who_may_read_the_figures(client, settings, token, hosts, address, sent, status):
    settings.METRICS_TOKEN, settings.FOR_THIS_MACHINE = token, hosts
    assert client.get(METRICS, headers=sent, REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize("sent", ["one-1.a_B", "x" * 64])
def test_a_sane_request_id_is_taken_and_echoed(client, sent):
    assert client.get("/health/live", headers={"X-Request-ID": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "<script>", "ä", 'a"}', "a\n"])
def test_another_request_id_is_replaced(client, sent):
    given = client.get("/health/live", headers={"X-Request-ID": sent})["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", given)


@pytest.fixture
def lines(caplog):
    """Log lines as they are in production, so far."""
    caplog.handler.setFormatter(JsonLines())
    caplog.set_level(logging.INFO)

    def so_far():
        return [json.loads(line) for line in caplog.text.splitlines()]

    return so_far


@pytest.mark.django_db
def test_a_request_is_one_line_without_address_agent_path_or_drawing(client, lines):
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


def test_a_bug_is_one_line_with_its_traceback_and_the_id(client, lines, monkeypatch):
    monkeypatch.setattr(drawings, "predict", lambda drawn: 1 / 0)
    client.raise_request_exception = False
    given = predict(client, {"strokes": SEVEN})["X-Request-ID"]
    (bug,) = [line for line in lines() if "exception" in line]
    assert "ZeroDivisionError" in bug["exception"]
    assert bug["request_id"] == given
    assert request_id.get() == ""


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PREDICT, f"{PREDICT}/batch", "/api/v1/drawings/"])
def test_answers_say_what_they_took(client, put, path):
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


def ask(site, path=PREDICT, body=BODY):
    """One request, on a connection of its own, so that any worker may get it."""
    with urlopen(Request(f"{site}{path}", body, {"Content-Type": "application/json"})) as response:
        return response.read().decode()


def children(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return [int(child) for child in done.stdout.split()]


def test_the_files_of_the_figures_are_there_before_anything_happened(tmp_path):
    """Later the disk may be full."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", "import recognizer.telemetry.metrics"], env=environment, check=True
    )
    kinds = {file.name.rsplit("_", 1)[0] for file in tmp_path.iterdir()}
    assert kinds == {"counter", "histogram", "gauge_livesum"}


def test_several_workers_are_added_up_and_dead_ones_are_not_forgotten(tmp_path):
    asked = {"method": "POST", "route": "/api/v1/predict"}
    with serve(tmp_path, WEB_CONCURRENCY="2") as site:
        for _ in range(30):
            ask(site)
        before = ask(site, METRICS, None)
        assert figure(before, "digits_requests_total", **asked, status="200") == 30
        (master,) = [pid for pid in children(os.getpid()) if len(children(pid)) == 2]
        for worker in children(master):
            os.kill(worker, signal.SIGKILL)
        time.sleep(2)
        for _ in range(5):
            ask(site)
        after = ask(site, METRICS, None)
        assert figure(after, "digits_requests_total", **asked, status="200") == 35
        assert figure(after, "digits_requests_in_progress") == 1
        serving = [value for (name, _), value in figures(after).items() if "model" in name]
        assert sum(serving) <= 2
