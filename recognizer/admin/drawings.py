"""The admin of drawings: list and deletion, for staff with the permission to delete."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from recognizer import drawings, rendering
from recognizer.admin.changelist import LargeTableAdmin, ModelFilter, parse_uuid
from recognizer.admin.digits import NO_STROKES
from recognizer.models import Digit, Drawing

# The list shows the 28x28 inputs of this many digits per drawing.
SHOWN_INPUTS = 5


class DrawingModelFilter(ModelFilter):
    """Filter by model within the period of its drawings.

    PostgreSQL expects the drawings of a model in every period, and would scan the others.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Drawing]) -> QuerySet[Drawing]:
        if not (model := self.value()):
            return queryset
        # With an equality, PostgreSQL could scan the index of dates here too.
        last = Drawing.objects.filter(model__gte=model).order_by("model", "-created_at")
        return queryset.filter(model=model, created_at__lte=Subquery(last.values("created_at")[:1]))


@admin.register(Drawing)
class DrawingAdmin(LargeTableAdmin):
    list_display = ("inputs", "text", "visitor_label", "source", "model", "created_at")
    list_display_links = ("inputs", "text")
    list_filter = (DrawingModelFilter, "created_at")
    sortable_by = ()
    search_fields = ("id", "text")
    search_help_text = _("Digit, number or complete drawing UUID")
    fields = readonly_fields = (
        "large_strokes", "text", "visitor_label", "source", "model", "created_at", "updated_at",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Addresses of these pages contain UUIDs, which authorize deletion through the API."""
        return self.has_delete_permission(request, obj)

    def list_queryset(self, rows: QuerySet[Drawing]) -> QuerySet[Drawing]:
        digits = Digit.objects.only("drawing", "image").order_by("drawing_id", "position")
        first = Prefetch("digits", digits.filter(position__lt=SHOWN_INPUTS))
        return rows.defer("strokes").prefetch_related(first)

    def search_filter(self, term: str) -> Q:
        if drawing := parse_uuid(term):
            return Q(id=drawing)
        return Q(text=term)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Count the digits instead of listing them; they need no permission of their own."""
        is_many = isinstance(objs, QuerySet)
        ids = list(objs.values_list("pk", flat=True)) if is_many else [one.pk for one in objs]
        digits = Digit.objects.filter(drawing__in=ids).count()
        return list(map(str, ids)), {"drawings": len(ids), "digits": digits}, set(), []

    def delete_model(self, request: HttpRequest, obj: Drawing) -> None:
        drawings.delete(Drawing.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Drawing]) -> None:
        drawings.delete(Drawing.objects.filter(pk__in=queryset.values("pk")))

    @admin.display(description=_("28x28 inputs"))
    def inputs(self, drawing: Drawing) -> SafeString | str:
        images = [digit.image for digit in drawing.digits.all()]
        return rendering.grid_png(*images, side=56) if images else ""

    @admin.display(description=_("strokes"))
    def large_strokes(self, drawing: Drawing) -> SafeString | str:
        return rendering.strokes_svg(drawing.strokes or [], side=224) or str(NO_STROKES)
