"""The staff site: Django's admin with a start page that shows pending work."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy

from mnist_site import two_factor
from mnist_site.sign_in import SignInForm

# The section "security" has all other models.
SECTIONS = {"recognizer": ("Digit", "Drawing", "ModelVersion"), "staff": ("User",)}
NAMES = {
    "recognizer": gettext_lazy("Recognizer"),
    "staff": gettext_lazy("Staff"),
    "security": gettext_lazy("Security"),
}


class StaffSite(AdminSite):
    site_header = site_title = "Digits"
    index_title = gettext_lazy("Start")
    login_form, login_template = SignInForm, "admin/sign_in.html"
    # The header links to the main pages.
    enable_nav_sidebar = False

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        # At import, the pages of recognizer.admin register with this site.
        from recognizer.admin.overview import overview

        context = {"overview": overview(request.user), **(extra_context or {})}
        return super().index(request, context)

    def get_urls(self) -> list[Any]:
        return [
            path("two-factor/", self.admin_view(two_factor.set_up), name="two_factor"),
            path(
                "two-factor/<int:pk>/reset/",
                self.admin_view(two_factor.reset),
                name="two_factor_reset",
            ),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Group the models into sections instead of apps, except on the page of one app."""
        apps = super().get_app_list(request, app_label)
        if app_label:
            return apps
        models = [model for app in apps for model in app["models"]]
        sections = {
            name: [model for model in models if model["object_name"] in names]
            for name, names in SECTIONS.items()
        }
        shown = [model for section in sections.values() for model in section]
        sections["security"] = [model for model in models if model not in shown]
        return [
            {"name": NAMES[name], "app_label": name, "models": section}
            for name, section in sections.items()
            if section
        ]
