"""The admin of digits: list, bulk labels, export, and the label form."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.forms import ChoiceField, ModelForm
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import ngettext

from recognizer import dataset_export, drawings, rendering, review_queue
from recognizer.admin.changelist import ModelFilter, parse_uuid
from recognizer.admin.review import ReviewAdmin, current_user
from recognizer.admin.statistics import StatisticsAdmin
from recognizer.models import Digit, Drawing, Label

NO_STROKES = "This drawing is a picture; only the 28x28 input is saved."
# The bulk action's choice that removes labels; the empty value means no choice.
NO_LABEL = "none"
BANDS = {"0": (0, 0.5), "50": (0.5, 0.9), "90": (0.9, 2)}


class ConfidenceFilter(admin.SimpleListFilter):
    title = "confidence"
    parameter_name = "confidence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("0", "below 50%"), ("50", "50% to 90%"), ("90", "90% or more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Digit]) -> QuerySet[Digit]:
        band = self.value()
        if band not in BANDS:
            return queryset
        low, high = BANDS[band]
        return queryset.filter(confidence__gte=low, confidence__lt=high)


class ReviewFilter(admin.SimpleListFilter):
    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "not labeled"),
            ("done", "labeled"),
            ("visitor", "labeled by the visitor"),
            ("wrong", "wrong prediction"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Digit]) -> QuerySet[Digit]:
        match self.value():
            case "open":
                return queryset.filter(label="")
            case "done":
                return queryset.exclude(label="")
            case "visitor":
                return queryset.filter(has_visitor_label=True)
            case "wrong":
                return queryset.exclude(label="").exclude(label=F("text"))
        return queryset


class DigitForm(ModelForm):
    """The label form; a hidden field holds the label that was displayed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The field is missing without the permission to change digits.
        if label := self.fields.get("label"):
            label.show_hidden_initial = True

    def clean_label(self) -> str:
        """Reject a label if another reviewer has changed it since the form was displayed.

        The lock lasts until the label is stored: the admin saves a form in one transaction.
        """
        label: str = self.cleaned_data["label"]
        try:
            current = review_queue.lock_digit(self.instance.pk).label
        except Drawing.DoesNotExist:
            raise ValidationError("The drawing was deleted.") from None
        if current not in (self.data.get(self["label"].html_initial_name, current), label):
            raise ValidationError(
                f"Another reviewer has changed the label to “{current or 'none'}”."
                " Reload the page to see it."
            )
        return label


class DigitActionForm(ActionForm):
    label = ChoiceField(
        choices=[("", "choose…"), *Label.choices, (NO_LABEL, "no label")],
        required=False,
        label="Label:",
    )
    format = ChoiceField(
        choices=[(name, name) for name in dataset_export.FORMATS], required=False, label="Format:"
    )


