"""Admin pages of second-factor devices; their keys and codes need the permission to change."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django_otp.plugins.otp_static.admin import StaticDeviceAdmin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDeviceAdmin
from django_otp.plugins.otp_totp.models import TOTPDevice

admin.site.unregister((StaticDevice, TOTPDevice))


class SecretAdmin(admin.ModelAdmin):
    """An admin whose pages show secrets of other users."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(StaticDevice)
class SpareCodesAdmin(SecretAdmin, StaticDeviceAdmin):
    """The admin of spare codes."""


@admin.register(TOTPDevice)
class PhoneAdmin(SecretAdmin, TOTPDeviceAdmin):
    """The admin of TOTP devices. django-otp itself answers 500 for a missing device."""

    @method_decorator(require_safe)
    def config_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        get_object_or_404(TOTPDevice, pk=pk)
        response: HttpResponse = super().config_view(request, pk)
        return response

    @method_decorator(require_safe)
    def qrcode_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        get_object_or_404(TOTPDevice, pk=pk)
        response: HttpResponse = super().qrcode_view(request, pk)
        return response
