"""Staff sign in: with a password, a code where somebody has a device, and not by guessing."""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv6Address
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django_otp import devices_for_user, verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from mnist_site.middleware import client_address
from mnist_site.rate_limit import network

NEVER = datetime.min.replace(tzinfo=UTC)
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
        token = self.cleaned_data.get("token", "").strip()
        devices = [device for device in devices_for_user(user) if _can_answer(device)]
        # One that was guessed at takes no code for a while, whoever sends it.
        asked = [one for one in devices if _takes(one, token) and one.verify_is_allowed()[0]]
        # Who uses one of two phones must not spoil the other.
        asked.sort(key=lambda one: one.last_used_at or NEVER, reverse=True)
        if not devices or any(verify_token(user, one.persistent_id, token) for one in asked):
            return
        if asked:
            # Guessed codes close the sign-in as guessed passwords do.
            user_login_failed.send(__name__, credentials={}, request=self.request)
        raise ValidationError("The code is missing or wrong.", code="token")


def _can_answer(device: Device) -> bool:
    """Whoever has used up the codes for a lost phone has no such device any more."""
    return not isinstance(device, StaticDevice) or device.token_set.exists()


def _takes(device: Device, token: str) -> bool:
    """Whether it has the form of the device's codes.

    Others are none of its failures, after which a device takes no code for longer and longer: who
    signs in with a phone each day may lose it.
    """
    if isinstance(device, TOTPDevice):
        return token.isdecimal() and len(token) == device.digits
    # Made ones have letters; whoever wrote their own may have chosen digits.
    forms = {one.token.isdecimal() for one in device.token_set.all()}
    return bool(token) and token.isdecimal() in forms


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
