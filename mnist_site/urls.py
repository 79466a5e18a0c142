from django.contrib import admin
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "Digits"
admin.site.index_title = "Drawings and people"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("recognizer.urls")),
]
