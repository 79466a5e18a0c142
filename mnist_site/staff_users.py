"""The admin of users and groups: Django's, with widgets that screen readers can name."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple

CHECKBOXES: Any = {ManyToManyField: {"widget": CheckboxSelectMultiple}}


class StaffUserAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable
    filter_horizontal = ()
    formfield_overrides = CHECKBOXES
    readonly_fields = ("last_login", "date_joined")


class StaffGroupAdmin(GroupAdmin):
    filter_horizontal = ()
    formfield_overrides = CHECKBOXES


ADMINS = {User: StaffUserAdmin, Group: StaffGroupAdmin}
