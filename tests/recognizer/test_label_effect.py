"""Do more labels improve the model? The answer in the list of models."""

import pytest

from recognizer import registry
from recognizer.admin.label_effect import label_effect
from recognizer.models import ModelVersion
from tests.conftest import variant

MODELS = "/admin/recognizer/modelversion/"

pytestmark = pytest.mark.django_db


def trained_on(labels, errors, temperature):
    """Register a model trained on labels, with errors on held-out ones."""
    metrics = {"held_out_reviewed": {"errors": errors, "of": 1_000}}
    training = {"reviewed_images": labels}
    registry.register(variant(temperature, metrics=metrics, training=training))


@pytest.mark.parametrize(
    ("errors", "answer"), [(10, "Likely:"), (90, "Unknown:"), (100, "Unlikely:")]
)
def test_model_list_estimates_the_effect_of_labels_from_earlier_models(
    admin_client, static_files, errors, answer
):
    trained_on(500, errors=100, temperature=2.0)
    page = admin_client.get(MODELS).content.decode()
    assert "the estimate needs two models" in page
    trained_on(2_000, errors=errors, temperature=3.0)
    page = " ".join(admin_client.get(MODELS).content.decode().split())
    assert f"<strong>{answer}</strong> a model trained on 500 labels predicts 90.0%" in page
    assert ("The 95% intervals overlap." in page) == (answer == "Unknown:")


def test_model_list_counts_a_single_label_in_the_singular(admin_client, static_files):
    trained_on(1, errors=100, temperature=2.0)
    trained_on(2_000, errors=10, temperature=3.0)
    assert "a model trained on 1 label predicts" in admin_client.get(MODELS).content.decode()


def test_label_effect_ignores_models_without_labels_and_damaged_ones(candidate):
    trained_on(500, errors=100, temperature=3.0)
    damaged = registry.register(variant(4.0))[0]
    ModelVersion.objects.filter(pk=damaged.pk).update(content=b"damaged")
    assert label_effect().last is None
