"""Staff sign in: with a password, a code where somebody has a device, and not by guessing."""

import hmac
from hashlib import sha256
from ipaddress import IPv6Address
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django_otp import match_token, user_has_device

from mnist_site.limits import network
from mnist_site.middleware import client_address

TOO_OFTEN = (
    "Too many attempts to sign in came from your address. Try again in a quarter of an hour."
)


class SignInForm(AdminAuthenticationForm):
    """User name, password and, from those who have a device, its code of the moment."""

    token = forms.CharField(
        label="Code, if you have a device",
        required=False,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        token = self.data.get("token", "").strip()
        if user_has_device(user) and not match_token(user, token):
            raise ValidationError("The code is missing or wrong.", code="token")


class Attempts(AxesDatabaseHandler):
    """Counts failures in the database, where all processes see them, and keeps nothing else."""

    def user_login_failed(
        self, sender: Any, credentials: Any, request: Any = None, **kwargs: Any
    ) -> None:
        # People type passwords into the wrong field; browsers say much about themselves.
        request.axes_user_agent = request.axes_http_accept = request.axes_path_info = ""
        super().user_login_failed(sender, {**credentials, "username": ""}, request, **kwargs)


def pseudonym(request: HttpRequest) -> str:
    """What stands for the address of whoever signs in: the same in all processes, and no way back.

    It has the form of a private IPv6 address, because django-axes stores nothing else.
    """
    secret = settings.SECRET_KEY.encode()
    digest = hmac.digest(secret, b"sign in" + network(client_address(request)), sha256)
    return str(IPv6Address(b"\xfd" + digest[:15]))


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """The answer to an address that failed too often."""
    response = HttpResponse(TOO_OFTEN, status=429, content_type="text/plain")
    response["Retry-After"] = str(round(get_cool_off(request).total_seconds()))
    return response
