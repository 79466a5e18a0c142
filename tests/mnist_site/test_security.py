"""What a browser is told, what other sites can and cannot do, and what is never said to anybody."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from recognizer import drawings
from recognizer.models import Digit, Drawing
from tests.mnist_site.test_site import run_python
from tools.samples import SEVEN

ELSEWHERE = "https://elsewhere.example"
ID = "8f14e45f-ceea-467f-a0e6-0123456789ab"
ADDRESSES = [
    "/", "/health/live", "/health/ready", "/favicon.ico", f"/drawings/{ID}", "/admin/",
    "/admin/login/", "/admin/recognizer/digit/", "/api/docs", "/api/openapi.json",
    "/api/v1/predict", "/api/v1/model", "/api/mnist", f"/api/v1/drawings/{ID}", "/nowhere",
]  # fmt: skip
READABLE = ["/", "/admin/login/", "/api/docs", "/api/openapi.json", "/api/v1/model", "/nowhere"]
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def careful():
    """A client that checks CSRF, as a browser's requests are checked."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "BREW", "PATCH"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_odd_methods_are_refused_and_nothing_is_echoed(client, method, address):
    response = client.generic(method, address, headers={"X-Secret": "echo-me"})
    assert response.status_code == 405
    assert response["Allow"]
    assert b"echo-me" not in response.content


@pytest.mark.parametrize("address", READABLE)
def test_another_host_is_refused(client, static_files, address):
    response = client.get(address, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert b"evil" not in response.content
    if address.startswith("/api/"):
        assert response["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.parametrize("address", READABLE)
def test_the_headers_of_every_answer(client, static_files, address):
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    for directive in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in response


@pytest.mark.django_db
def test_pages_of_staff_have_the_same_policy(admin_client, static_files, put):
    put()
    for name in ("digit_changelist", "digit_review", "drawing_changelist"):
        page = admin_client.get(reverse(f"admin:recognizer_{name}"))
        assert page.status_code == 200
        assert "unsafe" not in page["Content-Security-Policy"]


def settings_of(**environment):
    """Security settings as a site of that environment has them."""
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
             "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_PATH", "SESSION_COOKIE_DOMAIN",
             "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY",
             "CSRF_COOKIE_SAMESITE", "CSRF_COOKIE_PATH", "CSRF_COOKIE_DOMAIN",
             "SECURE_HSTS_SECONDS", "SILENCED_SYSTEM_CHECKS")  # fmt: skip
    code = f"""
import json
from django.conf import settings
print(json.dumps({{name: getattr(settings, name) for name in {names}}}))
"""
    done = run_python(code, SECRET_KEY="x" * 60, **environment)
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
def test_cookies_of_a_site_that_others_reach(kind):
    chosen = settings_of(ALLOWED_HOSTS="digits.example")
    cookie = {name: chosen[f"{kind}_COOKIE_{name}"] for name in ("SECURE", "HTTPONLY", "SAMESITE")}
    assert cookie == {"SECURE": True, "HTTPONLY": True, "SAMESITE": "Lax"}
    assert chosen[f"{kind}_COOKIE_NAME"].startswith("__Host-")
    assert (chosen[f"{kind}_COOKIE_PATH"], chosen[f"{kind}_COOKIE_DOMAIN"]) == ("/", None)
    assert chosen["SECURE_HSTS_SECONDS"] >= 15_768_000
    assert chosen["SILENCED_SYSTEM_CHECKS"] == []


def test_a_laptop_needs_no_https_for_its_cookies():
    chosen = settings_of()
    assert (chosen["SESSION_COOKIE_NAME"], chosen["SESSION_COOKIE_SECURE"]) == ("sessionid", False)


def test_nothing_is_left_to_harden():
    code = """
import django
django.setup()
from django.core.management import call_command
call_command("check", "--deploy", "--fail-level", "WARNING")
"""
    key = "kfuh3q8w9ghaw9r8g7h2938hgaw9e8rgh9a8w7rgh98awrgh9a8rgha98wr7gh"
    done = run_python(code, SECRET_KEY=key, ALLOWED_HOSTS="digits.example")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.django_db
def test_the_page_and_the_api_set_no_cookie(client, static_files, put):
    for response in (client.get("/"), put(), client.get("/api/v1/model")):
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")


ACTIONS = [
    ("digit_changelist", [], {"action": "label_selected", "label": "4"}),
    ("digit_review", [], {}),
    ("modelversion_roll_back", [1], {}),
    ("modelversion_promote", [1], {}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "arguments", "form"), ACTIONS, ids=[name for name, *_ in ACTIONS])
def test_writes_that_carry_a_cookie_need_a_token(careful, admin_user, put, name, arguments, form):
    put()
    careful.force_login(admin_user)
    address = reverse(f"admin:recognizer_{name}", args=arguments)
    response = careful.post(address, form, headers={"Origin": ELSEWHERE})
    assert response.status_code == 403


@pytest.mark.django_db
def test_every_admin_address_that_writes_needs_a_token(careful, admin_user):
    careful.force_login(admin_user)
    for address in ("login/", "logout/", "password_change/", "auth/user/add/", "auth/group/add/"):
        assert careful.post(f"/admin/{address}").status_code == 403, address


@pytest.mark.django_db
def test_the_api_knows_no_cookie(careful, admin_user):
    """So another site can do no more with a visitor's browser than with a program of its own."""
    careful.force_login(admin_user)
    response = careful.put(
        f"/api/v1/drawings/{uuid4()}",
        {"strokes": SEVEN},
        content_type="application/json",
        headers={"Origin": ELSEWHERE},
    )
    assert response.status_code == 201
    assert "Access-Control-Allow-Origin" not in response
    assert Drawing.objects.get().source == "api"


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "https://digits.example.evil.example"])
@pytest.mark.parametrize("allowed", [[], ["https://digits.example"]])
def test_no_other_origin_is_let_in_and_none_with_credentials(client, settings, origin, allowed):
    settings.CORS_ALLOWED_ORIGINS = allowed
    for address in ("/api/v1/model", "/admin/login/", "/"):
        response = client.options(
            address, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}
        )
        assert "Access-Control-Allow-Origin" not in response
        assert "Access-Control-Allow-Credentials" not in response


