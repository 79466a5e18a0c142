"""Response headers, CSRF, CORS, cookies, hostile requests, and leaks of secrets."""

import re
from contextlib import closing
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.middleware import SessionMiddleware
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from recognizer import drawings
from recognizer.models import OTHER_COUNT, Digit, Drawing, Source
from tests.conftest import run_python
from tests.mnist_site.conftest import read_settings
from tools.samples import ROOT, SEVEN

OTHER_ORIGIN = "https://other.example"
ID = "8f14e45f-ceea-467f-a0e6-0123456789ab"
URLS = [
    "/", "/health/live", "/health/ready", "/favicon.ico", f"/drawings/{ID}", "/admin/",
    "/admin/login/", "/admin/recognizer/digit/", "/api/docs", "/api/openapi.json",
    "/api/v1/predict", "/api/v1/model", "/api/mnist", f"/api/v1/drawings/{ID}", "/nowhere",
]  # fmt: skip
READABLE_URLS = [
    "/",
    "/admin/login/",
    "/api/docs",
    "/api/openapi.json",
    "/api/v1/model",
    "/nowhere",
]
# Without the hash that deployments add to its name.
STATIC_FILE = "/static/icon.svg"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def csrf_client():
    """A client with CSRF checks."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "BREW"])
@pytest.mark.parametrize("url", URLS)
def test_unknown_method_gets_405_without_an_echo(client, method, url):
    response = client.generic(method, url, headers={"X-Secret": "echo-me"})
    assert response.status_code == 405
    assert response["Allow"]
    assert b"echo-me" not in response.content


@pytest.mark.parametrize("url", READABLE_URLS)
def test_unknown_host_gets_400(client, static_files, url):
    response = client.get(url, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert b"evil" not in response.content
    assert b"ALLOWED_HOSTS" in response.content


WRONG_HOST = {"Host": "evil.example"}
PREFLIGHT = {"Origin": OTHER_ORIGIN, "Access-Control-Request-Method": "PUT"}
RESPONSES = [
    *(("GET", url, {}, None) for url in READABLE_URLS),
    ("GET", "/admin", {}, 301),
    ("GET", "/health/live", {}, 200),
    ("GET", "/", WRONG_HOST, 400),
    ("GET", "/api/v1/model", WRONG_HOST, 400),
    ("TRACE", "/", {}, 405),
    ("OPTIONS", "/api/v1/model", PREFLIGHT, 200),
    ("POST", "/api/v1/predict", {"Content-Encoding": "gzip"}, 415),
    ("GET", "/static/missing.js", {}, 404),
    ("TRACE", STATIC_FILE, {}, 405),
]


def check_policy(response):
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    for directive in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "*" not in policy


def check_other_security_headers(response):
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in response


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "url", "headers", "status"), RESPONSES)
def test_response_has_all_security_headers(client, static_files, method, url, headers, status):
    url = static(url.removeprefix("/static/")) if url == STATIC_FILE else url
    with closing(client.generic(method, url, headers=headers)) as response:
        assert status in (None, response.status_code)
        check_policy(response)
        check_other_security_headers(response)


@pytest.mark.django_db
def test_static_file_has_all_security_headers_except_the_policy(client, static_files):
    with closing(client.get(static("icon.svg"))) as response:
        assert response.status_code == 200
        check_other_security_headers(response)
        assert "Content-Security-Policy" not in response


@pytest.mark.parametrize(
    ("url", "encoding"),
    [("/", "gzip"), (f"/drawings/{ID}", None), ("/admin/login/", None), ("/api/v1/model", None)],
)
def test_only_the_page_without_secrets_is_compressed(client, db, static_files, url, encoding):
    drawings.save(UUID(ID), SEVEN, Source.PAGE)
    response = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.get("Content-Encoding")) == (200, encoding)


def test_rejections_by_rate_limit_and_https_have_all_security_headers(client, settings):
    settings.SECURE_SSL_REDIRECT, settings.REQUESTS_PER_MINUTE = True, 1
    for status in (301, 429):
        response = client.get("/", REMOTE_ADDR="203.0.113.50")
        assert response.status_code == status
        check_policy(response)
        check_other_security_headers(response)


def test_unknown_host_logs_one_line_without_traceback_after_the_rate_limit(
    client, settings, caplog
):
    settings.SECURE_SSL_REDIRECT, settings.REQUESTS_PER_MINUTE = True, 1
    for status in (400, 429):
        caplog.clear()
        with caplog.at_level("INFO"):
            response = client.get("/", headers=WRONG_HOST, REMOTE_ADDR="203.0.113.51")
        assert response.status_code == status
        (record,) = caplog.records
        assert record.exc_info is None
        assert "evil" not in record.getMessage()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        *READABLE_URLS, "/api/v1/model.onnx", "/v2", "/v2/models/lenet", "/health/live",
        "/health/ready", STATIC_FILE, f"/drawings/{ID}", f"/api/v1/drawings/{ID}",
    ],
)  # fmt: skip
def test_head_is_answered_like_get_without_the_body(client, static_files, url):
    url = static(url.removeprefix("/static/")) if url == STATIC_FILE else url
    head, get = client.head(url), client.get(url)
    assert head.status_code == get.status_code
    assert head["Content-Type"] == get["Content-Type"]
    assert int(head["Content-Length"]) == len(b"".join(get))
    assert b"".join(head) == b""


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
def test_cookies_of_a_public_site_are_secure(kind):
    names = ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN")
    names = [f"{kind}_COOKIE_{name}" for name in names]
    names += ["SECURE_HSTS_SECONDS", "SILENCED_SYSTEM_CHECKS"]
    name, *values = read_settings(*names, ALLOWED_HOSTS="digits.example")
    assert name.startswith("__Host-")
    assert values == [True, True, "Lax", "/", None, 31_536_000, []]


def test_cookies_of_a_local_site_work_without_https():
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE")
    assert read_settings(*names) == ["sessionid", False]


def test_deployment_check_of_a_public_site_finds_no_issue():
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
def test_page_and_api_set_no_cookie(client, static_files, put):
    for response in (client.get("/"), put(), client.get("/api/v1/model")):
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")


ACTIONS = [
    ("digit_changelist", [], {"action": "label_4"}),
    ("digit_review", [], {}),
    ("digit_review_label", [], {}),
    ("digit_review_labels", [], {}),
    ("modelversion_roll_back", [1], {}),
    ("modelversion_promote", [1], {}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "arguments", "form"), ACTIONS, ids=[name for name, *_ in ACTIONS])
def test_admin_action_without_csrf_token_gets_403(
    csrf_client, admin_user, put, name, arguments, form
):
    put()
    csrf_client.force_login(admin_user)
    url = reverse(f"admin:recognizer_{name}", args=arguments)
    response = csrf_client.post(url, form, headers={"Origin": OTHER_ORIGIN})
    assert response.status_code == 403


@pytest.mark.django_db
def test_api_ignores_session_cookies(csrf_client, admin_user):
    """A page of another site has no more rights in the visitor's browser than any program."""
    csrf_client.force_login(admin_user)
    response = csrf_client.put(
        f"/api/v1/drawings/{uuid4()}",
        {"strokes": SEVEN},
        content_type="application/json",
        headers={"Origin": OTHER_ORIGIN},
    )
    assert response.status_code == 201
    assert "Access-Control-Allow-Origin" not in response
    assert Drawing.objects.get().source == "api"


