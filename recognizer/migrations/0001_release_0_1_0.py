"""The tables of release 0.1.0, whose eight migrations this one replaces."""

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import migrations, models
from django.db.models import CASCADE, SET_NULL, Case, Index, Q, UniqueConstraint, When

LABELS = [*((digit, digit) for digit in "0123456789"), ("?", "not a digit")]


def created(verbose_name):
    return models.DateTimeField(auto_now_add=True, verbose_name=verbose_name)


def text(length, **options):
    return models.CharField(max_length=length, editable=False, **options)


def user(**options):
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, SET_NULL, null=True, editable=False, related_name="+", **options
    )


def primary_key():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("recognizer", name)
        for name in (
            "0001_initial", "0002_model_versions", "0003_review", "0004_what_the_log_says",
            "0005_long_log", "0006_measurements", "0007_days", "0008_lists_by_visitor_and_band",
        )
    ]
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "Drawing",
            [
                ("id", models.UUIDField(
                    default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                )),
                ("source", text(8, choices=[("page", "the page"), ("api", "a program")])),
                ("strokes", models.JSONField(editable=False, null=True)),
                ("text", text(64, verbose_name="reading")),
                ("model", text(64)),
                ("visitor_label", text(
                    64, blank=True, verbose_name="visitor says",
                    validators=[RegexValidator(r"^(\?|[0-9]+)$")],
                )),
                ("created_at", created("drawn")),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            {
                "ordering": ("-created_at",),
                "indexes": [
                    Index(fields=["-created_at"], name="recognizer__created_73ed18_idx"),
                    Index(fields=["model", "-created_at"], name="recognizer__model_7072d2_idx"),
                    Index(fields=["source", "-created_at"], name="recognizer__source_ef1532_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            "Digit",
            [
                ("id", primary_key()),
                ("drawing", models.ForeignKey(
                    "recognizer.drawing", CASCADE,
                    db_index=False, editable=False, related_name="digits",
                )),
                ("position", models.PositiveSmallIntegerField(editable=False)),
                ("image", models.BinaryField(max_length=784, verbose_name="28x28 input")),
                ("box", models.JSONField(editable=False, verbose_name="ink box")),
                ("probabilities", models.JSONField(editable=False)),
                ("text", text(1, choices=LABELS, verbose_name="reading")),
                ("confidence", models.FloatField(editable=False)),
                ("verdict", text(
                    12, choices=[(name, name) for name in ("digit", "unsure", "not a digit")]
                )),
                ("model", text(64, default="")),
                ("read_at", created("read")),
                ("label", models.CharField(blank=True, choices=LABELS, max_length=1)),
                ("labelled_by", user(db_index=False)),
                ("labelled_at", models.DateTimeField(editable=False, null=True)),
                ("leased_to", user()),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
                ("visitor_spoke", models.BooleanField(default=False, editable=False)),
                ("band", models.GeneratedField(
                    expression=Case(
                        When(confidence__lt=0.5, then=0), When(confidence__lt=0.9, then=50), default=90
                    ),
                    output_field=models.PositiveSmallIntegerField(),
                    db_persist=True,
                )),
            ],
            {
                "ordering": ("-pk",),
                "indexes": [
                    Index(fields=["confidence"], name="recognizer__confide_bde972_idx"),
                    Index(fields=["label", "confidence"], name="recognizer__label_b7a651_idx"),
                    Index(fields=["verdict", "read_at"], name="recognizer__verdict_7a06d9_idx"),
                    Index(fields=["label", "-id"], name="recognizer__label_0f5032_idx"),
                    Index(fields=["text", "-id"], name="recognizer__text_deffcd_idx"),
                    Index(fields=["verdict", "-id"], name="recognizer__verdict_bed64e_idx"),
                    Index(fields=["model", "-id"], name="recognizer__model_21f8d0_idx"),
                    Index(fields=["-id"], name="newest_labelled", condition=~Q(label="")),
                    Index(
                        fields=["labelled_by", "labelled_at", "id"],
                        name="recognizer__labelle_3cae7d_idx",
                    ),
                    Index(
                        fields=["read_at", "label", "text", "confidence", "model"],
                        name="labelled_digits", condition=~Q(label=""),
                    ),
                    Index(fields=["band", "-id"], name="recognizer__band_d54d8a_idx"),
                    Index(fields=["-id"], name="visitor_spoke", condition=Q(visitor_spoke=True)),
                ],
                "constraints": [
                    UniqueConstraint(fields=("drawing", "position"), name="one_digit_a_position")
                ],
            },
        ),
        migrations.CreateModel(
            "ModelVersion",
            [
                ("id", primary_key()),
                ("content", models.BinaryField(verbose_name="ONNX file")),
                ("sha256", text(64, unique=True, verbose_name="SHA-256")),
                ("version", text(64)),
                ("status", text(
                    9, default="candidate",
                    choices=[
                        ("candidate", "candidate"), ("serving", "serving"),
                        ("retired", "served until another was promoted"),
                        ("withdrawn", "served until it was rolled back"),
                    ],
                )),
                ("created_at", created("stored")),
                ("promoted_at", models.DateTimeField(
                    editable=False, null=True, verbose_name="promoted"
                )),
                ("promoted_by", user()),
            ],
            {
                "verbose_name": "model",
                "ordering": ("-created_at",),
                "permissions": (("promote_modelversion", "Can promote and roll back models"),),
                "constraints": [
                    UniqueConstraint(
                        fields=("status",), name="one_model_serves", condition=Q(status="serving")
                    )
                ],
            },
        ),
        migrations.CreateModel(
            "SecondLook",
            [
                ("id", primary_key()),
                ("digit", models.ForeignKey(
                    "recognizer.digit", CASCADE, related_name="second_looks"
                )),
                ("reviewer", models.ForeignKey(
                    settings.AUTH_USER_MODEL, CASCADE, related_name="+"
                )),
                ("first", models.CharField(choices=LABELS, max_length=1)),
                ("second", models.CharField(blank=True, choices=LABELS, max_length=1)),
                ("shown_at", models.DateTimeField(auto_now_add=True)),
            ],
            {
                "constraints": [
                    UniqueConstraint(fields=("digit", "reviewer"), name="one_second_look")
                ]
            },
        ),
        migrations.CreateModel(
            "Measurement",
            [
                ("sha256", models.CharField(
                    max_length=64, primary_key=True, serialize=False, verbose_name="SHA-256"
                )),
                ("figures", models.JSONField()),
                ("measured_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            "Day",
            [
                ("start", models.DateTimeField(primary_key=True, serialize=False)),
                *(
                    (name, models.PositiveIntegerField())
                    for name in ("drawings", "digits", "unsure", "not_a_digit")
                ),
            ],
        ),
    ]
