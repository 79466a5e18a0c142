"""Staff sign-in: lockout of guessers, second factor, privacy."""

import io
import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.core.serializers import serialize
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

SIGN_IN = "/admin/login/"
PASSWORD = "password"  # noqa: S105  of the fixture admin_user
NOW = 1_000_000_000.0  # seconds since 1970, on the clock of the codes
GUESSER, OWNER = "192.0.2.1", "198.51.100.7"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "admin_user")]


def sign_in(client, address, password=PASSWORD, name="admin", forwarded="", **form):
    return client.post(
        SIGN_IN,
        {"username": name, "password": password, "next": "/admin/", **form},
        REMOTE_ADDR=address,
        headers={"X-Forwarded-For": forwarded, "User-Agent": "Curious/1.0"},
    )


@pytest.fixture
def failed_sign_ins(client):
    """Responses to six wrong passwords from one address with forged X-Forwarded-For."""
    return [sign_in(client, GUESSER, "guess", forwarded=f"203.0.113.{n}") for n in range(6)]


def test_sign_in_after_five_failures_gets_429(client, failed_sign_ins):
    assert [response.status_code for response in failed_sign_ins] == [200] * 4 + [429] * 2
    assert int(failed_sign_ins[-1]["Retry-After"]) == 900
    assert sign_in(client, GUESSER).status_code == 429
    assert client.get("/admin/").status_code == 302


def test_sign_in_from_another_address_during_a_lockout_succeeds(client, failed_sign_ins):
    assert sign_in(client, OWNER).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_lockout_counts_failures_over_all_user_names(client):
    for number in range(5):
        sign_in(client, GUESSER, "guess", name=f"user{number}")
    assert sign_in(client, GUESSER).status_code == 429


def test_failure_stores_no_address_browser_or_name(failed_sign_ins):
    stored = serialize("json", AccessAttempt.objects.all())
    assert AccessAttempt.objects.get().failures_since_start == 5
    for word in (GUESSER, "203.0.113", "Curious", "guess", '"admin"', "text/html"):
        assert word not in stored


def test_failure_logs_no_address_browser_or_name(client, caplog):
    caplog.set_level(logging.DEBUG)
    for _ in range(6):
        sign_in(client, GUESSER, "guess")
    assert "429" in caplog.text
    # Servers do not log queries, which contain the name.
    lines = [line for line in caplog.records if not line.name.startswith("django.db")]
    for word in (GUESSER, "Curious", "guess", "admin'"):
        assert not [line for line in lines if word in line.getMessage()]


def test_page_during_a_lockout_is_available(client, failed_sign_ins):
    assert client.get("/", REMOTE_ADDR=GUESSER).status_code == 200


@pytest.fixture
def device(admin_user, monkeypatch):
    """A phone with a fixed key, on a stopped clock."""
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time.time", lambda: NOW)
    return TOTPDevice.objects.create(user=admin_user, name="phone", key="01" * 20)