@pytest.mark.parametrize("origin", [OTHER_ORIGIN, "null", "https://digits.example.evil.example"])
@pytest.mark.parametrize("allowed", [[], ["https://digits.example"]])
def test_unknown_origin_gets_no_cors_headers(client, settings, origin, allowed):
    settings.CORS_ALLOWED_ORIGINS = allowed
    for url in ("/api/v1/model", "/admin/login/", "/"):
        response = client.options(
            url, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}
        )
        assert "Access-Control-Allow-Origin" not in response
        assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_allowed_origin_gets_no_credentials(client, settings, method):
    settings.CORS_ALLOWED_ORIGINS = ["https://digits.example"]
    headers = {"Origin": "https://digits.example", "Access-Control-Request-Method": "GET"}
    response = client.generic(method, "/api/v1/model", headers=headers)
    assert response["Access-Control-Allow-Origin"] == "https://digits.example"
    assert "Access-Control-Allow-Credentials" not in response
    assert "origin" in response["Vary"]


@pytest.mark.parametrize("length", ["abc", "1e3", "-1", "²", "0x10"])
def test_invalid_content_length_gets_400(client, length):
    response = client.generic(
        "POST", "/api/v1/predict", b"{}", "application/json", CONTENT_LENGTH=length
    )
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("url", "status"), {"/api/v1/model": 200, "/v2": 200, "/api/nope": 404, "/": 500}.items()
)
def test_api_request_uses_no_session(client, monkeypatch, url, status):
    monkeypatch.setattr(SessionMiddleware, "process_request", lambda *_: 1 / 0)
    client.raise_request_exception = False
    assert client.get(url).status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize("url", [*READABLE_URLS, "/api/v1/predict", f"/drawings/{ID}"])
