import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LABELS = [*((digit, digit) for digit in "0123456789"), ("?", "not a digit")]

FILTER_COLUMNS = ["text", "verdict", "label", "model", "has_visitor_label", "predicted_at"]


class Migration(migrations.Migration):
    dependencies = [
        ("recognizer", "0001_release_0_1_0"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel("Day"),
        # Without indexes, SQLite copies the table faster where it has to.
        migrations.RemoveIndex("digit", "recognizer__confide_bde972_idx"),
        migrations.RemoveIndex("digit", "recognizer__label_b7a651_idx"),
        migrations.RemoveIndex("digit", "recognizer__verdict_7a06d9_idx"),
        migrations.RemoveIndex("digit", "labelled_digits"),
        migrations.RemoveIndex("digit", "recognizer__label_0f5032_idx"),
        migrations.RemoveIndex("digit", "recognizer__text_deffcd_idx"),
        migrations.RemoveIndex("digit", "recognizer__verdict_bed64e_idx"),
        migrations.RemoveIndex("digit", "recognizer__model_21f8d0_idx"),
        migrations.RemoveIndex("digit", "recognizer__band_d54d8a_idx"),
        migrations.RemoveIndex("digit", "newest_labelled"),
        migrations.RemoveIndex("digit", "visitor_spoke"),
        migrations.RemoveIndex("digit", "recognizer__labelle_3cae7d_idx"),
        migrations.RemoveField("digit", "band"),
        migrations.RenameField("digit", "visitor_spoke", "has_visitor_label"),
        migrations.RenameField("digit", "labelled_by", "labeled_by"),
        migrations.RenameField("digit", "labelled_at", "labeled_at"),
        migrations.RenameField("digit", "read_at", "predicted_at"),
        migrations.AlterField(
            "digit",
            "leased_to",
            models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "digit",
            "predicted_at",
            models.DateTimeField(auto_now_add=True, verbose_name="predicted"),
        ),
        migrations.AlterField(
            "digit",
            "text",
            models.CharField(
                choices=LABELS, editable=False, max_length=1, verbose_name="prediction"
            ),
        ),
        migrations.AlterField(
            "drawing",
            "created_at",
            models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            "drawing",
            "source",
            models.CharField(
                choices=[("page", "page"), ("api", "API")], editable=False, max_length=8
            ),
        ),
        migrations.AlterField(
            "drawing",
            "text",
            models.CharField(editable=False, max_length=64, verbose_name="prediction"),
        ),
        migrations.AlterField(
            "drawing",
            "visitor_label",
            models.CharField(
                blank=True,
                editable=False,
                max_length=64,
                validators=[django.core.validators.RegexValidator(r"^(\?|[0-9]+)$")],
                verbose_name="visitor label",
            ),
        ),
        migrations.AlterField(
            "modelversion",
            "status",
            models.CharField(
                choices=[
                    ("candidate", "candidate"),
                    ("serving", "serving"),
                    ("retired", "retired"),
                    ("withdrawn", "rolled back"),
                ],
                default="candidate",
                editable=False,
                max_length=9,
            ),
        ),
        migrations.RenameField("measurement", "figures", "metrics"),
        migrations.RenameModel("SecondLook", "RepeatReview"),
        migrations.RemoveConstraint("repeatreview", "one_second_look"),
        migrations.AddConstraint(
            "repeatreview",
            models.UniqueConstraint(fields=["digit", "reviewer"], name="one_repeat_review"),
        ),
        migrations.AlterField(
            "repeatreview",
            "digit",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="repeat_reviews",
                to="recognizer.digit",
            ),
        ),
        migrations.AddIndex(
            "digit", models.Index(fields=["id", "confidence", *FILTER_COLUMNS], name="digit_by_id")
        ),
        migrations.AddIndex(
            "digit",
            models.Index(fields=["confidence", "id", *FILTER_COLUMNS], name="digit_by_confidence"),
        ),
        migrations.AddIndex(
            "digit",
            models.Index(fields=["predicted_at", "verdict", "position"], name="digit_by_day"),
        ),
        migrations.AddIndex(
            "digit",
            models.Index(
                fields=["predicted_at", "label", "text", "confidence", "model"],
                condition=~models.Q(label=""),
                name="labeled_digits",
            ),
        ),
        migrations.AddIndex(
            "digit",
            models.Index(
                fields=["labeled_by", "labeled_at", "id"],
                condition=models.Q(labeled_by__isnull=False),
                name="digit_by_reviewer",
            ),
        ),
    ]
