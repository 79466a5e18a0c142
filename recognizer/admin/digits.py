"""The admin of digits: list, bulk labels, export, and the label form."""

from contextlib import suppress
from datetime import UTC, datetime, time
from itertools import pairwise
from threading import Lock
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.forms import DateField, ModelForm
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ml.classifier import Verdict
from ml.preprocessing.strokes import Box
from recognizer import dataset_export, drawings, rendering, review_queue, statistics
from recognizer.admin.changelist import ModelFilter, is_number, parse_uuid
from recognizer.admin.review import ReviewAdmin, current_user
from recognizer.admin.statistics import StatisticsAdmin, confidence_bin
from recognizer.models import DISAGREEMENT, OTHER_COUNT, Digit, Drawing, Label

NO_STROKES = gettext_lazy("This drawing is a picture; only the 28x28 input is saved.")
# Held while an export is written: two would occupy all staff slots of a process for a minute.
EXPORTING = Lock()
HIGHEST_BAND = "90"
# The limit 2 includes confidence 1.
BANDS = {"0": (0, 0.5), "50": (0.5, 0.9), HIGHEST_BAND: (0.9, 2)}
EDGES = (*(number / statistics.BINS for number in range(statistics.BINS)), 2)
BINS = {confidence_bin(number): edges for number, edges in enumerate(pairwise(EDGES))}


class ConfidenceFilter(admin.SimpleListFilter):
    """Filter by a band of confidence, or by a bin of the calibration linked from the statistics."""

    title = gettext_lazy("confidence")
    parameter_name = "confidence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        bands = [("0", _("below 50%")), ("50", _("50% to 90%")), (HIGHEST_BAND, _("90% or more"))]
        chosen = self.value()
        if chosen in BINS:
            bands.append((chosen, _("%s%%, without non-digits") % chosen))
        return bands

    def queryset(self, request: HttpRequest, queryset: QuerySet[Digit]) -> QuerySet[Digit]:
        band = self.value()
        if band == HIGHEST_BAND:
            # Most digits match. For a range, SQLite would read and sort them all.
            return queryset.exclude(confidence__lt=BANDS[band][0])
        if band in BINS:
            queryset = queryset.exclude(text=Label.NOT_A_DIGIT)
        elif band not in BANDS:
            return queryset
        low, high = (BANDS | BINS)[band]
        return queryset.filter(confidence__gte=low, confidence__lt=high)


class ReviewFilter(admin.SimpleListFilter):
    title = gettext_lazy("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", _("not labeled")),
            ("done", _("labeled")),
            ("visitor", _("labeled by the visitor")),
            ("correct", _("correct prediction")),
            ("wrong", _("wrong prediction")),
            ("disagreement", _("visitor, reviewer and model disagree")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Digit]) -> QuerySet[Digit]:
        match self.value():
            case "open":
                return queryset.filter(label="")
            case "done":
                return queryset.exclude(label="")
            case "visitor":
                return queryset.exclude(visitor_label="")
            case "correct":
                return queryset.exclude(label="").filter(label=F("text"))
            case "wrong":
                return _disagreements(queryset).exclude(label="").exclude(label=F("text"))
            case "disagreement":
                return _disagreements(queryset)
        return queryset


def _disagreements(queryset: QuerySet[Digit]) -> QuerySet[Digit]:
    """Filter by a subquery, for which SQLite reads the small index in any order."""
    return queryset.filter(pk__in=Digit.objects.filter(DISAGREEMENT).order_by().values("pk"))


class LabelFilter(admin.ChoicesFieldListFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Digit]) -> QuerySet[Digit] | None:
        """Repeat the condition of the index of labeled digits, because SQLite does not infer it."""
        if self.used_parameters:
            queryset = queryset.exclude(label="")
        return super().queryset(request, queryset)


