"""The admin of users and groups: Django's, with the permissions that the pages check."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, Q
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest

# Django defines four permissions per table; pages check these.
USED = Q(
    content_type__app_label="recognizer",
    codename__in=[
        "view_digit", "change_digit", "delete_drawing", "view_modelversion",
        "promote_modelversion", "delete_modelversion",
    ],
) | Q(
    content_type__model__in=[
        "user", "group", "staticdevice", "statictoken", "totpdevice", "accessattempt",
    ]
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


ADMINS = {User: StaffUserAdmin, Group: StaffGroupAdmin}
