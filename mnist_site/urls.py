from django.contrib import admin
from django.urls import include, path

from mnist_site.sign_in import SignInForm

admin.site.site_header = admin.site.site_title = "Digits"
admin.site.index_title = "Drawings, models and users"
admin.site.login_form, admin.site.login_template = SignInForm, "admin/sign_in.html"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("recognizer.urls")),
]
handler500 = "recognizer.views.server_error"
