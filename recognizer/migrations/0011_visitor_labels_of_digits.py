from django.db import migrations, models

COLUMNS = ["text", "verdict", "label", "model", "visitor_label", "predicted_at"]
ROWS_PER_UPDATE = 1_000


def copy_visitor_labels(apps, schema_editor):
    """Give each digit its character of the drawing's label; "*" if their numbers differ."""
    Digit = apps.get_model("recognizer", "Digit")
    digits = (
        Digit.objects.filter(has_visitor_label=True)
        .order_by("drawing", "position")
        .annotate(of=models.F("drawing__visitor_label"))
        .only("drawing_id", "position")
    )
    counts = dict(
        Digit.objects.filter(has_visitor_label=True)
        .order_by()
        .values("drawing")
        .annotate(count=models.Count("*"))
        .values_list("drawing", "count")
    )
    changed = []
    for digit in digits.iterator(chunk_size=ROWS_PER_UPDATE):
        count, label = counts[digit.drawing_id], digit.of.replace("\n", "")
        characters = label * count if label == "?" else label
        digit.visitor_label = characters[digit.position] if len(characters) == count else "*"
        changed.append(digit)
    Digit.objects.bulk_update(changed, ["visitor_label"], batch_size=ROWS_PER_UPDATE)


def mark_visitor_labels(apps, schema_editor):
    digits = apps.get_model("recognizer", "Digit").objects
    digits.exclude(visitor_label="").update(has_visitor_label=True)


class Migration(migrations.Migration):
    dependencies = [("recognizer", "0010_labels_with_marks")]

    operations = [
        migrations.RemoveIndex("digit", "digit_by_id"),
        migrations.RemoveIndex("digit", "digit_by_confidence"),
        migrations.AddField(
            "digit",
            "visitor_label",
            models.CharField(blank=True, default="", editable=False, max_length=1),
        ),
        migrations.RunPython(copy_visitor_labels, mark_visitor_labels),
        migrations.RemoveField("digit", "has_visitor_label"),
        migrations.AddIndex(
            "digit", models.Index(fields=["id", "confidence", *COLUMNS], name="digit_by_id")
        ),
        migrations.AddIndex(
            "digit", models.Index(fields=["confidence", "id", *COLUMNS], name="digit_by_confidence")
        ),
        migrations.AddIndex("drawing", models.Index(fields=["text"], name="drawing_by_text")),
    ]
