from django.urls import path
from django.views.decorators.gzip import gzip_page

from recognizer import views
from recognizer.api import inference_v2
from recognizer.api.routes import api

urlpatterns = [
    # First: most requests are for the API, and Django tries patterns in order.
    path("api/", api.urls),
    # The page has no secrets that the size of a compressed response could reveal.
    path("", gzip_page(views.page), name="page"),
    path("drawings/<any_uuid:id>", views.drawing, name="drawing"),
    path("favicon.ico", views.favicon),
    path("manifest.webmanifest", views.manifest),
    path("service-worker.js", views.service_worker),
    path("metrics", views.prometheus),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    *inference_v2.urlpatterns,
]
