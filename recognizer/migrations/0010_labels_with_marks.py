from django.db import migrations, models


class Migration(migrations.Migration):
    """Changes no column: the validator of single-line labels without marks never ran."""

    dependencies = (("recognizer", "0009_plain_names_and_fewer_indexes"),)

    operations = (
        migrations.AlterField(
            model_name="drawing",
            name="visitor_label",
            field=models.CharField(
                blank=True, editable=False, max_length=64, verbose_name="visitor label"
            ),
        ),
    )