@admin.register(Digit)
class DigitAdmin(StatisticsAdmin, ReviewAdmin):
    list_display = (
        "input_image", "text", "confidence_percent", "verdict", "visitor_label", "label",
        "drawn_at",
    )  # fmt: skip
    list_display_links = ("input_image", "text")
    list_select_related = ("drawing",)
    read_keys_first = True
    list_filter = (
        ReviewFilter,
        "text",
        ConfidenceFilter,
        "verdict",
        "label",
        ModelFilter,
        ("predicted_at", admin.DateFieldListFilter),
    )
    sortable_by = ("confidence_percent", "drawn_at")
    search_fields = ("drawing", "model", "labeled_by")
    search_help_text = "Complete drawing UUID, model version or reviewer name"
    form = DigitForm
    action_form = DigitActionForm
    actions = ("label_selected", "export_selected")
    radio_fields = {"label": admin.HORIZONTAL}
    readonly_fields = (
        "strokes", "prediction", "probability_table", "large_input", "details", "drawing_link",
    )  # fmt: skip
    fields = ("strokes", "label", "prediction", "probability_table", "large_input", "details")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Digits are deleted only with their drawing."""
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Show the drawing's UUID only to staff with the permission to delete drawings."""
        may_delete = request.user.has_perm("recognizer.delete_drawing")
        return (*self.fields, "drawing_link") if may_delete else self.fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {
            "confidence_column": 1 + self.list_display.index("confidence_percent"),
            "may_review": self.has_change_permission(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def list_queryset(self, rows: QuerySet[Digit]) -> QuerySet[Digit]:
        return rows.defer("drawing__strokes")

    def search_filter(self, term: str) -> Q:
        if drawing := parse_uuid(term):
            return Q(drawing=drawing)
        reviewer = User.objects.filter(username=term).first()
        return Q(labeled_by=reviewer) if reviewer else Q(model=term)

    def save_model(self, request: HttpRequest, obj: Digit, form: Any, change: Any) -> None:
        digit = Digit.objects.filter(pk=obj.pk)
        drawings.label_as_reviewer(digit, obj.label, current_user(request))

    def log_change(self, request: HttpRequest, obj: Digit, message: Any) -> Any:
        """Add no log entry: label_as_reviewer has logged the old and the new label."""

    @admin.action(description="Label the selected digits", permissions=["change"])
    def label_selected(self, request: HttpRequest, queryset: QuerySet[Digit]) -> None:
        label = request.POST.get("label", "")
        if not label:
            self.message_user(request, "Choose a label first.", messages.WARNING)
            return
        label = "" if label == NO_LABEL else label
        changed = drawings.label_as_reviewer(queryset, label, current_user(request))
        text = ngettext("%d label changed.", "%d labels changed.", changed) % changed
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description="Export the labels of the selected digits", permissions=["view"])
    def export_selected(
        self, request: HttpRequest, queryset: QuerySet[Digit]
    ) -> HttpResponseBase | None:
        file_format = request.POST.get("format", "")
        if file_format not in dataset_export.FORMATS or not queryset.exclude(label="").exists():
            text = "Nothing to export: none of the selected digits has a label."
            self.message_user(request, text, messages.WARNING)
            return None
        archive = dataset_export.archive(queryset.order_by("pk"), file_format)
        return FileResponse(archive, as_attachment=True, filename=f"digits-{file_format}.zip")

    @admin.display(description="28x28 input")
    def input_image(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=56)

    @admin.display(description="confidence", ordering="confidence")
    def confidence_percent(self, digit: Digit) -> str:
        return f"{digit.confidence:.1%}"

    def visitor_label(self, digit: Digit) -> str:
        return digit.drawing.visitor_label

    # Sorts by the primary key, which has an index. The order differs only for digits of a drawing
    # that was replaced under the same UUID.
    @admin.display(description="drawn", ordering="pk")
    def drawn_at(self, digit: Digit) -> Any:
        return digit.drawing.created_at

    def prediction(self, digit: Digit) -> str:
        visitor_label = digit.drawing.visitor_label.replace("\n", " ")
        suffix = f"; visitor label {visitor_label}" if visitor_label else ""
        return f"{digit.text}, {digit.verdict}, {digit.confidence:.1%}{suffix}"

    def strokes(self, digit: Digit) -> SafeString | str:
        return rendering.strokes_svg(digit.drawing.strokes or [], side=224) or NO_STROKES

    @admin.display(description="28x28 input")
    def large_input(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=224)

    @admin.display(description="probabilities")
    def probability_table(self, digit: Digit) -> SafeString:
        rows = format_html_join(
            "",
            '<tr><th>{}</th><td><meter value="{}"></meter></td><td>{}</td></tr>',
            ((n, f"{p:.4f}", f"{p:.1%}") for n, p in enumerate(digit.probabilities)),
        )
        return format_html("<table>{}</table>", rows)

    def details(self, digit: Digit) -> str:
        drawing = digit.drawing
        text = (
            f"Digit {digit.position + 1} of {drawing.digits.count()} in the drawing,"
            f" from {drawing.get_source_display()} on {localize(localtime(drawing.created_at))},"
            f" predicted by model {drawing.model}"
        )
        if not digit.labeled_at:
            return text
        reviewer = digit.labeled_by or "a deleted user"
        return f"{text}; labeled by {reviewer} on {localize(localtime(digit.labeled_at))}"

    @admin.display(description="drawing")
    def drawing_link(self, digit: Digit) -> SafeString:
        address = reverse("admin:recognizer_drawing_change", args=[digit.drawing_id])
        return format_html('<a href="{}">{}</a>', address, digit.drawing_id)
