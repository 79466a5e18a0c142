"""The permission matrix of docs/security.md: each staff page with the permission it requires."""

import pytest
from django.contrib.auth.models import Permission

from recognizer.models import Digit, ModelVersion

DIGITS, DRAWINGS = "/admin/recognizer/digit/", "/admin/recognizer/drawing/"
MODELS = "/admin/recognizer/modelversion/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]

# Pages of Django's admin; test_admin_requests.py requests the others.
MATRIX = [
    ("view_digit", "get", DIGITS),
    ("view_digit", "get", f"{DIGITS}{{digit}}/change/"),
    ("change_digit", "post", f"{DIGITS}{{digit}}/change/"),
    ("delete_drawing", "get", DRAWINGS),
    ("delete_drawing", "get", f"{DRAWINGS}{{drawing}}/change/"),
    ("delete_drawing", "post", f"{DRAWINGS}{{drawing}}/delete/"),
    ("view_modelversion", "get", MODELS),
    ("view_modelversion", "get", f"{MODELS}{{model}}/change/"),
    ("delete_modelversion", "post", f"{MODELS}{{model}}/delete/"),
    ("view_user", "get", "/admin/auth/user/"),
    ("view_totpdevice", "get", "/admin/otp_totp/totpdevice/"),
]


@pytest.mark.parametrize(("codename", "method", "path"), MATRIX)
def test_page_requires_its_permission(
    client, django_user_model, saved_drawing, candidate, codename, method, path
):
    path = path.format(digit=Digit.objects.get().pk, drawing=saved_drawing.pk, model=candidate.pk)
    user = django_user_model.objects.create_user("bo", is_staff=True)
    client.force_login(user)
    form = {"label": "2", "post": "yes"} if method == "post" else {}
    assert getattr(client, method)(path, form).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename=codename))
    assert getattr(client, method)(path, form).status_code in (200, 302)


# A page, the permissions to view it, and a part that needs one more permission.
OFFERS = [
    ("/admin/", [], "view_digit", f'href="{DIGITS}statistics/"'),
    ("/admin/", [], "change_digit", f'href="{DIGITS}review/"'),
    ("/admin/", [], "delete_drawing", f'href="{DRAWINGS}"'),
    ("/admin/", [], "view_modelversion", f'href="{MODELS}"'),
    ("/admin/", [], "view_user", 'href="/admin/auth/user/"'),
    ("/admin/", [], "view_totpdevice", 'href="/admin/otp_totp/totpdevice/"'),
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
    client, django_user_model, saved_drawing, candidate, second_candidate,
    path, permissions, codename, offer,
):  # fmt: skip
    ModelVersion.objects.filter(pk=second_candidate.pk).update(status="serving")
    names = {
        "digit": Digit.objects.get().pk,
        "drawing": saved_drawing.pk,
        "model": candidate.pk,
        "serving": second_candidate.pk,
    }
    path, offer = path.format(**names), offer.format(**names)
    user = django_user_model.objects.create_user("bo", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    assert offer not in client.get(path).content.decode()
    user.user_permissions.add(Permission.objects.get(codename=codename))
    assert offer in client.get(path).content.decode()


def test_exports_are_offered_with_the_permission_to_view_digits(
    client, django_user_model, saved_drawing
):
    user = django_user_model.objects.create_user("bo", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_digit"))
    client.force_login(user)
    page = client.get(DIGITS).content.decode()
    assert ('value="export_csv"' in page, 'value="label_' in page) == (True, False)


def test_reset_of_two_factor_sign_in_is_offered_to_superusers_only(
    client, admin_client, django_user_model
):
    user = django_user_model.objects.create_user("bo", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__endswith="_user"))
    client.force_login(user)
    address, reset = f"/admin/auth/user/{user.pk}/change/", f"/admin/two-factor/{user.pk}/reset/"
    assert reset not in client.get(address).content.decode()
    assert reset in admin_client.get(address).content.decode()


def test_start_page_and_two_factor_setup_need_no_permission(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("bo", is_staff=True))
    page = client.get("/admin/").content.decode()
    assert 'href="/admin/two-factor/"' in page
    assert client.get("/admin/two-factor/").status_code == 200


@pytest.mark.parametrize("path", ["/admin/", DIGITS, "/admin/two-factor/"])
def test_page_requires_staff(client, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("visitor"))
    assert client.get(path).headers["Location"].startswith("/admin/login/")


def test_header_offers_only_permitted_pages(client, django_user_model):
    user = django_user_model.objects.create_user("bo", is_staff=True)
    client.force_login(user)
    header = client.get("/admin/").content.decode().partition('id="pages"')[2]
    assert "href" not in header.partition("</nav>")[0]
    user.user_permissions.add(Permission.objects.get(codename="view_digit"))
    header = client.get("/admin/").content.decode().partition('id="pages"')[2]
    links = header.partition("</nav>")[0]
    assert (f'href="{DIGITS}"' in links, "review" in links, DRAWINGS in links) == (
        True,
        False,
        False,
    )
