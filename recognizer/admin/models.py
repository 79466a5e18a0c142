"""Admin pages of the model registry: list, comparison, promotion and rollback."""

import json
from http import HTTPStatus
from shlex import quote
from typing import Any

import numpy as np
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ml.classifier import ModelError, Verdict
from ml.evaluation.metrics import Interval
from recognizer import comparison, drawings, registry, rendering, serving
from recognizer.admin import changelist, label_effect
from recognizer.admin.review import current_user
from recognizer.api.errors import ApiError, problem_response
from recognizer.api.request_bodies import read_drawing
from recognizer.models import VERDICTS, Digit, ModelStatus, ModelVersion

TRAIN = "python manage.py train --register --with-labeled"
MAX_DIFFERENCES = 48
# The smallest loss on the logarithmic axis of the training curve.
MIN_LOSS = 1e-4


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin):
    list_display = ("version", "state", "errors", "created_at", "promotion")
    list_select_related = ("promoted_by",)
    list_per_page = 20
    readonly_fields = (
        "state", "errors", "training", "created_at", "promotion", "sha256", "facts",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": readonly_fields[:-1]}),
        (gettext_lazy("File metadata"), {"fields": ("facts",), "classes": ("collapse",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow single deletions only, and keep the models that a rollback may need."""
        deletable = (
            isinstance(obj, ModelVersion)
            and obj.status not in (ModelStatus.SERVING, ModelStatus.RETIRED)
            and obj.sha256 != registry.shipped_sha256()
        )
        return deletable and super().has_delete_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return False

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recognizer.promote_modelversion")

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "recognizer_modelversion"
        roll_back = require_POST(self.roll_back)
        confirm = require_safe(self.confirm_promotion)
        try_view = require_http_methods(["GET", "HEAD", "POST"])(self.try_view)
        return [
            path("<int:pk>/promotion/", wrap(confirm), name=f"{name}_promotion"),
            path("<int:pk>/download/", wrap(require_safe(self.download)), name=f"{name}_download"),
            path("<int:pk>/try/", wrap(try_view), name=f"{name}_try"),
            path("<int:pk>/promote/", wrap(require_POST(self.promote)), name=f"{name}_promote"),
            path("<int:pk>/rollback/", wrap(roll_back), name=f"{name}_roll_back"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        serving = ModelVersion.objects.filter(status=ModelStatus.SERVING)
        versions: QuerySet[ModelVersion] = super().get_queryset(request)
        return versions.annotate(is_any_serving=Exists(serving))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the facts about the serving model, and the command that trains the next one."""
        context: dict[str, Any] = {
            "title": _("Models"),
            "labeled": changelist.bounded_count(Digit.objects.exclude(label="")),
            "trained_on": 0,
            "command": TRAIN,
            "effect": label_effect.label_effect(),
        }
        try:
            serving_model = serving.current_classifier()
        except serving.ModelUnavailable as error:
            context["serving_version"] = _("none (%s)") % error
        else:
            facts = serving_model.facts
            files = [
                quote(file["name"]) for file in facts.get("training", {}).get("stroke_files", [])
            ]
            context["serving_version"] = serving_model.version
            context["trained_on"] = label_effect.count_labels(facts)
            context["command"] += f" --strokes {' '.join(files)}" if files else ""
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_promote = self.has_promote_permission(request)
        version = self.get_object(request, object_id)
        serves = version is not None and _serves(version)
        context = {
            "may_promote": may_promote and not serves,
            "may_roll_back": may_promote and version and version.status == ModelStatus.SERVING,
            **(_curve_context(version) if version else {}),
            **(_comparison_context(version) if version and not serves else {}),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            content = version.load().public_content
        except ModelError as error:
            raise Http404 from error
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Content-Disposition"] = content_disposition_header(True, f"{version}.onnx")  # noqa: FBT003
        return response

    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a pad; answer its POST requests with the predictions of both models."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(ModelVersion, pk=pk)
        if request.method == "POST":
            return _predict_with_both(request, version)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try %s") % version,
            "version": version,
        }
        return TemplateResponse(request, "admin/recognizer/modelversion/try.html", context)

    def confirm_promotion(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for confirmation, with the shortfalls of the candidate."""
        self._check_permission(request)
        version = get_object_or_404(ModelVersion, pk=pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Promote %s?") % version,
            "version": version,
            "serving": _("the serving model"),
        }
        try:
            compared = comparison.compare(version.load())
        except ModelError as error:
            context["problem"] = str(error)
        else:
            context |= {"serving": compared.serving_version, "shortfalls": compared.worse_rows}
        return TemplateResponse(request, "admin/recognizer/modelversion/promotion.html", context)

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_permission(request)
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            registry.promote(version, current_user(request), request.POST.get("reason", "").strip())
        except registry.ReasonNeeded as shortfalls:
            text = _("%(version)s is worse in %(shortfalls)s. Enter a reason to promote it.")
            message = text % {"version": version, "shortfalls": shortfalls}
            return self._redirect(request, message, messages.ERROR)
        except registry.PromotionConflict as conflict:
            return self._redirect(request, str(conflict), messages.ERROR)
        except ModelError as error:
            text = _("Cannot promote %(version)s: %(error)s.")
            message = text % {"version": version, "error": error}
            return self._redirect(request, message, messages.ERROR)
        except ModelVersion.DoesNotExist:
            return self._redirect(request, _("%s was deleted.") % version, messages.ERROR)
        return self._redirect(request, _("%s is the serving model.") % version)

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_permission(request)
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            previous = registry.roll_back(current_user(request), version)
        except registry.NotServing:
            message = _("%s is no longer the serving model; nothing was rolled back.") % version
            return self._redirect(request, message, messages.WARNING)
        restored = previous or _("the shipped model")
        text = _("Rolled back from %(version)s to %(restored)s.")
        return self._redirect(request, text % {"version": version, "restored": restored})

    def _check_permission(self, request: HttpRequest) -> None:
        if not self.has_promote_permission(request):
            raise PermissionDenied

    def _redirect(
        self, request: HttpRequest, message: str, level: int = messages.SUCCESS
    ) -> HttpResponse:
        """Redirect to the list with a message, and serve a promoted model at once."""
        serving.serving_model.check_now()
        self.message_user(request, message, level)
        return redirect("admin:recognizer_modelversion_changelist")

    @admin.display(description=gettext_lazy("status"))
    def state(self, version: ModelVersion) -> str:
        return str(ModelStatus.SERVING.label) if _serves(version) else version.get_status_display()

    @admin.display(description=gettext_lazy("promoted"), ordering="promoted_at", empty_value="")
    def promotion(self, version: ModelVersion) -> str:
        if not version.promoted_at:
            return ""
        return _("%(time)s by %(user)s") % {
            "time": localize(localtime(version.promoted_at)),
            "user": version.promoted_by or _("a deleted user"),
        }

    @admin.display(description=gettext_lazy("training data"))
    def training(self, version: ModelVersion) -> str:
        return registry.describe_training(version)

    @admin.display(description=gettext_lazy("errors stated in the file"))
    def errors(self, version: ModelVersion) -> str:
        return registry.describe_errors(version)

    @admin.display(description=gettext_lazy("metadata"))
    def facts(self, version: ModelVersion) -> SafeString | str:
        try:
            facts = version.load().public_facts
        except ModelError as error:
            return str(error)
        return format_html("<pre>{}</pre>", json.dumps(facts, indent=2))


def _predict_with_both(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    try:
        drawing = read_drawing(request)
        models = {"candidate": version.load(), "serving": comparison.load_serving_model()}
    except ApiError as error:
        return problem_response(error)
    except ModelError as error:
        message = _("Cannot load a model: %s.") % error
        return problem_response(ApiError(HTTPStatus.CONFLICT, message))
    verdicts = dict(VERDICTS)
    return JsonResponse(
        {
            name: [
                {
                    "text": digit.character,
                    "verdict": "" if digit.verdict == Verdict.DIGIT else verdicts[digit.verdict],
                    "confidence": digit.confidence,
                }
                for digit in drawings.predict_with(model, drawing).digits
            ]
            for name, model in models.items()
        }
    )


def _serves(version: ModelVersion) -> bool:
    """Return whether a version serves; until a promotion, the shipped one does."""
    is_shipped_serving = not getattr(version, "is_any_serving", True)
    is_shipped = is_shipped_serving and version.sha256 == registry.shipped_sha256()
    return is_shipped or version.status == ModelStatus.SERVING


def _curve_context(version: ModelVersion) -> dict[str, Any]:
    """Return the training curve, or {} if the file has none or cannot be loaded."""
    try:
        history = version.load().facts.get("training", {}).get("history")
    except ModelError:
        return {}
    if not (history and history["loss"]):
        return {}
    losses = {name: np.maximum(history[name], MIN_LOSS) for name in ("loss", "validation_loss")}
    low, high = min(map(np.min, losses.values())), max(map(np.max, losses.values()))
    errors = history["validation_errors"]
    span = np.log(high / low) or 1
    return {
        "curve": {
            "epochs": len(errors),
            "low": low,
            "high": high,
            **{
                name: rendering.line_path((np.log(values / low) / span).tolist())
                for name, values in losses.items()
            },
            "errors": rendering.line_path([count / max(*errors, 1) for count in errors]),
            "most_errors": max(errors),
            "last_errors": errors[-1],
        }
    }


def _comparison_context(version: ModelVersion) -> dict[str, Any]:
    """Return the comparison with the serving model, or {} if either cannot be loaded."""
    try:
        compared = comparison.compare(version.load())
    except ModelError:
        return {}
    shown = compared.differences[:MAX_DIFFERENCES]
    pictures = [rendering.grid_png(difference.image, side=56) for difference in shown]
    points = [
        [
            (one["confidence"], one["accuracy"], Interval(*one["interval"]))
            for one in bins
            if one["count"]
        ]
        for bins in compared.reliability
    ]
    return {
        "comparison": compared,
        "tables": [
            (_("Errors"), compared.rows),
            (_("Calibration"), compared.calibration),
            (_("Errors in the robustness grid"), compared.grid),
        ],
        "reliability": [
            rendering.reliability_svg(each, _("Accuracy by confidence")) for each in points
        ],
        "differences": list(zip(shown, pictures, strict=True)),
    }
