"""Staff sign in; who guesses is kept out, and the owner is not."""

import io
import logging
import time

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.core.serializers import serialize
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
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


def test_guessed_codes_close_the_sign_in_to_whoever_guesses(client, device):
    for _ in range(5):
        # Whoever waits until the device takes codes again.
        TOTPDevice.objects.update(throttling_failure_timestamp=None)
        answer = sign_in(client, GUESSER, token="000000")
    assert answer.status_code == 429
    assert sign_in(client, GUESSER, token=code(device)).status_code == 429


def test_a_code_that_is_asked_for_is_no_failure(client, device):
    for _ in range(6):
        assert sign_in(client, OWNER).status_code == 200
    assert sign_in(client, OWNER, token=code(device)).url == "/admin/"


@pytest.fixture
def spare(admin_user):
    """A code that works once, for a lost phone."""
    call_command("addstatictoken", "-t", "abcdefgh", admin_user.username, stdout=io.StringIO())
    return "abcdefgh"


def test_signing_in_with_the_phone_does_not_spoil_the_spare_code(client, device, spare):
    """Each device takes no code for longer and longer after such as are not its own."""
    for _ in range(12):
        # As if a minute had passed.
        TOTPDevice.objects.update(last_t=-1)
        assert sign_in(client, OWNER, token=code(device)).url == "/admin/"
        client.post("/admin/logout/")
    assert sign_in(client, OWNER, token=spare).url == "/admin/"


def test_a_code_that_is_forgotten_does_not_spoil_the_spare_code(client, device, spare):
    for _ in range(8):
        sign_in(client, OWNER)
    assert not StaticDevice.objects.filter(throttling_failure_count__gt=0).exists()
    assert sign_in(client, OWNER, token=spare).url == "/admin/"


def test_a_spare_code_of_digits_cannot_be_guessed(client, device, admin_user):
    call_command("addstatictoken", "-t", "73450012", admin_user.username, stdout=io.StringIO())
    sign_in(client, GUESSER, token="73450011")
    assert StaticDevice.objects.get().throttling_failure_count == 1
    assert TOTPDevice.objects.get().throttling_failure_count == 0


def test_the_owners_codes_do_not_count_while_somebody_guesses(client, device):
    """A device that was guessed at takes no code for a while, not even a right one."""
    sign_in(client, GUESSER, token="000000")
    answers = [sign_in(client, OWNER, token=code(device)).status_code for _ in range(6)]
    assert 429 not in answers


def test_a_second_phone_is_not_spoilt_by_the_first(client, device, admin_user):
    other = TOTPDevice.objects.create(user=admin_user, name="tablet")
    for _ in range(8):
        TOTPDevice.objects.update(last_t=-1)
        assert sign_in(client, OWNER, token=code(other)).status_code in (200, 302)
        TOTPDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)
        client.post("/admin/logout/")
    device.refresh_from_db()
    assert device.throttling_failure_count <= 1


def test_a_code_with_nul_is_wrong(client, device, spare):
    assert sign_in(client, OWNER, token="a\0b").status_code == 200


def test_whoever_has_lost_the_phone_and_used_the_code_is_not_locked_out(client, device, spare):
    assert sign_in(client, OWNER, token=spare).url == "/admin/"
    device.delete()
    client.post("/admin/logout/")
    assert sign_in(client, OWNER).url == "/admin/"


def test_the_code_is_of_no_use_without_the_password(client, device):
    assert sign_in(client, OWNER, "guess", token=code(device)).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_device_is_set_up_in_the_admin(admin_client, device):
    address = f"/admin/otp_totp/totpdevice/{device.pk}/"
    assert "<img" in admin_client.get(f"{address}config/").content.decode()
    picture = admin_client.get(f"{address}qrcode/")
    assert picture["Content-Type"] == "image/svg+xml"
    assert "unsafe" not in picture["Content-Security-Policy"]
