"""The admin: what was drawn, what the net said, what it really is."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.forms import ChoiceField, ModelForm
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from recognizer import dataset_export, drawings, rendering, review_queue
from recognizer.admin.changelist import ModelFilter, as_uuid
from recognizer.admin.review import ReviewAdmin, signed_in
from recognizer.admin.statistics import StatisticsAdmin
from recognizer.models import Digit, Drawing, Label

NO_STROKES = "It was a picture, of which only the input is kept."
# The inputs of a number in the list of drawings.
SHOWN_INPUTS = 5
# Chosen for many digits, it takes their labels away.
NO_LABEL = "none"
BANDS = {"0": (0, 0.5), "50": (0.5, 0.9), "90": (0.9, 2)}


class ConfidenceBand(admin.SimpleListFilter):
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


class Review(admin.SimpleListFilter):
    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "not labeled"),
            ("done", "labeled"),
            ("visitor", "labeled by the visitor"),
            ("wrong", "labeled, and read wrongly"),
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
    """A digit's label, with the one that was seen in a hidden field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Who may only look has no such field.
        if label := self.fields.get("label"):
            label.show_hidden_initial = True

    def clean_label(self) -> str:
        """Whoever else labels it waits until this label is stored: a form has a transaction."""
        label: str = self.cleaned_data["label"]
        try:
            now = review_queue.held(self.instance.pk).label
        except Drawing.DoesNotExist:
            raise ValidationError("The drawing is no longer there.") from None
        if now not in (self.data.get(self["label"].html_initial_name, now), label):
            raise ValidationError(f"Meanwhile somebody has labeled it “{now or 'none'}”.")
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
    list_display = ("input", "text", "percent", "verdict", "visitor_says", "label", "drawn")
    list_display_links = ("input", "text")
    list_select_related = ("drawing",)
    read_keys_first = True
    list_filter = (
        Review,
        "text",
        ConfidenceBand,
        "verdict",
        "label",
        ModelFilter,
        ("predicted_at", admin.DateFieldListFilter),
    )
    sortable_by = ("percent", "drawn")
    search_fields = ("drawing", "model", "labeled_by")
    search_help_text = "Drawing (UUID), model version or reviewer, in full"
    form = DigitForm
    action_form = DigitActionForm
    actions = ("label_selected", "export_selected")
    radio_fields = {"label": admin.HORIZONTAL}
    readonly_fields = ("strokes", "seen", "reading", "how_likely", "about")
    fields = ("strokes", "label", "reading", "how_likely", "seen", "about")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A digit goes with its drawing, never alone."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {
            "least_sure": 1 + self.list_display.index("percent"),
            "may_review": self.has_change_permission(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def shown(self, rows: QuerySet[Digit]) -> QuerySet[Digit]:
        return rows.defer("drawing__strokes")

    def find(self, term: str) -> Q:
        if drawing := as_uuid(term):
            return Q(drawing=drawing)
        reviewer = User.objects.filter(username=term).first()
        return Q(labeled_by=reviewer) if reviewer else Q(model=term)

    def save_model(self, request: HttpRequest, obj: Digit, form: Any, change: Any) -> None:
        drawings.label_as_reviewer(Digit.objects.filter(pk=obj.pk), obj.label, signed_in(request))

    def log_change(self, request: HttpRequest, obj: Digit, message: Any) -> Any:
        """The service has logged the old and the new label already."""

    @admin.action(description="Label the selected digits", permissions=["change"])
    def label_selected(self, request: HttpRequest, queryset: QuerySet[Digit]) -> None:
        label = request.POST.get("label", "")
        if not label:
            self.message_user(request, "Choose a label first.", messages.WARNING)
            return
        label = "" if label == NO_LABEL else label
        changed = drawings.label_as_reviewer(queryset, label, signed_in(request))
        text = ngettext("%d label changed.", "%d labels changed.", changed) % changed
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description="Export the labels of the selected digits", permissions=["view"])
    def export_selected(
        self, request: HttpRequest, queryset: QuerySet[Digit]
    ) -> HttpResponseBase | None:
        chosen = request.POST.get("format", "")
        if chosen not in dataset_export.FORMATS or not queryset.exclude(label="").exists():
            self.message_user(request, "None of these has a label.", messages.WARNING)
            return None
        archive = dataset_export.archive(queryset.order_by("pk"), chosen)
        return FileResponse(archive, as_attachment=True, filename=f"digits-{chosen}.zip")

    @admin.display(description="input")
    def input(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=56)

    @admin.display(description="confidence", ordering="confidence")
    def percent(self, digit: Digit) -> str:
        return f"{100 * digit.confidence:.1f} %"

    @admin.display(description="visitor says")
    def visitor_says(self, digit: Digit) -> str:
        return digit.drawing.visitor_label

    # Quick to sort by, and the same but where other ink was kept under an old UUID.
    @admin.display(ordering="pk")
    def drawn(self, digit: Digit) -> Any:
        return digit.drawing.created_at

    def reading(self, digit: Digit) -> str:
        visitor = digit.drawing.visitor_label
        says = f"; the visitor says {visitor}" if visitor else ""
        return f"{digit.text}, {digit.verdict}, {100 * digit.confidence:.1f} %{says}"

    def strokes(self, digit: Digit) -> SafeString | str:
        return rendering.strokes_svg(digit.drawing.strokes or [], side=224) or NO_STROKES

    @admin.display(description="28x28 input")
    def seen(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=224)

    @admin.display(description="probabilities")
    def how_likely(self, digit: Digit) -> SafeString:
        rows = format_html_join(
            "",
            '<tr><th>{}</th><td><meter value="{}"></meter></td><td>{} %</td></tr>',
            ((n, f"{p:.4f}", f"{100 * p:.1f}") for n, p in enumerate(digit.probabilities)),
        )
        return format_html("<table>{}</table>", rows)

    def about(self, digit: Digit) -> str:
        drawing = digit.drawing
        labeled = ""
        if digit.labeled_at:
            who = digit.labeled_by or "somebody who has no account any more"
            labeled = f"; labeled by {who} on {digit.labeled_at:%Y-%m-%d %H:%M}"
        return (
            f"Digit {digit.position + 1} of drawing {drawing.id},"
            f" from {drawing.get_source_display()} on {drawing.created_at:%Y-%m-%d %H:%M},"
            f" read by model {drawing.model}{labeled}"
        )
