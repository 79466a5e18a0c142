from django.urls import path

from recognizer import inference, views
from recognizer.api import api

urlpatterns = [
    path("", views.page, name="page"),
    path("drawings/<uuid:id>", views.drawing, name="drawing"),
    path("favicon.ico", views.favicon),
    path("api/", api.urls),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    *inference.urlpatterns,
]
