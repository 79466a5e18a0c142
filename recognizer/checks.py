"""System checks: what is set up wrongly is said at start, with a hint."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from recognizer import classifier


@register()
def model_can_serve(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """recognizer.E001: nothing can serve. recognizer.E002: a preferred model is passed over."""
    try:
        classifier.current()
    except classifier.ModelUnavailable as error:
        return [
            Error(
                f"No model can serve: {error}.",
                hint="Restore ml/weights/lenet.onnx or run `manage.py train`.",
                id="recognizer.E001",
            )
        ]
    return [
        Error(
            f"The model in {file} is not used: {reason}.",
            hint="Train it again or remove it.",
            id="recognizer.E002",
        )
        for file, reason in classifier.serving.problems.items()
    ]
