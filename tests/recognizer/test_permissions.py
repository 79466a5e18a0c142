"""The permission matrix of docs/security.md: each staff page with the permission it requires."""

import pytest
from django.contrib.auth.models import Permission

from recognizer.models import Digit

DIGITS, DRAWINGS = "/admin/recognizer/digit/", "/admin/recognizer/drawing/"
MODELS = "/admin/recognizer/modelversion/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]

MATRIX = [
    ("view_digit", "get", DIGITS),
    ("view_digit", "get", f"{DIGITS}{{digit}}/change/"),
    ("view_digit", "get", f"{DIGITS}statistics/"),
    ("view_digit", "get", f"{DIGITS}statistics/?format=csv"),
    ("change_digit", "get", f"{DIGITS}review/"),
    ("change_digit", "post", f"{DIGITS}{{digit}}/change/"),
    ("delete_drawing", "get", DRAWINGS),
    ("delete_drawing", "get", f"{DRAWINGS}{{drawing}}/change/"),
    ("delete_drawing", "post", f"{DRAWINGS}{{drawing}}/delete/"),
    ("view_modelversion", "get", MODELS),
    ("view_modelversion", "get", f"{MODELS}{{model}}/change/"),
    ("view_modelversion", "get", f"{MODELS}{{model}}/download/"),
    ("view_modelversion", "get", f"{MODELS}{{model}}/try/"),
    ("delete_modelversion", "post", f"{MODELS}{{model}}/delete/"),
    ("promote_modelversion", "post", f"{MODELS}{{model}}/promote/"),
    ("promote_modelversion", "post", f"{MODELS}{{model}}/rollback/"),
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
