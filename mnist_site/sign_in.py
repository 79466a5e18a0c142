"""Staff sign-in: password, optional second factor, and lockout after repeated failures."""

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
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, verify_token
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from mnist_site.middleware import client_address
from mnist_site.rate_limit import network

NEVER = datetime.min.replace(tzinfo=UTC)
# A device counts no more wrong codes than these; they delay the next code by 32 seconds.
MAX_FAILURES = 6
THROTTLED = _("Too many wrong codes. Try again in half a minute.")
LOCKED_OUT = _("Too many failed sign-ins from your address. Try again in 15 minutes.")


class SignInForm(AdminAuthenticationForm):
    """User name, password and, for users with a device, its current code."""

    token = forms.CharField(
        label=_("Code from your device, if you have one"),
        required=False,
        # Not inputmode="numeric": backup codes contain letters.
        widget=forms.TextInput({"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        # Phones show "123 456"; with the space, it would throttle the backup codes.
        token = "".join(self.cleaned_data.get("token", "").split())
        devices = list(devices_for_user(user))
        if not devices:
            return
        candidates = [device for device in devices if _matches_format(device, token)]
        # A throttled device rejects even correct codes.
        allowed = [device for device in candidates if device.verify_is_allowed()[0]]
        # Try the last used device first: a failed attempt would throttle the others.
        allowed.sort(key=lambda device: device.last_used_at or NEVER, reverse=True)
        for device in allowed:
            if verify_token(user, device.persistent_id, token):
                return
            # Each wrong code doubles the delay: a few guesses a day would lock out the owner.
            failing = type(device).objects.filter(pk=device.pk)
            failing.filter(throttling_failure_count__gt=MAX_FAILURES).update(
                throttling_failure_count=MAX_FAILURES
            )
        if candidates and not allowed:
            raise ValidationError(THROTTLED, code="token")
        if allowed:
            # Guessed codes count towards the lockout, like guessed passwords.
            user_login_failed.send(__name__, credentials={}, request=self.request)
        raise ValidationError(_("The code is missing or wrong."), code="token")


def _matches_format(device: Device, token: str) -> bool:
    """Return whether a code has the format of a device's codes.

    Malformed codes must not trigger device throttling: daily codes from the phone would throttle
    the device with the backup codes.
    """
    if isinstance(device, TOTPDevice):
        return token.isdecimal() and len(token) == device.digits
    # Generated static codes contain letters; codes set by hand can be digits only.
    formats = {static.token.isdecimal() for static in device.token_set.all()}
    return bool(token) and token.isdecimal() in formats


class AnonymousAttemptsHandler(AxesDatabaseHandler):
    """Counts failed sign-ins per address pseudonym in the database, without personal data."""

    def user_login_failed(
        self, sender: Any, credentials: Any, request: Any = None, **kwargs: Any
    ) -> None:
        # Users type passwords into the name field; headers identify browsers.
        request.axes_user_agent = request.axes_http_accept = request.axes_path_info = ""
        super().user_login_failed(sender, {**credentials, "username": ""}, request, **kwargs)


def address_pseudonym(request: HttpRequest) -> str:
    """Return a keyed hash of the client's network, equal in all processes.

    It is formatted as a private IPv6 address, because django-axes stores nothing else.
    """
    secret = settings.SECRET_KEY.encode()
    digest = hmac.digest(secret, b"sign in" + network(client_address(request)), sha256)
    return str(IPv6Address(b"\xfd" + digest[:15]))


def lockout_response(request: HttpRequest, *_: Any) -> HttpResponse:
    response = HttpResponse(LOCKED_OUT, status=429, content_type="text/plain")
    response["Retry-After"] = str(round(get_cool_off(request).total_seconds()))
    return response
