"""Staff sign in; who guesses is kept out, and the owner is not."""

import logging
import time

import pytest
from axes.models import AccessAttempt
from django.core.serializers import serialize
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

ADMIN = "/admin/login/"
RIGHT = "password"  # of admin_user
GUESSER, OWNER = "192.0.2.1", "198.51.100.7"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "admin_user")]


def sign_in(client, address, password=RIGHT, name="admin", forwarded="", **form):
    return client.post(
        ADMIN,
        {"username": name, "password": password, "next": "/admin/", **form},
        REMOTE_ADDR=address,
        headers={"X-Forwarded-For": forwarded, "User-Agent": "Curious/1.0"},
    )


@pytest.fixture
def guessed(client):
    """The answers to six bad logins from one address, each said to come from elsewhere."""
    return [sign_in(client, GUESSER, "guess", forwarded=f"203.0.113.{n}") for n in range(6)]


def test_who_guesses_is_blocked(client, guessed):
    assert [response.status_code for response in guessed] == [200] * 4 + [429] * 2
    assert int(guessed[-1]["Retry-After"]) == 900
    assert sign_in(client, GUESSER).status_code == 429
    assert client.get("/admin/").status_code == 302


def test_the_owner_gets_in_from_elsewhere(client, guessed):
    assert sign_in(client, OWNER).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_other_names_do_not_help_who_guesses(client):
    for number in range(5):
        sign_in(client, GUESSER, "guess", name=f"somebody{number}")
    assert sign_in(client, GUESSER).status_code == 429


def test_no_address_browser_or_name_is_stored(guessed):
    stored = serialize("json", AccessAttempt.objects.all())
    assert AccessAttempt.objects.get().failures_since_start == 5
    for word in (GUESSER, "203.0.113", "Curious", "guess", '"admin"', "text/html"):
        assert word not in stored


def test_no_address_browser_or_name_is_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    for _ in range(6):
        sign_in(client, GUESSER, "guess")
    assert "429" in caplog.text
    # The database's log has the name: the queries that look for it, which no server logs.
    lines = [line for line in caplog.records if not line.name.startswith("django.db")]
    for word in (GUESSER, "Curious", "guess", "admin'"):
        assert not [line for line in lines if word in line.getMessage()]


def test_the_page_can_still_be_used_by_who_was_blocked(client, guessed):
    assert client.get("/", REMOTE_ADDR=GUESSER).status_code == 200


@pytest.fixture
def device(admin_user):
    return TOTPDevice.objects.create(user=admin_user, name="phone")


def code(device):
    """What the phone shows now."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time()
    return f"{totp.token():06}"


def test_whoever_has_a_device_needs_its_code(client, device):
    response = sign_in(client, OWNER)
    assert response.status_code == 200
    assert "The code is missing or wrong" in response.content.decode()
    assert client.get("/admin/").status_code == 302


def test_the_code_lets_in_once(client, device):
    token = code(device)
    assert sign_in(client, OWNER, token=token).url == "/admin/"
    client.post("/admin/logout/")
    assert sign_in(client, OWNER, token=token).status_code == 200


def test_a_wrong_code_does_not(client, device):
    wrong = (int(code(device)) + 1) % 1_000_000
    assert sign_in(client, OWNER, token=f"{wrong:06}").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_the_code_is_of_no_use_without_the_password(client, device):
    assert sign_in(client, OWNER, "guess", token=code(device)).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_device_is_set_up_in_the_admin(admin_client, device):
    address = f"/admin/otp_totp/totpdevice/{device.pk}/"
    assert "<img" in admin_client.get(f"{address}config/").content.decode()
    picture = admin_client.get(f"{address}qrcode/")
    assert picture["Content-Type"] == "image/svg+xml"
    assert "unsafe" not in picture["Content-Security-Policy"]
