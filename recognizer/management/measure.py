"""Measuring champion and challenger for the comparison: under a minute each."""

from contextlib import suppress

from ml.classifier import Classifier, ModelError
from recognizer.comparison import champion
from recognizer.management.requirements import training_requirements
from recognizer.models import Measurement


def measure(challenger: Classifier) -> None:
    """Measure a model and the one that serves, and keep the figures. What was measured is kept."""
    models = [challenger]
    with suppress(ModelError):  # what serves is damaged: there is nothing to set beside
        models.append(champion())
    with training_requirements():
        from ml import report
    for model in models:
        done = Measurement.objects.filter(pk=model.sha256, figures__work=report.WORK)
        if not done.exists():
            Measurement.objects.update_or_create(
                pk=model.sha256, defaults={"figures": _figures(model)}
            )


def _figures(model: Classifier) -> dict[str, object]:
    """What ``manage.py evaluate`` would say of it."""
    from tqdm import tqdm

    from ml import data, evaluate, report

    subjects = report.Subjects("mnist", data.mnist(train=False))
    evaluation = evaluate.evaluate(model, subjects.digits)
    return report.measure(
        model, evaluation, subjects, lambda it, **how: tqdm(it, leave=False, **how)
    )
