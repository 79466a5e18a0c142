"""The page, the service worker and the web app manifest."""

import re

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage

from recognizer import views

pytestmark = pytest.mark.usefixtures("static_files")


def test_page_contains_the_dom_contract(client):
    page = client.get("/").content.decode()
    for part in ('id="pad"', 'output id="reading"', 'id="confidence"', 'id="seen"'):
        assert part in page
    assert page.count("data-probability") == 10
    for action in ("clear", "undo", "redo"):
        assert f'data-action="{action}"' in page
    assert 'data-state="empty"' in page
    assert "https://" not in page


def test_page_is_painted_when_its_controls_are_complete(client):
    page = client.get("/").content.decode()
    (awaited,) = re.findall(r'<link rel="expect" href="#(\w+)" blocking="render">', page)
    assert page.index("</footer>") < page.index(f'id="{awaited}"')


def test_imports_of_the_page_module_have_hashed_names(client, settings):
    (module,) = settings.STATIC_ROOT.glob("js/page.????????????.js")
    text = module.read_text()
    assert 'from "./draw/pad.js"' not in text
    assert 'from "./draw/pad.' in text


def test_service_worker_lists_every_file_that_the_page_loads(client):
    script = client.get("/service-worker.js").content.decode()
    listed = set(re.findall(r'"(/static/[^"]+)"', script))
    page = client.get("/").content.decode()
    linked = set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:js|css))"', page))
    assert linked <= listed
    for name in ("js/explain/panel.js", "js/recognize/recognition.js"):
        assert staticfiles_storage.url(name) in listed
    assert not any("/review/" in url or "/admin/" in url for url in listed)
    collected = map(staticfiles_storage.base_url.__add__, staticfiles_storage.hashed_files.values())
    assert listed <= set(collected)


def test_service_worker_is_a_script_that_browsers_check_for_updates(client):
    response = client.get("/service-worker.js")
    assert response["Content-Type"].startswith("text/javascript")
    assert "no-cache" in response["Cache-Control"]


def test_release_changes_with_a_file(client, monkeypatch):
    release = r'RELEASE = "(\w+)"'
    before = re.search(release, client.get("/service-worker.js").content.decode())[1]
    assert re.search(release, client.get("/service-worker.js").content.decode())[1] == before
    monkeypatch.setattr(views, "_page_files", lambda: ["/static/js/page.000000000000.js"])
    assert re.search(release, client.get("/service-worker.js").content.decode())[1] != before


# Closing a response of a static file also closes obsolete connections.
@pytest.mark.django_db
def test_manifest_describes_an_installable_page(client):
    response = client.get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    manifest = response.json()
    assert {"name", "start_url", "display", "icons"} <= manifest.keys()
    for icon in manifest["icons"]:
        response = client.get(icon["src"])
        response.close()
        assert response["Content-Type"] == icon["type"]


def test_page_in_development_has_no_service_worker(client, settings):
    attribute = b'data-service-worker="/service-worker.js"'
    assert attribute in client.get("/").content
    settings.DEBUG = True
    assert attribute not in client.get("/").content
