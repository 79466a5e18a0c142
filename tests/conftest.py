"""What tests of all kinds share."""

from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, settings

from ml.classifier import Classifier

# No test has a clock in it: a busy machine is no defect.
settings.register_profile("digits", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digits")

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "ml" / "weights" / "lenet.onnx"

# A seven as somebody draws it: one stroke, in pixels.
SEVEN = [[[60, 60, 0], [220, 60, 80], [190, 110, 130], [150, 180, 190], [125, 260, 260]]]


@pytest.fixture(scope="session")
def shipped() -> Classifier:
    """The classifier that ships with the project."""
    return Classifier(SHIPPED.read_bytes())


@pytest.fixture(scope="session")
def static_files():
    """Static files collected as they are for deployment: hashed and compressed."""
    call_command("collectstatic", interactive=False, verbosity=0)
