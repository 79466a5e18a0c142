"""Error pages in the look of the site."""

import pytest
from django.template.loader import render_to_string


@pytest.mark.django_db
def test_unknown_page_gets_html(client, static_files):
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "<h1>Page not found</h1>" in page.content.decode()
    assert "css/base." in page.content.decode()


@pytest.mark.django_db
def test_uncaught_exception_of_a_page_gets_html(client, monkeypatch, static_files):
    monkeypatch.setattr("recognizer.views.render", lambda *arguments: 1 / 0)
    client.raise_request_exception = False
    page = client.get("/")
    assert page.status_code == 500
    assert "<h1>Server error</h1>" in page.content.decode()


@pytest.mark.parametrize("status", ["403", "403_csrf", "404", "500"])
def test_error_page_without_static_files_renders(settings, tmp_path, status):
    settings.STATIC_ROOT = tmp_path
    assert 'href="/">Draw a digit</a>' in render_to_string(f"{status}.html")
