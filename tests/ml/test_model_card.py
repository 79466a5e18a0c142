"""The documented metrics are those of the shipped model."""

import pytest

from ml.evaluation.evaluate import evaluate_images
from ml.training import data
from tools.samples import ROOT

CARD = (ROOT / "docs" / "model-card.md").read_text()


@pytest.fixture(scope="module")
def evaluation(shipped):
    return evaluate_images(shipped, data.mnist(train=False))


def test_model_card_names_the_shipped_model(shipped):
    assert f"Model `{shipped.version}`, SHA-256 `{shipped.sha256}`." in CARD


def test_model_card_has_the_metrics(evaluation):
    assert f"errors of 10000 | {evaluation.errors} ({evaluation.accuracy:.2%};" in CARD
    assert f"calibration error, 15 bins | {evaluation.calibration_error:.2%} |" in CARD
    for one in evaluation.by_class():
        assert f"| {one.digit} | {one.count} | {one.errors} | {one.recall:.2%} |" in CARD


def test_model_card_has_the_recipe(shipped):
    recipe = shipped.facts["training"]["recipe"]
    assert f"--seed {recipe['seed']}" in CARD
    assert f"{recipe['epochs']} epochs of AdamW" in CARD


def test_readme_has_the_test_errors(evaluation):
    errors = f"| {evaluation.errors} ({evaluation.accuracy:.2%} correct)"
    assert errors in (ROOT / "README.md").read_text()
