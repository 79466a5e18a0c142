"""LeNet, its datasets, a short training, and the exported model file."""

import shutil

import numpy as np
import pytest
import torch

from ml.classifier import Classifier
from ml.evaluation.evaluate import evaluate_images
from ml.lenet import PARAMETERS, LeNet, NormalizedLeNet, normalize
from ml.training import augment, data, export, outliers, pipeline, train
from tools.samples import SHIPPED

# Names and shapes in the original project's state_dict.
ORIGINAL = {
    "features.0.weight": (6, 1, 5, 5),
    "features.0.bias": (6,),
    "features.3.weight": (16, 6, 5, 5),
    "features.3.bias": (16,),
    "classifier.0.weight": (120, 256),
    "classifier.0.bias": (120,),
    "classifier.2.weight": (84, 120),
    "classifier.2.bias": (84,),
    "classifier.4.weight": (10, 84),
    "classifier.4.bias": (10,),
}
THRESHOLDS = {"digit": 0.8, "sure": 0.9}
TINY = train.Recipe(epochs=2, outlier_share=0.5)


def ignore_step(loss, rate):
    pass


@pytest.fixture(scope="module")
def mnist():
    return data.mnist(train=True)


@pytest.fixture(scope="module")
def datasets(mnist, few_outliers):
    return train.Datasets(mnist.subset(slice(2_000)), mnist.subset(slice(-1_000, None)))


@pytest.fixture(scope="module")
def trained(datasets):
    trainer = train.Trainer(TINY, datasets)
    epochs = list(trainer.epochs(ignore_step))
    return trainer, epochs


def test_lenet_has_the_layers_of_the_original_project():
    state = LeNet().state_dict()
    assert {name: tuple(weights.shape) for name, weights in state.items()} == ORIGINAL
    assert sum(weights.numel() for weights in state.values()) == PARAMETERS


def test_fold_keeps_the_logits(mnist):
    model = NormalizedLeNet(LeNet())
    images = normalize(mnist.images[:256], 0.13, 0.31)
    model(images)  # changes the running statistics
    model.eval()
    folded = model.fold()
    assert {name: tuple(p.shape) for name, p in folded.state_dict().items()} == ORIGINAL
    torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-4)


def test_mnist_is_complete(mnist):
    assert mnist.images.shape == (60_000, 28, 28)
    assert mnist.images.dtype == torch.uint8
    assert mnist.labels.bincount().tolist()[:2] == [5923, 6742]
    assert len(data.mnist(train=False).labels) == 10_000


def test_mnist_damaged_file_raises_value_error(tmp_path):
    for name in data.MNIST_SHA256:
        shutil.copy(data.ROOT / f"{name}.gz", tmp_path)
    damaged = tmp_path / "t10k-labels-idx1-ubyte.gz"
    shutil.copy(data.ROOT / "train-labels-idx1-ubyte.gz", damaged)
    with pytest.raises(ValueError, match=r"t10k-labels.*is damaged"):
        data.mnist(train=False, root=tmp_path)


def test_split_validates_on_the_last_5000_images(mnist):
    training, validation = data.split(mnist)
    assert (len(training.labels), len(validation.labels)) == (55_000, 5_000)
    assert torch.equal(validation.images, mnist.images[55_000:])


def test_augment_same_seed_gives_the_same_images_with_similar_ink(mnist):
    images = mnist.images[:200]
    first, second = (augment.augment(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, images)
    ink = first.sum((1, 2)) / images.sum((1, 2))
    assert 0.7 < ink.mean() < 1.3


def test_augment_strength_zero_changes_nothing(mnist):
    images = mnist.images[:50]
    assert torch.equal(augment.augment(images, torch.Generator(), 0.0), images)


def test_outliers_of_every_kind_have_ink():
    for kinds in (outliers.TRAINED_ON, outliers.HELD_OUT):
        grids = outliers.generate_grids(kinds, 5 * len(kinds), seed=1)
        assert grids.flatten(1).any(1).all()


def test_outliers_held_out_kinds_are_not_in_training():
    assert not outliers.TRAINED_ON.keys() & outliers.HELD_OUT.keys()


def test_trainer_reduces_the_validation_errors(trained):
    _, epochs = trained
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert epochs[-1].validation_errors < 250


def test_restore_other_data_or_recipe_raises_value_error(trained, datasets):
    state = trained[0].state()
    fewer = train.Datasets(datasets.training.subset(slice(1_000)), datasets.validation)
    for other in (train.Trainer(TINY, fewer), train.Trainer(train.Recipe(epochs=3), datasets)):
        with pytest.raises(ValueError, match="the recipe or the training data changed"):
            other.restore(state)


def test_finish_returns_a_model_file_with_its_metrics_and_history(trained):
    trainer, epochs = trained
    classifier = Classifier(pipeline.finish(trainer))
    metrics = classifier.facts["metrics"]["mnist_test"]
    assert metrics["of"] == 10_000
    assert metrics["errors"] == evaluate_images(classifier, data.mnist(train=False)).errors
    training = classifier.facts["training"]
    assert training["recipe"]["epochs"] == 2
    for name, values in training["history"].items():
        assert values == [pytest.approx(getattr(epoch, name), abs=1e-4) for epoch in epochs]
    assert training["history"].keys() == {"loss", "validation_loss", "validation_errors"}


@pytest.fixture(scope="module")
def exported(trained):
    trainer = trained[0]
    return export.export(
        export.ExportedLeNet(trainer.lenet(), trainer.mean, trainer.deviation, 1.0)
    )


def test_export_contains_no_local_paths(exported):
    for content in (exported.SerializeToString(), SHIPPED.read_bytes()):
        assert b".py" not in content


def test_describe_same_weights_give_the_same_version(exported):
    first, second = (
        Classifier(export.describe(exported, {"thresholds": THRESHOLDS, "run": run}))
        for run in range(2)
    )
    assert first.version == second.version
    assert first.sha256 != second.sha256


def test_exported_graph_gives_the_logits_of_pytorch(trained, exported):
    trainer, _ = trained
    images = data.mnist(train=False).images
    with torch.inference_mode():
        expected = trainer.lenet()(normalize(images, trainer.mean, trainer.deviation)).numpy()
    classifier = Classifier(export.describe(exported, {"thresholds": THRESHOLDS}))
    logits = classifier.activations(images.numpy(), ("logits",))["logits"]
    assert (logits.argmax(1) == expected.argmax(1)).all()
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_shipped_model_errors_match_its_metadata_and_the_original_project(shipped):
    evaluation = evaluate_images(shipped, data.mnist(train=False))
    assert evaluation.errors <= 69
    assert evaluation.errors == shipped.facts["metrics"]["mnist_test"]["errors"]
