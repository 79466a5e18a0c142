"""Admin pages of the model registry: list, comparison, promotion and rollback."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from ml.classifier import ModelError
from ml.evaluation.metrics import Interval
from recognizer import comparison, registry, rendering, serving
from recognizer.admin.review import current_user
from recognizer.models import ModelStatus, ModelVersion

MAX_DIFFERENCES = 48


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin):
    list_display = ("version", "status", "errors", "created_at", "promoted_at", "promoted_by")
    list_select_related = ("promoted_by",)
    list_per_page = 20
    readonly_fields = (
        "status", "errors", "created_at", "promoted_at", "promoted_by", "sha256", "facts",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": readonly_fields[:-1]}),
        ("File metadata", {"fields": ("facts",), "classes": ("collapse",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow single deletions only, and keep the models that a rollback may need."""
        deletable = isinstance(obj, ModelVersion) and obj.status not in (
            ModelStatus.SERVING,
            ModelStatus.RETIRED,
        )
        return deletable and super().has_delete_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return False

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recognizer.promote_modelversion")

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "recognizer_modelversion"
        roll_back = require_POST(self.roll_back)
        return [
            path("<int:pk>/promote/", wrap(require_POST(self.promote)), name=f"{name}_promote"),
            path("<int:pk>/rollback/", wrap(roll_back), name=f"{name}_roll_back"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        try:
            version = serving.current_classifier().version
        except serving.ModelUnavailable as error:
            version = f"none ({error})"
        return super().changelist_view(
            request, {"serving_version": version, **(extra_context or {})}
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_promote = self.has_promote_permission(request)
        version = self.get_object(request, object_id)
        serves = version is not None and version.status == ModelStatus.SERVING
        context = {
            "may_promote": may_promote,
            "may_roll_back": may_promote and serves,
            **(_comparison_context(version) if version and not serves else {}),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_permission(request)
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            registry.promote(version, current_user(request), request.POST.get("reason", "").strip())
        except registry.ReasonNeeded as shortfalls:
            message = f"{version} is worse in {shortfalls}. Enter a reason to promote it."
            return self._redirect(request, message, messages.ERROR)
        except registry.PromotionConflict as conflict:
            return self._redirect(request, str(conflict), messages.ERROR)
        except ModelError as error:
            return self._redirect(request, f"Cannot promote {version}: {error}.", messages.ERROR)
        except ModelVersion.DoesNotExist:
            return self._redirect(request, f"{version} was deleted.", messages.ERROR)
        return self._redirect(request, f"{version} is the serving model.")

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_permission(request)
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            previous = registry.roll_back(current_user(request), version)
        except registry.NotServing:
            message = f"{version} is no longer the serving model; nothing was rolled back."
            return self._redirect(request, message, messages.WARNING)
        restored = previous or "the shipped model"
        return self._redirect(request, f"Rolled back from {version} to {restored}.")

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

    @admin.display(description="errors in the file metadata")
    def errors(self, version: ModelVersion) -> str:
        return registry.describe_errors(version.load)

    @admin.display(description="metadata")
    def facts(self, version: ModelVersion) -> SafeString | str:
        try:
            facts = version.load().facts
        except ModelError as error:
            return str(error)
        return format_html("<pre>{}</pre>", json.dumps(facts, indent=2))


def _comparison_context(version: ModelVersion) -> dict[str, Any]:
    """Return the comparison with the serving model, or {} if either cannot be loaded."""
    try:
        compared = comparison.compare(version.load())
    except ModelError:
        return {}
    shown = compared.differences[:MAX_DIFFERENCES]
    pictures = [rendering.grid_png(difference.image, side=56) for difference in shown]
    return {
        "comparison": compared,
        "tables": [
            ("Errors", compared.rows),
            ("Calibration", compared.calibration),
            ("Errors in the robustness grid", compared.grid),
        ],
        "reliability": [_reliability_diagram(bins) for bins in compared.reliability],
        "differences": list(zip(shown, pictures, strict=True)),
    }


def _reliability_diagram(bins: list[dict[str, Any]]) -> SafeString:
    points = (
        (each["confidence"], each["accuracy"], Interval(*each["interval"]))
        for each in bins
        if each["count"]
    )
    return rendering.reliability_svg(points, "Accuracy by confidence")