def test_uncaught_exception_gets_500_without_details(
    client, settings, monkeypatch, static_files, url
):
    settings.SECRET_KEY = "the secret"  # noqa: S105
    monkeypatch.setattr("django.urls.resolvers.URLResolver.resolve", lambda *_: 1 / 0)
    client.raise_request_exception = False
    response = client.get(url)
    assert response.status_code == 500
    for word in (b"Traceback", b"ZeroDivision", b"the secret", b"resolvers", b"/django/"):
        assert word not in response.content


@pytest.fixture
def hostile_digit(put, admin_user):
    """A digit with markup in all stored texts."""
    put()
    Drawing.objects.update(visitor_label=MARKUP, model=f"=cmd(){MARKUP}")
    Digit.objects.update(visitor_label=OTHER_COUNT, model=f"=cmd(){MARKUP}")
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    User.objects.filter(pk=admin_user.pk).update(username=f"@SUM(){MARKUP}", first_name=MARKUP)
    return Digit.objects.get()


@pytest.mark.django_db
def test_stored_markup_is_escaped_on_every_page(admin_client, static_files, hostile_digit):
    drawing = hostile_digit.drawing_id
    urls = [
        "/admin/", "/admin/recognizer/digit/", f"/drawings/{drawing}",
        "/admin/recognizer/digit/statistics/",
        f"/admin/recognizer/digit/{hostile_digit.pk}/change/", "/admin/recognizer/drawing/",
        f"/admin/recognizer/digit/{hostile_digit.pk}/history/", "/admin/recognizer/digit/review/",
        f"/admin/recognizer/drawing/{drawing}/change/", "/admin/auth/user/",
        f"/admin/recognizer/drawing/{drawing}/delete/",
    ]  # fmt: skip
    for url in urls:
        page = admin_client.get(url)
        assert page.status_code == 200, url
        assert "<img src=x" not in page.content.decode(), url


def test_sign_in_with_the_documented_proxy_headers_on_another_port_passes_the_csrf_check(
    csrf_client, db, settings, static_files
):
    settings.ALLOWED_HOSTS = ["digits.example"]
    documented = re.search(
        r"proxy_set_header Host (\S+);", (ROOT / "docs" / "deploy.md").read_text()
    )
    # nginx's variables: the host without and with its port.
    host = {"$host": "digits.example", "$http_host": "digits.example:8443"}[documented[1]]
    headers = {"host": host, "x-forwarded-proto": "https"}
    form = csrf_client.get("/admin/login/", headers=headers)
    token = form.context["csrf_token"]
    answer = csrf_client.post(
        "/admin/login/",
        {"csrfmiddlewaretoken": str(token), "username": "owner", "password": "wrong"},
        headers={**headers, "origin": "https://digits.example:8443"},
    )
    assert answer.status_code == 200
    assert b"Please enter the correct username" in answer.content
