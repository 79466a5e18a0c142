"""The admin of users and groups: Django's, with the permissions that the pages check."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
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
    content_type__model__in=["user", "group", "staticdevice", "totpdevice", "accessattempt"]
)  # fmt: skip


class PermissionsMixin:
    # Screen readers can name these widgets.
    filter_horizontal: Any = ()
    formfield_overrides: Any = {ManyToManyField: {"widget": CheckboxSelectMultiple}}

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **options: Any
    ) -> Any:
        if db_field.related_model is Permission:
            options["queryset"] = Permission.objects.filter(USED).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **options)  # type: ignore[misc]


class StaffUserAdmin(PermissionsMixin, UserAdmin):  # type: ignore[type-arg]  # not subscriptable
    list_display = ("username", "last_login", "is_superuser")
    readonly_fields = ("last_login", "date_joined")


class StaffGroupAdmin(PermissionsMixin, GroupAdmin):
    pass


ADMINS = {User: StaffUserAdmin, Group: StaffGroupAdmin}
