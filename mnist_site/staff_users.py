"""The admin of users, groups and devices: Django's and django-otp's with fewer fields."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, Q
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django_otp.plugins.otp_static.admin import StaticDeviceAdmin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDeviceAdmin
from django_otp.plugins.otp_totp.models import TOTPDevice

# Django defines four permissions per table; pages check these.
USED = Q(
    content_type__app_label="recognizer",
    codename__in=[
        "view_digit", "change_digit", "delete_drawing", "view_modelversion",
        "promote_modelversion", "delete_modelversion",
    ],
) | Q(codename__in=["view_staticdevice", "view_totpdevice"]) | Q(
    content_type__model__in=["user", "group", "accessattempt"]
)  # fmt: skip


class PermissionsMixin:
    permissions_field: str
    # Checkboxes: screen readers cannot name the two lists of filter_horizontal.
    filter_horizontal: Any = ()
    formfield_overrides: Any = {ManyToManyField: {"widget": CheckboxSelectMultiple}}

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **options: Any) -> Any:
        """Offer the used permissions and all of the object, because saving deletes the others."""
        form = super().get_form(request, obj, *args, **options)  # type: ignore[misc]
        if field := form.base_fields.get(self.permissions_field):
            held = Q(pk__in=getattr(obj, self.permissions_field).values("pk")) if obj else Q()
            field.queryset = field.queryset.filter(USED | held)
        return form


class StaffUserAdmin(PermissionsMixin, UserAdmin):  # type: ignore[type-arg]  # not subscriptable
    permissions_field = "user_permissions"
    list_display = ("username", "last_login", "is_superuser")
    readonly_fields = ("last_login", "date_joined")


class StaffGroupAdmin(PermissionsMixin, GroupAdmin):
    permissions_field = "permissions"


class DeviceMixin:
    """Devices without forms: the two-factor setup of their owner adds them."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  # interface
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class StaffTOTPDeviceAdmin(DeviceMixin, TOTPDeviceAdmin):  # type: ignore[misc]  # untyped
    pass


class StaffStaticDeviceAdmin(DeviceMixin, StaticDeviceAdmin):  # type: ignore[misc]  # untyped
    pass


ADMINS = {
    User: StaffUserAdmin,
    Group: StaffGroupAdmin,
    TOTPDevice: StaffTOTPDeviceAdmin,
    StaticDevice: StaffStaticDeviceAdmin,
}
