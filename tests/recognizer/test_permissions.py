"""The permission matrix of docs/security.md: each staff page with the permission it requires."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User

from recognizer.models import Digit, ModelVersion

DIGITS, DRAWINGS = "/admin/recognizer/digit/", "/admin/recognizer/drawing/"
MODELS = "/admin/recognizer/modelversion/"
BACKUP_CODES = "/admin/otp_static/staticdevice/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]

# Pages of Django's admin; test_admin_requests.py requests the others.
MATRIX = [
    ("view_digit", "get", DIGITS),
    ("view_digit", "get", f"{DIGITS}{{digit}}/change/"),
    ("change_digit", "get", DIGITS),
    ("change_digit", "get", f"{DIGITS}statistics/"),
    ("change_digit", "post", f"{DIGITS}{{digit}}/change/"),
    ("delete_drawing", "get", DRAWINGS),
    ("delete_drawing", "get", f"{DRAWINGS}{{drawing}}/change/"),
    ("delete_drawing", "post", f"{DRAWINGS}{{drawing}}/delete/"),
    ("view_modelversion", "get", MODELS),
    ("view_modelversion", "get", f"{MODELS}{{model}}/change/"),
    ("delete_modelversion", "post", f"{MODELS}{{model}}/delete/"),
    ("view_user", "get", "/admin/auth/user/"),
    ("view_group", "get", "/admin/auth/group/"),
    ("view_totpdevice", "get", "/admin/otp_totp/totpdevice/"),
    ("view_staticdevice", "get", BACKUP_CODES),
    ("view_accessattempt", "get", "/admin/axes/accessattempt/"),
]


@pytest.mark.parametrize(("codename", "method", "path"), MATRIX)
def test_page_requires_its_permission(sign_in, saved_drawing, candidate, codename, method, path):
    path = path.format(digit=Digit.objects.get().pk, drawing=saved_drawing.pk, model=candidate.pk)
    form = {"label": "2", "post": "yes"} if method == "post" else {}
    assert getattr(sign_in(), method)(path, form).status_code == 403
    assert getattr(sign_in(codename), method)(path, form).status_code in (200, 302)


# A page, the permissions to view it, and a part that needs one more permission.
OFFERS = [
    ("/admin/", [], "view_digit", f'href="{DIGITS}statistics/"'),
    ("/admin/", [], "change_digit", f'href="{DIGITS}review/"'),
    ("/admin/", [], "delete_drawing", f'href="{DRAWINGS}"'),
    ("/admin/", [], "view_modelversion", f'href="{MODELS}"'),
    ("/admin/", [], "view_user", 'href="/admin/auth/user/"'),
    ("/admin/", [], "view_totpdevice", 'href="/admin/otp_totp/totpdevice/"'),
    (DIGITS, [], "view_digit", 'value="export_csv"'),
    (DIGITS, ["view_digit"], "change_digit", f'href="{DIGITS}review/"'),
    (DIGITS, ["view_digit"], "change_digit", 'value="label_7"'),
    (f"{DIGITS}{{digit}}/change/", ["view_digit"], "change_digit", 'type="radio"'),
    (f"{DIGITS}{{digit}}/change/", ["view_digit"], "change_digit", 'name="_save"'),
    (f"{DIGITS}{{digit}}/change/", ["view_digit"], "delete_drawing", "{drawing}"),
    (f"{DIGITS}statistics/", ["view_digit"], "change_digit", f'href="{DIGITS}review/"'),
    (f"{MODELS}{{model}}/change/", ["view_modelversion"], "promote_modelversion", "/promotion/"),
    (f"{MODELS}{{serving}}/change/", ["view_modelversion"], "promote_modelversion", "Roll back"),
    (f"{MODELS}{{model}}/change/", ["view_modelversion"], "delete_modelversion", "/delete/"),
]


@pytest.mark.parametrize(("path", "permissions", "codename", "offer"), OFFERS)
def test_action_is_offered_only_with_its_permission(
    sign_in, saved_drawing, candidate, second_candidate, path, permissions, codename, offer
):  # fmt: skip
    ModelVersion.objects.filter(pk=second_candidate.pk).update(status="serving")
    names = {
        "digit": Digit.objects.get().pk,
        "drawing": saved_drawing.pk,
        "model": candidate.pk,
        "serving": second_candidate.pk,
    }
    path, offer = path.format(**names), offer.format(**names)
    assert offer not in sign_in(*permissions).get(path).content.decode()
    assert offer in sign_in(*permissions, codename).get(path).content.decode()


@pytest.mark.parametrize("devices", ["totpdevice_set", "staticdevice_set"])
def test_reset_of_two_factor_sign_in_is_offered_to_superusers_only(
    sign_in, admin_client, django_user_model, devices
):
    client = sign_in("add_user", "change_user", "delete_user", "view_user")
    user = django_user_model.objects.get(username="bo")
    address, reset = f"/admin/auth/user/{user.pk}/change/", f"/admin/two-factor/{user.pk}/reset/"
    assert reset not in admin_client.get(address).content.decode()
    getattr(user, devices).create(name="device")
    assert reset not in client.get(address).content.decode()
    assert reset in admin_client.get(address).content.decode()


def test_user_form_offers_the_permissions_that_pages_check(admin_client, admin_user):
    page = admin_client.get(f"/admin/auth/user/{admin_user.pk}/change/").content.decode()
    offered = set(re.findall(r"Digit recognizer \| [\w ]+ \| Can ([\w ]+)", page))
    assert offered == {
        "view digit", "change digit", "delete drawing", "view model", "delete model",
        "promote and roll back models",
    }  # fmt: skip
    codenames = [codename for codename, *_ in MATRIX] + [codename for *_, codename, _ in OFFERS]
    checked = Permission.objects.filter(codename__in=codenames)
    assert [permission for permission in checked if str(permission) not in page] == []
    assert "content type" not in page


@pytest.mark.parametrize(
    ("model", "name", "field"),
    [(User, "username", "user_permissions"), (Group, "name", "permissions")],
)
def test_form_keeps_held_permissions_that_no_page_checks(admin_client, model, name, field):
    owner, held = model.objects.create(**{name: "bo"}), ["change_digit", "view_logentry"]
    permissions = Permission.objects.filter(codename__in=held)
    getattr(owner, field).set(permissions)
    address = f"/admin/auth/{model._meta.model_name}/{owner.pk}/change/"
    page = admin_client.get(address).content.decode()
    checked = re.findall(rf'name="{field}" value="(\d+)"[^>]* checked', page)
    assert admin_client.post(address, {name: "ana", field: checked}).status_code == 302
    owner.refresh_from_db()
    assert getattr(owner, name) == "ana"
    assert set(getattr(owner, field).all()) == set(permissions)


def test_start_page_and_two_factor_setup_need_no_permission(sign_in):
    client = sign_in()
    page = client.get("/admin/").content.decode()
    assert 'href="/admin/two-factor/"' in page
    assert client.get("/admin/two-factor/").status_code == 200


@pytest.mark.parametrize("path", ["/admin/", DIGITS, "/admin/two-factor/"])
def test_page_requires_staff(client, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("visitor"))
    assert client.get(path).headers["Location"].startswith("/admin/login/")


def test_header_offers_only_permitted_pages(sign_in):
    def links(client):
        header = client.get("/admin/").content.decode().partition('id="pages"')[2]
        return re.findall('href="([^"]+)"', header.partition("</nav>")[0])

    assert links(sign_in()) == []
    assert DIGITS in links(sign_in("view_digit"))
    assert not {DRAWINGS, f"{DIGITS}review/"} & set(links(sign_in("view_digit")))
