"""Measuring champion and challenger for the comparison: under a minute each."""

from contextlib import suppress

from ml.classifier import Classifier, ModelError
from recognizer.comparison import load_serving_model
from recognizer.management.training_dependencies import training_requirements
from recognizer.models import Measurement


def measure(challenger: Classifier) -> None:
    """Measure a model and the one that serves, and keep the figures. What was measured is kept."""
    models = [challenger]
    with suppress(ModelError):  # what serves is damaged: there is nothing to set beside
        models.append(load_serving_model())
    with training_requirements():
        from ml.evaluation import evaluate
    for model in models:
        done = Measurement.objects.filter(pk=model.sha256, metrics__work=evaluate.WORK)
        if not done.exists():
            Measurement.objects.update_or_create(
                pk=model.sha256, defaults={"metrics": _figures(model)}
            )


def _figures(model: Classifier) -> dict[str, object]:
    """What ``manage.py evaluate`` would say of it."""
    from tqdm import tqdm

    from ml.evaluation import evaluate
    from ml.training import data

    subjects = evaluate.Subjects("mnist", data.mnist(train=False))
    evaluation = evaluate.evaluate_images(model, subjects.digits)
    return evaluate.measure(
        model, evaluation, subjects, lambda it, **how: tqdm(it, leave=False, **how)
    )
