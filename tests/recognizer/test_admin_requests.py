"""All URLs of the admin: methods, permissions, and malformed requests."""

import json

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.serializers import serialize
from django.urls import URLPattern, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from recognizer.models import Digit, Drawing, ModelVersion, RepeatReview

READ, WRITE = {"GET", "HEAD"}, {"POST"}
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST")
# Name, allowed methods and permission of every URL that Django's admin does not define.
CUSTOM = [
    ("recognizer_digit_statistics", READ, "view_digit"),
    ("recognizer_digit_review", READ, "change_digit"),
    ("recognizer_digit_review_next", WRITE, "change_digit"),
    ("recognizer_digit_review_label", WRITE, "change_digit"),
    ("recognizer_digit_review_labels", WRITE, "change_digit"),
    ("recognizer_modelversion_promote", WRITE, "promote_modelversion"),
    ("recognizer_modelversion_roll_back", WRITE, "promote_modelversion"),
    ("recognizer_modelversion_promotion", READ, "promote_modelversion"),
    ("recognizer_modelversion_download", READ, "view_modelversion"),
    ("recognizer_modelversion_try", READ | WRITE, "view_modelversion"),
]
# POST changes nothing: the fixture's model does not serve.
UNCHANGING = {"recognizer_modelversion_roll_back", "recognizer_modelversion_try"}
# URLs of Django and django-otp, and of two-factor setup, which test_two_factor.py covers.
EXCLUDED = {
    "auth_user_password_change", "otp_totp_totpdevice_config", "otp_totp_totpdevice_qrcode",
    "two_factor", "two_factor_reset",
}  # fmt: skip
TABLES = (Digit, Drawing, ModelVersion, RepeatReview, LogEntry, TOTPDevice)
IMPOSSIBLE_KEYS = ("x", "", "a\0b", "9" * 25, "1.5")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def staff(saved_drawing, candidate, django_user_model):
    """Staff without permissions but with a device, beside a digit and a model."""
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    TOTPDevice.objects.create(user=user, name="phone")
    return user


def request_to(name):
    """Return address, JSON body and media type of a request that changes something, if any does."""
    digit = Digit.objects.get().pk
    label = {"digit": digit, "label": "3"}
    body = {
        "recognizer_digit_review_next": {"order": "oldest", "after": None, "count": 1},
        "recognizer_digit_review_label": label,
        "recognizer_digit_review_labels": {"labels": [label]},
    }.get(name, {})
    keys = {"modelversion": ModelVersion, "totpdevice": TOTPDevice}
    models = [model for part, model in keys.items() if part in name]
    address = reverse(f"admin:{name}", args=[model.objects.get().pk for model in models])
    return address, json.dumps(body), "application/json"


def state():
    return [serialize("json", table.objects.order_by("pk")) for table in TABLES]


def names(urls):
    return {url.name for url in urls if isinstance(url, URLPattern)}


def test_table_lists_every_custom_url():
    custom = names(admin.site.get_urls()) - names(admin.AdminSite.get_urls(admin.site))
    for model, model_admin in admin.site._registry.items():
        custom |= names(model_admin.get_urls())
        custom -= names(admin.ModelAdmin(model, admin.site).get_urls())
    assert custom == {name for name, *_ in CUSTOM} | EXCLUDED


@pytest.mark.parametrize(("name", "allowed", "permission"), CUSTOM)
def test_custom_url_changes_state_only_by_post_with_its_permission(
    client, staff, name, allowed, permission
):
    request, before = request_to(name), state()
    for method in METHODS:
        assert client.generic(method, *request).status_code == 302
    client.force_login(staff)
    for method in METHODS:
        expected = 403 if method in allowed else 405
        assert client.generic(method, *request).status_code == expected
    staff.user_permissions.set(Permission.objects.filter(codename=permission))
    for method in set(METHODS) - WRITE:
        expected = 200 if method in allowed else 405
        assert client.generic(method, *request).status_code == expected
    assert state() == before
    response = client.generic("POST", *request)
    assert (response.status_code == 405) == ("POST" not in allowed)
    assert (state() == before) == (allowed == READ or name in UNCHANGING)


@pytest.mark.database
@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("recognizer_digit", "export_idx"),
        ("recognizer_digit", "label_4"),
        ("recognizer_drawing", "delete_selected"),
        ("auth_user", "delete_selected"),
        ("auth_group", "delete_selected"),
        ("otp_totp_totpdevice", "delete_selected"),
    ],
)
def test_selection_of_an_impossible_key_gets_400(admin_client, staff, name, action):
    Group.objects.create(name="reviewers")
    before = state()
    for key in IMPOSSIBLE_KEYS:
        form = {"action": action, "_selected_action": [key]}
        response = admin_client.post(reverse(f"admin:{name}_changelist"), form)
        assert response.status_code == 400, key
    assert state() == before


@pytest.mark.database
@pytest.mark.parametrize(
    "address",
    [
        "recognizer/digit/?q=%00",
        "recognizer/digit/?model=%00",
        "recognizer/digit/review/?label__exact=%00",
        "recognizer/drawing/?q=%00",
        "auth/user/?q=a%00b",
        "auth/group/?name=%00",
        "autocomplete/?term=%00&app_label=recognizer&model_name=digit&field_name=labeled_by",
    ],
)
def test_query_with_nul_gets_400(admin_client, address):
    """PostgreSQL cannot compare text with NUL."""
    assert admin_client.get(f"/admin/{address}").status_code == 400


@pytest.mark.parametrize("address", ["r/1/1/", "r/recognizer/x/", "r/x/x/"])
def test_view_on_site_gets_404(admin_client, address):
    assert admin_client.get(f"/admin/{address}").status_code == 404