def code(device):
    """Return the current code of a device."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = NOW
    return f"{totp.token():06}"


def test_sign_in_with_a_device_requires_its_code(client, device):
    response = sign_in(client, OWNER)
    assert response.status_code == 200
    assert "The code is missing or wrong" in response.content.decode()
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("separator", [" ", "\u00a0"])
def test_code_with_a_space_is_accepted(client, device, separator):
    token = code(device)
    assert sign_in(client, OWNER, token=f"{token[:3]}{separator}{token[3:]} ").url == "/admin/"


def test_wrong_code_with_a_space_does_not_throttle_the_backup_code(client, device, backup_code):
    sign_in(client, OWNER, token="000 000")
    assert StaticDevice.objects.get().throttling_failure_count == 0
    assert TOTPDevice.objects.get().throttling_failure_count == 1


def test_code_works_once(client, device):
    token = code(device)
    assert sign_in(client, OWNER, token=token).url == "/admin/"
    client.post("/admin/logout/")
    assert sign_in(client, OWNER, token=token).status_code == 200


def test_guessed_codes_cause_a_lockout(client, device):
    for _ in range(5):
        # Skip the device's own throttling.
        TOTPDevice.objects.update(throttling_failure_timestamp=None)
        response = sign_in(client, GUESSER, token="000000")
    assert response.status_code == 429
    assert sign_in(client, GUESSER, token=code(device)).status_code == 429


def test_missing_code_counts_as_no_failure(client, device):
    for _ in range(6):
        assert sign_in(client, OWNER).status_code == 200
    assert sign_in(client, OWNER, token=code(device)).url == "/admin/"


@pytest.fixture
def backup_code(admin_user):
    """A static code that works once, for a lost phone."""
    call_command("addstatictoken", "-t", "abcdefgh", admin_user.username, stdout=io.StringIO())
    return "abcdefgh"


def test_codes_of_the_phone_do_not_throttle_the_backup_code(client, device, backup_code):
    for _ in range(12):
        # Accept the same code again.
        TOTPDevice.objects.update(last_t=-1)
        assert sign_in(client, OWNER, token=code(device)).url == "/admin/"
        client.post("/admin/logout/")
    assert sign_in(client, OWNER, token=backup_code).url == "/admin/"


def test_missing_codes_do_not_throttle_the_backup_code(client, device, backup_code):
    for _ in range(8):
        sign_in(client, OWNER)
    assert not StaticDevice.objects.filter(throttling_failure_count__gt=0).exists()
    assert sign_in(client, OWNER, token=backup_code).url == "/admin/"


def test_guessed_backup_code_of_digits_is_throttled(client, device, admin_user):
    call_command("addstatictoken", "-t", "73450012", admin_user.username, stdout=io.StringIO())
    sign_in(client, GUESSER, token="73450011")
    assert StaticDevice.objects.get().throttling_failure_count == 1
    assert TOTPDevice.objects.get().throttling_failure_count == 0


def test_code_for_a_throttled_device_counts_as_no_failure(client, device):
    """A throttled device rejects even correct codes."""
    sign_in(client, GUESSER, token="000000")
    tomorrow = timezone.now() + timedelta(days=1)
    TOTPDevice.objects.update(throttling_failure_timestamp=tomorrow)
    statuses = [sign_in(client, OWNER, token=code(device)).status_code for _ in range(6)]
    assert statuses == [200] * 6


def test_codes_of_a_second_phone_do_not_throttle_the_first(client, device, admin_user):
    other = TOTPDevice.objects.create(user=admin_user, name="tablet")
    for _ in range(8):
        TOTPDevice.objects.update(last_t=-1)
        assert sign_in(client, OWNER, token=code(other)).url == "/admin/"
        TOTPDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)
        client.post("/admin/logout/")
    device.refresh_from_db()
    assert device.throttling_failure_count <= 1


@pytest.mark.database
def test_code_with_nul_is_rejected(client, device, backup_code):
    assert sign_in(client, OWNER, token="a\0b").status_code == 200


def test_used_backup_code_still_requires_a_code(client, backup_code, admin_user):
    assert sign_in(client, OWNER, token=backup_code).url == "/admin/"
    client.post("/admin/logout/")
    for token in ("", backup_code):
        assert sign_in(client, OWNER, token=token).status_code == 200
    call_command("addstatictoken", "-t", "ijklmnop", admin_user.username, stdout=io.StringIO())
    assert sign_in(client, OWNER, token="ijklmnop").url == "/admin/"


def test_spaced_wrong_codes_delay_the_owner_by_half_a_minute_at_most(client, device):
    """A guesser with the password could otherwise double the delay with each code."""
    for number in range(20):
        TOTPDevice.objects.update(throttling_failure_timestamp=None)
        sign_in(client, f"192.0.2.{number}", token="000000")
    response = sign_in(client, OWNER, token=code(device))
    assert "Try again in half a minute" in response.content.decode()
    later = timezone.now() - timedelta(seconds=32)
    TOTPDevice.objects.update(throttling_failure_timestamp=later)
    assert sign_in(client, OWNER, token=code(device)).url == "/admin/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_sign_in_with_a_rejected_target_leads_to_the_admin(client, target):
    response = client.post(
        f"{SIGN_IN}?next={target}", {"username": "admin", "password": PASSWORD, "next": target}
    )
    assert response.url == "/admin/"
