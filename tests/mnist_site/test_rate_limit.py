"""Requests are limited by address, over all workers, and nobody can talk himself round it."""

import os

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from mnist_site.middleware import client_address
from mnist_site.rate_limit import RateLimiter, network
from tests.mnist_site.test_site import start
from tools.samples import SEVEN

PREDICT = "/api/v1/predict"


def accepted(limiter, address, limit, now, times):
    return sum(limiter.wait(address, limit, now) == 0 for _ in range(times))


@given(st.integers(1, 20_000))
def test_the_request_after_the_limit_waits(limit):
    limiter = RateLimiter()
    assert accepted(limiter, "192.0.2.1", limit, 1000.0, limit) == limit
    assert limiter.wait("192.0.2.1", limit, 1000.0) == pytest.approx(60 / limit, rel=1e-3)


def test_what_was_used_comes_back_evenly():
    limiter = RateLimiter()
    assert accepted(limiter, "192.0.2.1", 60, 1000.0, 100) == 60
    assert accepted(limiter, "192.0.2.1", 60, 1010.0, 100) == 10
    assert accepted(limiter, "192.0.2.1", 60, 2000.0, 100) == 60


def test_one_address_does_not_use_up_anothers():
    limiter = RateLimiter()
    assert accepted(limiter, "192.0.2.1", 5, 1000.0, 10) == 5
    assert accepted(limiter, "192.0.2.2", 5, 1000.0, 10) == 5


def test_all_addresses_of_one_ipv6_network_are_one():
    limiter = RateLimiter()
    assert accepted(limiter, "2001:db8:1:2::1", 5, 1000.0, 5) == 5
    assert limiter.wait("2001:db8:1:2:aaaa::9", 5, 1000.0) > 0
    assert limiter.wait("2001:db8:1:3::1", 5, 1000.0) == 0


def test_processes_count_together():
    limiter = RateLimiter()
    for _ in range(4):
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(accepted(limiter, "192.0.2.1", 100, 1000.0, 20))
    assert accepted(limiter, "192.0.2.1", 100, 1000.0, 50) == 20


def test_no_address_is_in_the_table():
    limiter, other = RateLimiter(), RateLimiter()
    assert limiter._place("192.0.2.1") != other._place("192.0.2.1")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "198.51.100.7"),
        (0, "192.0.2.1", "198.51.100.7"),
        (1, "", "198.51.100.7"),
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "10.0.0.1, anything, 192.0.2.1", "192.0.2.1"),
        (2, "10.0.0.1,192.0.2.1,203.0.113.5", "192.0.2.1"),
        (2, "192.0.2.1", "198.51.100.7"),
        (1, "192.0.2.1, ", "198.51.100.7"),
    ],
)
def test_only_what_a_trusted_proxy_appended_is_believed(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="198.51.100.7"
    )
    assert client_address(request) == address


@pytest.mark.parametrize(("environment", "proxies"), [({}, "0"), ({"DYNO": "web.1"}, "1")])
def test_heroku_has_one_proxy_and_a_laptop_none(environment, proxies):
    code = "from django.conf import settings; print(settings.TRUSTED_PROXIES)"
    database = {"SECRET_KEY": "x", "DATABASE_URL": "sqlite://"}
    assert start(code, **database, **environment).stdout.strip() == proxies


@pytest.fixture
def five_a_minute(settings, monkeypatch):
    """A site that takes five requests a minute."""
    settings.REQUESTS_PER_MINUTE = 5
    limiter = RateLimiter()
    monkeypatch.setattr("mnist_site.middleware.rate_limiter", limiter)


def test_too_many_requests_are_answered_429(client, settings, five_a_minute):
    settings.CORS_ALLOWED_ORIGINS = ["https://digits.example"]
    for number in range(10):
        response = client.post(
            PREDICT,
            {"strokes": SEVEN},
            content_type="application/json",
            headers={"X-Forwarded-For": f"192.0.2.{number}", "Origin": "https://digits.example"},
        )
        assert response.status_code == (200 if number < 5 else 429)
    assert response["Content-Type"] == "application/problem+json"
    assert 0 < int(response["Retry-After"]) <= 12
    # Scripts of a page elsewhere may read it too.
    assert response["Access-Control-Allow-Origin"] == "https://digits.example"
    assert response["Access-Control-Expose-Headers"] == "Retry-After"
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/v1/model", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_there_may_be_no_limit(client, settings, five_a_minute):
    settings.REQUESTS_PER_MINUTE = 0
    assert {client.get("/api/v1/model").status_code for _ in range(10)} == {200}


def test_an_ipv4_address_is_one_client_however_it_is_written():
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("::ffff:192.0.2.9")


@pytest.mark.django_db
def test_probes_are_not_counted_and_each_protocol_hears_of_it_in_its_own_way(client, settings):
    settings.REQUESTS_PER_MINUTE = 1
    address = {"REMOTE_ADDR": "192.0.2.77"}
    client.get("/v2", **address)
    for probe in ("/health/live", "/v2/health/live"):
        assert client.get(probe, **address).status_code == 200
    refused = client.get("/v2", **address)
    assert (refused.status_code, set(refused.json())) == (429, {"error"})
    assert int(refused["Retry-After"]) > 0