class DayFilter(admin.DateFieldListFilter):
    """Offer no year: with another filter, SQLite would read most rows of the table."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.links = self.links[:-1]


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
            raise ValidationError(_("The drawing was deleted.")) from None
        if current not in (self.data.get(self["label"].html_initial_name, current), label):
            raise ValidationError(
                _(
                    "Another reviewer has changed the label to “%(label)s”."
                    " Reload the page to see it."
                )
                % {"label": current or _("none")}
            )
        return label


def _label_action(label: str, name: Any) -> Any:
    def action(model_admin: Any, request: HttpRequest, queryset: QuerySet[Digit]) -> None:
        changed = drawings.label_as_reviewer(queryset, label, current_user(request))
        text = ngettext("%d label changed.", "%d labels changed.", changed) % changed
        model_admin.message_user(request, text, messages.SUCCESS)

    action.__name__ = f"label_{label or 'none'}"
    return admin.action(action, permissions=["change"], description=name)


def _export_action(file_format: str) -> Any:
    def action(
        model_admin: Any, request: HttpRequest, queryset: QuerySet[Digit]
    ) -> HttpResponseBase | None:
        if not queryset.exclude(label="").exists():
            text = _("Nothing to export: none of the selected digits has a label.")
            model_admin.message_user(request, text, messages.WARNING)
            return None
        if not EXPORTING.acquire(blocking=False):
            text = _("Another export is running. Try again in a minute.")
            model_admin.message_user(request, text, messages.WARNING)
            return None
        try:
            archive = dataset_export.archive(queryset.order_by("pk"), file_format)
        except OSError as error:
            text = _("The export cannot be written: %s.") % error.strerror
            model_admin.message_user(request, text, messages.ERROR)
            return None
        finally:
            EXPORTING.release()
        return FileResponse(archive, as_attachment=True, filename=f"digits-{file_format}.zip")

    action.__name__ = f"export_{file_format}"
    return admin.action(action, permissions=["view"], description=file_format)


@admin.register(Digit)
class DigitAdmin(StatisticsAdmin, ReviewAdmin):
    list_display = ("input_image", "number", "prediction", "labels", "drawn_at")
    list_display_links = ("input_image",)
    list_select_related = ("drawing",)
    read_keys_first = True
    list_filter = (
        ReviewFilter,
        "text",
        ConfidenceFilter,
        "verdict",
        ("label", LabelFilter),
        ModelFilter,
        ("predicted_at", DayFilter),
    )
    sortable_by = ("prediction", "drawn_at")
    search_fields = ("text", "drawing", "predicted_at", "labeled_by")
    search_help_text = gettext_lazy(
        "Digit, number, day (2026-11-26), reviewer or complete drawing UUID"
    )
    form = DigitForm
    actions = (
        *(_label_action(label, name) for label, name in Label.choices),
        _label_action("", gettext_lazy("no label")),
        *map(_export_action, dataset_export.FORMATS),
    )
    radio_fields = {"label": admin.HORIZONTAL}
    readonly_fields = (
        "strokes", "prediction", "visitor_label", "probability_table", "large_input", "details",
        "drawing_link",
    )  # fmt: skip
    fields = (
        "strokes", "label", "prediction", "visitor_label", "probability_table", "large_input",
        "details",
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Digits are deleted only with their drawing."""
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Show the drawing's UUID only to staff with the permission to delete drawings."""
        may_delete = request.user.has_perm("recognizer.delete_drawing")
        return (*self.fields, "drawing_link") if may_delete else self.fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {
            "confidence_column": 1 + self.list_display.index("prediction"),
            "may_review": self.has_change_permission(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def list_queryset(self, rows: QuerySet[Digit]) -> QuerySet[Digit]:
        return rows.defer("drawing__strokes")

    def search_filter(self, term: str) -> Q:
        if drawing := parse_uuid(term):
            return Q(drawing=drawing)
        if term in Label.values:
            return Q(text=term)
        if is_number(term):
            return Q(drawing__text=term)
        with suppress(ValidationError):
            day = DateField().clean(term)
            first, last = (datetime.combine(day, limit, UTC) for limit in (time.min, time.max))
            return Q(predicted_at__gte=first, predicted_at__lte=last)
        reviewer = User.objects.filter(username=term).first()
        return Q(labeled_by=reviewer) if reviewer else Q(pk__in=())

    def save_model(self, request: HttpRequest, obj: Digit, form: Any, change: Any) -> None:
        digit = Digit.objects.filter(pk=obj.pk)
        drawings.label_as_reviewer(digit, obj.label, current_user(request))

    def log_change(self, request: HttpRequest, obj: Digit, message: Any) -> Any:
        """Add no log entry: label_as_reviewer has logged the old and the new label."""

    def get_action_choices(self, request: HttpRequest, default_choices: Any = ()) -> Any:
        """Group the actions, so that one list holds labels and export formats."""
        names = [(action[1], action[2]) for action in self.get_actions(request).values() if action]
        labels = [choice for choice in names if choice[0].startswith("label_")]
        exports = [choice for choice in names if choice[0].startswith("export_")]
        groups = [(_("Label as"), labels), (_("Export labels as"), exports)]
        return [("", _("choose…")), *(group for group in groups if group[1])]

    @admin.display(description=gettext_lazy("28x28 input"))
    def input_image(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=56)

    @admin.display(description=gettext_lazy("number"), empty_value="")
    def number(self, digit: Digit) -> SafeString | str:
        """Return the drawing's text with this digit marked; "" for a single digit."""
        text = digit.drawing.text
        places = [place for place, character in enumerate(text) if character != "\n"]
        if len(places) <= digit.position or len(places) == 1:
            return ""
        place = places[digit.position]
        return format_html("{}<mark>{}</mark>{}", text[:place], text[place], text[place + 1 :])

    @admin.display(description=gettext_lazy("prediction"), ordering="confidence")
    def prediction(self, digit: Digit) -> str:
        if digit.text == Label.NOT_A_DIGIT:
            # Its confidence is that of the best digit.
            return digit.get_text_display()
        verdict = digit.get_verdict_display() if digit.verdict == Verdict.UNSURE else ""
        return ", ".join(filter(None, [digit.text, verdict, f"{digit.confidence:.1%}"]))

    @admin.display(description=gettext_lazy("labels"), empty_value="")
    def labels(self, digit: Digit) -> str:
        visitor_label = self.visitor_label(digit)
        labels = [
            _("label: %s") % digit.get_label_display() if digit.label else "",
            _("visitor: %s") % visitor_label if visitor_label else "",
        ]
        return ", ".join(filter(None, labels))

    @admin.display(description=gettext_lazy("visitor label"))
    def visitor_label(self, digit: Digit) -> str:
        if digit.visitor_label == OTHER_COUNT:
            return _("%s (another number of digits)") % digit.drawing.visitor_label
        return _("not a digit") if digit.visitor_label == Label.NOT_A_DIGIT else digit.visitor_label

    # Sorts by the primary key, which has an index. The order differs only for digits of a drawing
    # that was replaced under the same UUID.
    @admin.display(description=gettext_lazy("drawn"), ordering="pk")
    def drawn_at(self, digit: Digit) -> Any:
        return digit.drawing.created_at

    @admin.display(description=gettext_lazy("strokes"))
    def strokes(self, digit: Digit) -> SafeString | str:
        strokes = digit.drawing.strokes or []
        box = Box(*digit.box) if digit.drawing.text != digit.text else None
        return rendering.strokes_svg(strokes, side=224, marked=box) or str(NO_STROKES)

    @admin.display(description=gettext_lazy("28x28 input"))
    def large_input(self, digit: Digit) -> SafeString:
        return rendering.grid_png(digit.image, side=224)

    @admin.display(description=gettext_lazy("probabilities"))
    def probability_table(self, digit: Digit) -> SafeString:
        rows = format_html_join(
            "",
            '<tr><th>{}</th><td><meter value="{}"></meter></td><td>{}</td></tr>',
            ((n, f"{p:.4f}", f"{p:.1%}") for n, p in enumerate(digit.probabilities)),
        )
        return format_html("<table>{}</table>", rows)

    @admin.display(description=gettext_lazy("details"))
    def details(self, digit: Digit) -> str:
        drawing = digit.drawing
        text = _(
            "Digit %(place)d of %(count)d in the drawing, from %(source)s on %(time)s,"
            " predicted by model %(model)s"
        ) % {
            "place": digit.position + 1,
            "count": drawing.digits.count(),
            "source": drawing.get_source_display(),
            "time": localize(localtime(drawing.created_at)),
            "model": drawing.model,
        }
        if not digit.labeled_at:
            return text
        labeled = _("labeled by %(reviewer)s on %(time)s") % {
            "reviewer": digit.labeled_by or _("a deleted user"),
            "time": localize(localtime(digit.labeled_at)),
        }
        return f"{text}; {labeled}"

    @admin.display(description=gettext_lazy("drawing"))
    def drawing_link(self, digit: Digit) -> SafeString:
        address = reverse("admin:recognizer_drawing_change", args=[digit.drawing_id])
        return format_html('<a href="{}">{}</a>', address, digit.drawing_id)
