"""The door in front of Django: whom it lets in, and whom it sends away."""

import io
import json
from threading import Event, Thread
from time import sleep

import pytest
from django.db import connections

from mnist_site import load_shedding
from mnist_site.load_shedding import LoadShedder

LARGEST = 1_000


class Visit:
    """A request and what came of it."""

    def __init__(self, path="/", body=b"", length=None):
        self.environ = {"PATH_INFO": path, "wsgi.input": io.BytesIO(body)}
        self.environ["CONTENT_LENGTH"] = str(len(body) if length is None else length)

    def start(self, status, headers):
        self.status, self.headers = status, dict(headers)

    def at(self, application):
        self.body = b"".join(application(self.environ, self.start))
        return self


def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


class Busy:
    """An application that answers when it is told to."""

    def __init__(self):
        self.begun, self.go = [], Event()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != load_shedding.ALIVE:
            self.begun.append(environ)
            self.go.wait(30)
        return echo(environ, start_response)


@pytest.fixture
def busy():
    application = Busy()
    yield application
    application.go.set()


def visits(count, application):
    """So many at once; join them to have their answers."""
    some = [Visit(body=b"x") for _ in range(count)]
    threads = [Thread(target=visit.at, args=[application]) for visit in some]
    for thread in threads:
        thread.start()
    return some, threads


def wait_for(condition):
    while not condition():
        sleep(0.001)


def test_a_body_comes_in_whole():
    assert Visit(body=b"hello").at(LoadShedder(echo, LARGEST)).body == b"hello"


def test_a_body_is_let_go_with_its_answer():
    """Whoever still holds the request, held the body too, which nobody counted any more."""
    held = []

    def application(environ, start_response):
        held.append(environ["wsgi.input"])
        return echo(environ, start_response)

    assert Visit(body=b"ink").at(LoadShedder(application, LARGEST)).body == b"ink"
    assert held[0].closed


def test_a_body_that_is_too_large_is_read_to_its_end_and_thrown_away():
    visit = Visit(body=b"x" * 100_000)
    stream = visit.environ["wsgi.input"]
    assert visit.at(LoadShedder(echo, LARGEST)).body == b""
    assert stream.tell() == 100_000


def test_a_body_that_ends_early_is_told_so():
    visit = Visit(body=b"x", length=10).at(LoadShedder(echo, LARGEST))
    assert visit.status == "408 Request Timeout"


@pytest.mark.parametrize("length", ["", "abc", "-1"])
def test_a_body_without_a_length_is_left_to_django(length):
    visit = Visit(length=length)
    stream = visit.environ["wsgi.input"]
    visit.at(LoadShedder(echo, LARGEST))
    assert visit.environ["wsgi.input"] is stream


def test_a_crowd_is_sent_away_at_once(busy, monkeypatch):
    monkeypatch.setattr(load_shedding, "PATIENCE", 30)
    entrance = LoadShedder(busy, LARGEST, waiting=2)
    inside, threads = visits(load_shedding.AT_ONCE + 2, entrance)
    wait_for(lambda: len(entrance._queue) == 2)
    away = Visit().at(entrance)
    assert away.status == "503 Service Unavailable"
    assert away.headers["Retry-After"] == "1"
    assert json.loads(away.body)["status"] == 503
    busy.go.set()
    for thread in threads:
        thread.join()
    assert {visit.status for visit in inside} == {"200 OK"}
    assert Visit().at(entrance).status == "200 OK"


def test_it_tells_how_many_wait_and_whom_it_refuses(busy, monkeypatch):
    monkeypatch.setattr(load_shedding, "PATIENCE", 30)
    queued, refused = [], []
    entrance = LoadShedder(
        busy, LARGEST, waiting=2, queued=queued.append, refused=lambda: refused.append(1)
    )
    _, threads = visits(load_shedding.AT_ONCE + 2, entrance)
    wait_for(lambda: len(queued) == 2)
    Visit().at(entrance)
    busy.go.set()
    for thread in threads:
        thread.join()
    assert (queued, refused) == ([1, 1, -1, -1], [1])


def test_who_waited_too_long_is_sent_away_and_never_answered(busy, monkeypatch):
    monkeypatch.setattr(load_shedding, "PATIENCE", 0.01)
    entrance = LoadShedder(busy, LARGEST)
    inside, threads = visits(load_shedding.AT_ONCE, entrance)
    wait_for(lambda: len(busy.begun) == load_shedding.AT_ONCE)
    assert Visit().at(entrance).status == "503 Service Unavailable"
    busy.go.set()
    for thread in threads:
        thread.join()
    assert {visit.status for visit in inside} == {"200 OK"}
    assert len(busy.begun) == load_shedding.AT_ONCE


def test_who_comes_first_is_answered_first(busy, monkeypatch):
    monkeypatch.setattr(load_shedding, "PATIENCE", 30)
    monkeypatch.setattr(load_shedding, "AT_ONCE", 1)
    entrance = LoadShedder(busy, LARGEST)
    _, threads = visits(1, entrance)
    wait_for(lambda: busy.begun)
    order = [f"/{number}" for number in range(8)]
    for number, path in enumerate(order):
        thread = Thread(target=Visit(path).at, args=[entrance])
        thread.start()
        threads.append(thread)
        wait_for(lambda number=number: len(entrance._queue) > number)
    busy.go.set()
    for thread in threads:
        thread.join()
    assert [environ["PATH_INFO"] for environ in busy.begun[1:]] == order


def test_no_more_is_held_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(load_shedding, "HELD", 500)
    entrance = LoadShedder(echo, LARGEST)
    assert Visit(body=b"x" * 600).at(entrance).status == "503 Service Unavailable"
    assert Visit(body=b"x" * 500).at(entrance).status == "200 OK"
    assert entrance._held == 0


def test_the_process_is_alive_in_a_crowd(busy):
    entrance = LoadShedder(busy, LARGEST, waiting=0)
    _, threads = visits(load_shedding.AT_ONCE, entrance)
    wait_for(lambda: len(busy.begun) == load_shedding.AT_ONCE)
    assert Visit().at(entrance).status == "503 Service Unavailable"
    assert Visit("/health/live").at(entrance).status == "200 OK"
    busy.go.set()
    for thread in threads:
        thread.join()


class Connection:
    """As much of a database connection as the door touches."""

    alias, allow_thread_sharing = "default", False

    def inc_thread_sharing(self):
        self.allow_thread_sharing = True


def test_there_are_no_more_database_connections_than_places():
    used = []

    def application(environ, start_response):
        if not connections.all(initialized_only=True):
            connections["default"] = Connection()
        used.append(connections["default"])
        return echo(environ, start_response)

    entrance = LoadShedder(application, LARGEST)
    for _ in range(3):
        _, threads = visits(2 * load_shedding.AT_ONCE, entrance)
        for thread in threads:
            thread.join()
    assert len(used) == 6 * load_shedding.AT_ONCE
    assert len(set(used)) <= load_shedding.AT_ONCE
    assert all(connection.allow_thread_sharing for connection in used)


def test_a_thread_keeps_no_connection():
    left = []

    def application(environ, start_response):
        connections["default"] = Connection()
        raise RuntimeError

    def visit():
        with pytest.raises(RuntimeError):
            Visit().at(LoadShedder(application, LARGEST))
        left.extend(connections.all(initialized_only=True))

    thread = Thread(target=visit)
    thread.start()
    thread.join()
    assert left == []
