import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recognizer", "0008_lists_by_visitor_and_band")]

    operations = [
        # The state of an index condition does not follow a renamed field.
        migrations.RemoveIndex("digit", "visitor_spoke"),
        migrations.RemoveIndex("digit", "recognizer__verdict_7a06d9_idx"),
        migrations.RemoveIndex("digit", "recognizer__labelle_3cae7d_idx"),
        migrations.RemoveIndex("digit", "labelled_digits"),
        migrations.RenameField("digit", "visitor_spoke", "has_visitor_label"),
        migrations.AddIndex(
            "digit",
            models.Index(
                fields=["-id"],
                condition=models.Q(has_visitor_label=True),
                name="has_visitor_label",
            ),
        ),
        migrations.RenameField("digit", "labelled_by", "labeled_by"),
        migrations.RenameField("digit", "labelled_at", "labeled_at"),
        migrations.RenameField("digit", "read_at", "predicted_at"),
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
        migrations.RenameIndex("digit", new_name="newest_labeled", old_name="newest_labelled"),
        migrations.AddIndex(
            "digit",
            models.Index(
                fields=["verdict", "predicted_at"], name="recognizer__verdict_2b9c14_idx"
            ),
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
                fields=["labeled_by", "labeled_at", "id"], name="recognizer__labeled_ce928e_idx"
            ),
        ),
    ]
