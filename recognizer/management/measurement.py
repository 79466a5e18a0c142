"""Measurement of a candidate and the serving model for their comparison."""

from contextlib import suppress

from ml.classifier import Classifier, ModelError
from recognizer.comparison import load_serving_model
from recognizer.management.training_dependencies import training_dependencies
from recognizer.models import Measurement


def measure(candidate: Classifier) -> None:
    """Store the metrics of both models unless stored; less than a minute each."""
    with training_dependencies():
        from ml.evaluation import evaluate
        from ml.training import data

    models = [candidate]
    with suppress(ModelError):  # a damaged serving model cannot be measured
        models.append(load_serving_model())
    images = data.mnist(train=False)
    for model in models:
        measured = Measurement.objects.filter(pk=model.sha256)
        if not measured.filter(metrics__work=evaluate.METRICS_VERSION).exists():
            evaluation = evaluate.evaluate_images(model, images)
            metrics = evaluate.measure(model, evaluation, images)
            Measurement.objects.update_or_create(pk=model.sha256, defaults={"metrics": metrics})
