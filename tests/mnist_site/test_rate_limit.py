"""Rate limit per address over all workers, and the client address behind proxies."""

from itertools import count
from multiprocessing import get_context

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from mnist_site.middleware import client_address
from mnist_site.rate_limit import RateLimiter, network
from tests.mnist_site.conftest import read_settings
from tests.polling import TIMEOUT
from tools.samples import SEVEN

PREDICT = "/api/v1/predict"


def accepted(limiter, address, limit, now, times):
    """Return how many of a number of requests at one time are accepted."""
    return sum(limiter.wait(address, limit, now) == 0 for _ in range(times))


@given(st.integers(1, 20_000))
def test_wait_after_the_limit_is_one_emission_interval(limit):
    limiter = RateLimiter()
    assert accepted(limiter, "192.0.2.1", limit, 1000.0, limit) == limit
    assert limiter.wait("192.0.2.1", limit, 1000.0) == pytest.approx(60 / limit, rel=1e-3)


def test_limit_after_a_burst_refills_evenly():
    limiter = RateLimiter()
    assert accepted(limiter, "192.0.2.1", 60, 1000.0, 100) == 60
    assert accepted(limiter, "192.0.2.1", 60, 1010.0, 100) == 10
    assert accepted(limiter, "192.0.2.1", 60, 2000.0, 100) == 60


def test_ipv6_addresses_of_one_64_network_share_a_limit():
    limiter = RateLimiter()
    assert accepted(limiter, "2001:db8:1:2::1", 5, 1000.0, 5) == 5
    assert limiter.wait("2001:db8:1:2:aaaa::9", 5, 1000.0) > 0
    assert limiter.wait("2001:db8:1:3::1", 5, 1000.0) == 0


def test_limit_is_shared_by_forked_processes():
    limiter = RateLimiter()
    for _ in range(4):
        arguments = (limiter, "192.0.2.1", 100, 1000.0, 20)
        child = get_context("fork").Process(target=accepted, args=arguments)
        child.start()
        child.join(TIMEOUT)
        assert child.exitcode == 0
    assert accepted(limiter, "192.0.2.1", 100, 1000.0, 50) == 20


def test_table_index_depends_on_a_random_key(monkeypatch):
    """Otherwise the index would reveal the address."""
    numbers = count()
    monkeypatch.setattr("secrets.token_bytes", lambda size: bytes([next(numbers)] * size))
    first, second = RateLimiter(), RateLimiter()
    for limiter in (first, second):
        limiter.wait("192.0.2.1", 60, 1000.0)
    assert first._arrival_times != second._arrival_times


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
def test_client_address_ignores_forged_entries(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="198.51.100.7"
    )
    assert client_address(request) == address


@pytest.mark.parametrize(("environment", "proxies"), [({}, 0), ({"DYNO": "web.1"}, 1)])
def test_trusted_proxies_default_is_one_on_heroku_and_none_elsewhere(environment, proxies):
    read = read_settings("TRUSTED_PROXIES", DATABASE_URL="sqlite://", **environment)
    assert read == [proxies]


@pytest.fixture
def five_per_minute(settings, monkeypatch):
    """A limit of five requests per minute, and a new limiter on a stopped clock."""
    settings.REQUESTS_PER_MINUTE = 5
    monkeypatch.setattr("mnist_site.middleware.rate_limiter", RateLimiter())
    monkeypatch.setattr("mnist_site.rate_limit.monotonic", lambda: 1000.0)


def test_requests_beyond_the_limit_get_429(client, settings, five_per_minute):
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
    assert response["Retry-After"] == "12"
    # Pages of allowed origins can read the header.
    assert response["Access-Control-Allow-Origin"] == "https://digits.example"
    assert response["Access-Control-Expose-Headers"] == "Retry-After"
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/v1/model", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_limit_of_zero_accepts_every_request(client, settings, five_per_minute):
    settings.REQUESTS_PER_MINUTE = 0
    assert {client.get("/api/v1/model").status_code for _ in range(10)} == {200}


def test_network_of_a_mapped_ipv4_address_equals_the_ipv4_address():
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("::ffff:192.0.2.9")


def test_probes_are_exempt_from_the_limit(client, five_per_minute):
    for _ in range(6):
        client.get("/v2")
    for probe in ("/health/live", "/v2/health/live"):
        assert client.get(probe).status_code == 200


def test_inference_url_beyond_the_limit_gets_429_in_its_own_format(client, five_per_minute):
    for _ in range(6):
        response = client.get("/v2")
    assert (response.status_code, set(response.json())) == (429, {"error"})
    assert response["Retry-After"] == "12"
