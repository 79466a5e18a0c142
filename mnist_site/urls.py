from django.contrib import admin
from django.http import Http404, HttpResponse
from django.urls import include, path


def view_on_site(*_: object, **__: object) -> HttpResponse:
    """Replace the admin's redirect to the page of an object: it fails for UUIDs."""
    raise Http404


urlpatterns = [
    path("", include("recognizer.urls")),
    path("admin/r/<path:address>", view_on_site),
    path("admin/", admin.site.urls),
]
handler500 = "recognizer.views.server_error"
