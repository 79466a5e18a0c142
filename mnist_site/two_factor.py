"""Two-factor sign-in: staff set up their phone, a superuser resets a lost one."""

from base64 import b32encode

import segno
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

BACKUP_CODES = 8


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show the QR code of a new phone, confirm its first code, and show the backup codes once."""
    devices = TOTPDevice.objects.filter(user=request.user)
    context = site.each_context(request) | {"title": _("Two-factor sign-in")}
    pending = devices.filter(confirmed=False).last()
    if confirmed := devices.filter(confirmed=True).first():
        codes = StaticToken.objects.filter(device__user=request.user).count()
        context |= {"confirmed": confirmed, "remaining_codes": codes}
    elif request.method == "POST" and "code" not in request.POST:
        devices.delete()
        devices.create(user=request.user, name="phone", confirmed=False)
        return redirect("admin:two_factor")
    elif request.method == "POST" and pending:
        if pending.verify_token("".join(request.POST["code"].split())):
            context |= {"backup_codes": _confirm(pending)}
        else:
            context |= {"is_wrong": True}
    if pending and not confirmed:
        # Without inline styles, which the content policy forbids.
        code = segno.make(pending.config_url).svg_inline(scale=5, light="#fff", title=_("QR code"))
        key = b32encode(pending.bin_key).decode()
        context |= {"qr_code": mark_safe(code), "key": key}  # noqa: S308
    return TemplateResponse(request, "admin/two_factor.html", context)


def _confirm(device: TOTPDevice) -> list[str]:
    """Require the phone from the next sign-in on; return the new backup codes."""
    with transaction.atomic():
        device.confirmed = True
        device.save()
        StaticDevice.objects.filter(user=device.user).delete()
        static = StaticDevice.objects.create(user=device.user, name="backup codes")
        codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
        static.token_set.bulk_create(StaticToken(device=static, token=code) for code in codes)
        _record(device.user, device.user, "Two-factor sign-in set up.")
    return codes


@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a superuser delete the devices of a user with a lost phone, after confirmation."""
    if not (isinstance(request.user, User) and request.user.is_superuser):
        raise PermissionDenied
    user = get_object_or_404(User, pk=pk)
    if request.method != "POST":
        title = _("Reset two-factor sign-in of %s") % user
        context = {**site.each_context(request), "title": title, "owner": user}
        return TemplateResponse(request, "admin/two_factor_reset.html", context)
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        _record(request.user, user, "Two-factor sign-in reset.")
    text = _("Until the next setup, %s signs in with the password alone.")
    messages.success(request, text % user)
    return redirect("admin:auth_user_change", pk)


def _record(actor: User, owner: User, message: str) -> None:
    LogEntry.objects.log_actions(
        actor.pk, [owner], CHANGE, change_message=message, single_object=True
    )
