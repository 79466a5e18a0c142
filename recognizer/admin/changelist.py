"""Change lists that stay quick however long their tables grow: nothing reads a whole one."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from recognizer.models import Drawing, ModelVersion

# Nobody turns to a later page: whoever looks for something filters.
MOST = 10_000
NEWEST = 500
# What the filters ask for: a value, or a time.
LOOKUPS = {"", "exact", "gte", "lt"}


def count(rows: QuerySet[Any]) -> int:
    """How many rows there are, counted no further than MOST."""
    return rows.order_by()[:MOST].count()


class BoundedPaginator(Paginator):
    """Pages of the first rows."""

    @cached_property
    def count(self) -> int:
        return count(cast(QuerySet[Any], self.object_list))

    @property
    def is_cut(self) -> bool:
        return self.count == MOST


class LargeTableChangeList(ChangeList):
    """The rows of a list as its admin wants to show them."""

    model_admin: "LargeTableAdmin"

    def get_queryset(self, *arguments: Any, **options: Any) -> QuerySet[Any]:
        return self.model_admin.shown(super().get_queryset(*arguments, **options))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.model_admin.read_keys_first:
            ids = list(self.result_list.values_list("pk", flat=True))
            self.result_list = self.queryset.filter(pk__in=ids)


class ModelFilter(admin.SimpleListFilter):
    """By the model that read: of those that are stored and those that read what is newest.

    Which ones are named in a million rows, only all of them could tell.
    """

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Drawing.objects.order_by("-created_at").values_list("model", flat=True)[:NEWEST]
        versions = {*ModelVersion.objects.values_list("version", flat=True), *newest}
        return [(version, version) for version in sorted(versions)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model=self.value()) if self.value() else queryset


class LargeTableAdmin(admin.ModelAdmin):
    """A change list of a long table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    # Faster if an index holds all columns of the filters.
    read_keys_first = False
    list_per_page = 50
    # They would count the whole table.
    show_facets = admin.ShowFacets.NEVER

    def shown(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Rows with what their columns show, and no more: some have a megabyte of strokes."""
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeTableChangeList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """PostgreSQL has no text with NUL: such a filter is none."""
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nothing but what the filters offer: others walk through the table, or break."""
        name, _, kind = lookup.partition("__")
        return kind in LOOKUPS and name in map(_parameter, self.list_filter)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *location: Any
    ) -> HttpResponse | None:
        if request.POST.get("select_across") == "1" and count(queryset) == MOST:
            text = f"There are {MOST:,} or more; choose fewer by the filters."
            self.message_user(request, text, messages.WARNING)
            return None
        return super().response_action(request, queryset, *location)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What is found is found whole, by an index; no text is looked through."""
        return (queryset.filter(self.find(search_term)) if search_term else queryset), False

    def find(self, term: str) -> Q:
        """What rows have to be, for a term to find them."""
        raise NotImplementedError


def _parameter(filter: Any) -> str:
    """By what name an entry of ``list_filter`` is in an address."""
    if isinstance(filter, tuple):
        return str(filter[0])
    return str(getattr(filter, "parameter_name", filter))


def as_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
