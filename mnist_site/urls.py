from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("recognizer.urls")),
]
handler500 = "recognizer.views.server_error"
