"""Change lists for large tables: bounded counts, indexed filters and exact search."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recognizer.models import Drawing, Label, ModelVersion

# Counts stop here, and so do pages and bulk actions.
MAX_ROWS = 10_000
# The filter by model offers the models of this many drawings.
RECENT_DRAWINGS = 500
# Django's filters use only these lookups.
ALLOWED_LOOKUPS = {"", "exact", "gte", "lt"}


def bounded_count(rows: QuerySet[Any]) -> int:
    """Count rows up to MAX_ROWS."""
    return rows.order_by()[:MAX_ROWS].count()


class BoundedPaginator(Paginator):
    """A paginator over the first MAX_ROWS rows."""

    @cached_property
    def count(self) -> int:
        return bounded_count(cast(QuerySet[Any], self.object_list))

    @property
    def is_truncated(self) -> bool:
        return self.count == MAX_ROWS


class LargeTableChangeList(ChangeList):
    """A change list with the columns chosen by its admin."""

    model_admin: "LargeTableAdmin"

    def get_queryset(self, *arguments: Any, **options: Any) -> QuerySet[Any]:
        return self.model_admin.list_queryset(super().get_queryset(*arguments, **options))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.model_admin.read_keys_first:
            ids = list(self.result_list.values_list("pk", flat=True))
            self.result_list = self.queryset.filter(pk__in=ids)


class ModelFilter(admin.SimpleListFilter):
    """Filter by model version; offers the registry and the models of recent drawings.

    Listing every version in use would scan the whole table.
    """

    title = gettext_lazy("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Drawing.objects.order_by("-created_at").values_list("model", flat=True)
        registered = ModelVersion.objects.values_list("version", flat=True)
        versions = {*registered, *newest[:RECENT_DRAWINGS]}
        return [(version, version) for version in sorted(versions)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (model := self.value()):
            return queryset
        # Otherwise a list would scan all digits for a model without any.
        has_drawings = Drawing.objects.filter(model=model).exists()
        return queryset.filter(model=model) if has_drawings else queryset.none()


class LargeTableAdmin(admin.ModelAdmin):
    """The admin of a large table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    # Read the keys of a page, then its rows: faster if an index holds all columns of the filters.
    read_keys_first = False
    list_per_page = 50
    # Facet counts would scan the whole table.
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def list_queryset(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Load only the displayed columns: the strokes of one drawing may take a megabyte."""
        return rows

    def search_filter(self, term: str) -> Q:
        """Return the condition of a search for an exact term, served by an index."""
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeTableChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the lookups of the filters; others would scan the table or fail."""
        name, _, kind = lookup.partition("__")
        fields = [entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter]
        names = [getattr(field, "parameter_name", field) for field in fields]
        return kind in ALLOWED_LOOKUPS and name in names

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *location: Any
    ) -> HttpResponse | None:
        is_all = request.POST.get("select_across") == "1"
        if is_all and bounded_count(queryset) == MAX_ROWS:
            text = _("%(count)s or more rows are selected. Select fewer with the filters.") % {
                "count": f"{MAX_ROWS:,}"
            }
            self.message_user(request, text, messages.WARNING)
            return None
        return super().response_action(request, queryset, *location)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = queryset.filter(self.search_filter(search_term)) if search_term else queryset
        return found, False


def parse_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def is_number(term: str) -> bool:
    """Return whether a term is a prediction of several characters."""
    return len(term) > 1 and set(term) <= {*Label.values}
