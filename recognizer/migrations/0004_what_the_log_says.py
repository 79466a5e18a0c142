from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone


def read_when_drawn(apps, schema_editor):
    Digit = apps.get_model("recognizer", "Digit")
    drawn = apps.get_model("recognizer", "Drawing").objects.filter(pk=OuterRef("drawing_id"))
    Digit.objects.update(read_at=Subquery(drawn.values("created_at")))


class Migration(migrations.Migration):
    dependencies = [
        ("recognizer", "0003_review"),
    ]

    operations = [
        migrations.AddField(
            model_name="digit",
            name="read_at",
            field=models.DateTimeField(
                auto_now_add=True, default=timezone.now, verbose_name="read"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(read_when_drawn, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="digit",
            index=models.Index(
                fields=["verdict", "read_at"], name="recognizer__verdict_7a06d9_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="digit",
            index=models.Index(
                condition=~Q(label=""),
                fields=["read_at", "label", "text", "confidence", "drawing"],
                name="labelled_digits",
            ),
        ),
    ]