def test_an_allowed_origin_still_brings_no_cookie(client, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://digits.example"]
    response = client.get("/api/v1/model", headers={"Origin": "https://digits.example"})
    assert response["Access-Control-Allow-Origin"] == "https://digits.example"
    assert "Access-Control-Allow-Credentials" not in response
    assert "origin" in response["Vary"]


@pytest.mark.parametrize("length", ["abc", "1e3", "-1", "²", "0x10"])
def test_a_length_that_is_no_number_is_refused(client, length):
    response = client.generic(
        "POST", "/api/v1/predict", b"{}", "application/json", CONTENT_LENGTH=length
    )
    assert response.status_code == 400


@pytest.mark.parametrize(
    "part",
    [
        b'name="a%d"\r\n\r\n1',
        b'name="a%d"; filename="b"\r\n\r\n1',
        b'name="a%d"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%%%',
    ],
)
@pytest.mark.parametrize("address", ["/api/v1/predict", "/api/mnist"])
def test_forms_of_thousands_of_parts_are_refused(client, address, part):
    parts = (b"--x\r\nContent-Disposition: form-data; " + part % i + b"\r\n" for i in range(2_000))
    body = b"".join(parts) + b"--x--\r\n"
    response = client.generic("POST", address, body, "multipart/form-data; boundary=x")
    assert 400 <= response.status_code < 500


@pytest.mark.django_db
@pytest.mark.parametrize("address", [*READABLE, "/api/v1/predict", f"/drawings/{ID}"])
def test_a_bug_says_nothing_of_itself(client, settings, monkeypatch, static_files, address):
    settings.SECRET_KEY = "the secret"  # noqa: S105
    monkeypatch.setattr("django.core.handlers.base.BaseHandler.resolve_request", lambda *a: 1 / 0)
    client.raise_request_exception = False
    response = client.get(address)
    assert response.status_code == 500
    for word in (b"Traceback", b"ZeroDivision", b"the secret", b"resolve_request", b"/django/"):
        assert word not in response.content


def test_no_secret_is_in_what_the_browser_gets(client, settings, static_files):
    settings.SECRET_KEY = "the secret"  # noqa: S105
    for address in ("/", "/api/openapi.json", "/api/v1/model"):
        assert b"the secret" not in client.get(address).content


@pytest.fixture
def attacked(put, admin_user):
    """A log in which every text that is stored is an attack on who reads it."""
    put()
    Drawing.objects.update(visitor_label=MARKUP, model=f"=cmd(){MARKUP}")
    Digit.objects.update(model=f"=cmd(){MARKUP}")
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    User.objects.filter(pk=admin_user.pk).update(username=f"@SUM(){MARKUP}", first_name=MARKUP)
    return Digit.objects.get()


@pytest.mark.django_db
def test_what_was_logged_cannot_attack_who_reads_it(admin_client, static_files, attacked):
    drawing = attacked.drawing_id
    addresses = [
        "/admin/", "/admin/recognizer/digit/", f"/drawings/{drawing}",
        "/admin/recognizer/digit/statistics/",
        f"/admin/recognizer/digit/{attacked.pk}/change/", "/admin/recognizer/drawing/",
        f"/admin/recognizer/digit/{attacked.pk}/history/", "/admin/recognizer/digit/review/",
        f"/admin/recognizer/drawing/{drawing}/change/", "/admin/auth/user/",
        f"/admin/recognizer/drawing/{drawing}/delete/",
    ]  # fmt: skip
    for address in addresses:
        page = admin_client.get(address)
        assert page.status_code == 200, address
        assert "<img src=x" not in page.content.decode(), address
