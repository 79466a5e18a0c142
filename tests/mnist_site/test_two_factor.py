"""Two-factor sign-in: setup by staff, backup codes, reset by a superuser."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

SET_UP = "/admin/two-factor/"
NOW = 1_000_000_000.0  # seconds since 1970, on the clock of the codes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time.time", lambda: NOW)


@pytest.fixture
def staff(django_user_model):
    """Staff without any permission."""
    return django_user_model.objects.create_user("ana", password="x", is_staff=True)


@pytest.fixture
def staff_client(staff):
    client = Client()
    client.force_login(staff)
    return client


def current_code():
    device = TOTPDevice.objects.get()
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = NOW
    return f"{totp.token():06}"


def backup_codes(response):
    return re.findall(r"<li><code>(\w+)</code>", response.content.decode())


def sign_in(token):
    form = {"username": "ana", "password": "x", "token": token, "next": "/admin/"}
    return Client().post("/admin/login/", form).status_code


@pytest.fixture
def enabled(staff_client):
    """Set up two-factor sign-in; return the response with the backup codes."""
    staff_client.post(SET_UP)
    return staff_client.post(SET_UP, {"code": current_code()})


def test_setup_shows_the_qr_code_and_the_key_of_a_new_device(staff_client, staff):
    assert "Set up two-factor sign-in" in staff_client.get(SET_UP).content.decode()
    assert not TOTPDevice.objects.exists()
    page = staff_client.post(SET_UP, follow=True).content.decode()
    assert "<svg" in page
    assert "style=" not in page.partition("<svg")[2].partition("</svg>")[0]
    device = TOTPDevice.objects.get(user=staff)
    assert not device.confirmed
    assert device.config_url.partition("secret=")[2].partition("&")[0] in page


def test_setup_is_in_force_after_the_first_code(staff_client, enabled):
    assert sign_in("") == 200
    codes = backup_codes(enabled)
    assert len(codes) == 8
    assert [sign_in(codes[0]) for _ in range(2)] == [302, 200]


def test_setup_that_is_not_confirmed_changes_no_sign_in(staff_client):
    staff_client.post(SET_UP)
    assert sign_in("") == 302


def test_setup_with_a_wrong_code_asks_again(staff_client):
    staff_client.post(SET_UP)
    wrong = f"{(int(current_code()) + 1) % 1_000_000:06}"
    page = staff_client.post(SET_UP, {"code": wrong}).content.decode()
    assert "The code is wrong" in page
    assert "<svg" in page
    assert not TOTPDevice.objects.get().confirmed


def test_setup_without_a_device_ignores_a_code(staff_client):
    assert staff_client.post(SET_UP, {"code": "123456"}).status_code == 200
    assert not TOTPDevice.objects.exists()


def test_backup_codes_are_shown_once(staff_client, enabled):
    for response in (staff_client.get(SET_UP), staff_client.post(SET_UP)):
        assert backup_codes(response) == []
        assert "Unused backup codes: 8" in response.content.decode()
    assert TOTPDevice.objects.get().confirmed


def test_setup_replaces_earlier_static_codes(staff_client, staff):
    StaticDevice.objects.create(user=staff).token_set.create(token="abcdefgh")
    staff_client.post(SET_UP)
    staff_client.post(SET_UP, {"code": current_code()})
    assert not StaticToken.objects.filter(token="abcdefgh").exists()


def test_reset_deletes_phone_and_codes_and_is_logged(admin_client, admin_user, staff, enabled):
    address = f"{SET_UP}{staff.pk}/reset/"
    user_page = admin_client.get(f"/admin/auth/user/{staff.pk}/change/").content.decode()
    assert f'href="{address}"' in user_page
    assert "backup codes of ana" in admin_client.get(address).content.decode()
    assert TOTPDevice.objects.exists()
    admin_client.post(address)
    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()
    assert sign_in("") == 302
    entry = LogEntry.objects.get(user=admin_user)
    assert (entry.object_repr, entry.get_change_message()) == ("ana", "Two-factor sign-in reset.")


def test_reset_requires_a_superuser(staff_client, staff, enabled):
    assert staff_client.post(f"{SET_UP}{staff.pk}/reset/").status_code == 403
    assert TOTPDevice.objects.exists()


@pytest.mark.parametrize("model", [TOTPDevice, StaticDevice])
def test_devices_are_added_and_changed_by_the_setup_only(admin_client, enabled, model):
    address = f"/admin/{model._meta.label_lower.replace('.', '/')}"
    assert admin_client.get(f"{address}/add/").status_code == 403
    page = admin_client.get(f"{address}/{model.objects.get().pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()


def test_no_page_shows_a_stored_key(admin_client, enabled):
    device = TOTPDevice.objects.get()
    address = f"/admin/otp_totp/totpdevice/{device.pk}"
    assert device.key not in admin_client.get(f"{address}/change/").content.decode()
    assert admin_client.get(f"{address}/qrcode/").status_code == 403
