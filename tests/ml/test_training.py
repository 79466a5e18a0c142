"""The net, its data, a short training run, and the file that comes out of it."""

import hashlib
import shutil

import numpy as np
import onnx
import pytest
import torch

from ml.classifier import Classifier
from ml.evaluation import metrics
from ml.evaluation.evaluate import evaluate_images
from ml.lenet import PARAMETERS, LeNet, NormalizedLeNet, count_parameters, normalize
from ml.training import augment, calibration, data, export, outliers, pipeline, train
from tools.samples import SHIPPED

# The state_dict of the original project: names and shapes.
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
TINY = train.Recipe(epochs=2, outlier_share=0.5)


def ignore(loss, rate):
    pass


@pytest.fixture(scope="module")
def mnist():
    return data.mnist(train=True)


@pytest.fixture(scope="module")
def sets(mnist):
    return train.Datasets(mnist.part(slice(2_000)), mnist.part(slice(-1_000, None)))


@pytest.fixture(scope="module")
def trained(sets):
    trainer = train.Trainer(TINY, sets)
    epochs = list(trainer.epochs(ignore))
    return trainer, epochs


def test_lenet_has_the_parameters_of_the_design():
    assert count_parameters(LeNet()) == PARAMETERS


def test_the_originals_state_dict_loads():
    state = {name: torch.zeros(shape) for name, shape in ORIGINAL.items()}
    LeNet().load_state_dict(state)


def test_folding_changes_nothing_but_the_layers(mnist):
    net = NormalizedLeNet(LeNet())
    images = normalize(mnist.images[:256], 0.13, 0.31)
    net(images)  # moves the running statistics off their start
    net.eval()
    plain = net.folded()
    assert {name: tuple(p.shape) for name, p in plain.state_dict().items()} == ORIGINAL
    torch.testing.assert_close(plain(images), net(images), rtol=1e-4, atol=1e-4)


def test_mnist_is_whole(mnist):
    assert mnist.images.shape == (60_000, 28, 28)
    assert mnist.images.dtype == torch.uint8
    assert mnist.labels.bincount().tolist()[:2] == [5923, 6742]
    assert len(data.mnist(train=False).labels) == 10_000


def test_a_damaged_file_is_refused(tmp_path):
    for name in data.MNIST_SHA256:
        shutil.copy(data.ROOT / f"{name}.gz", tmp_path)
    damaged = tmp_path / "t10k-labels-idx1-ubyte.gz"
    shutil.copy(data.ROOT / "train-labels-idx1-ubyte.gz", damaged)
    with pytest.raises(ValueError, match="t10k-labels"):
        data.mnist(train=False, root=tmp_path)


def test_validation_images_are_not_trained_on(mnist):
    training, validation = data.split(mnist)
    assert (len(training.labels), len(validation.labels)) == (55_000, 5_000)
    assert torch.equal(validation.images, mnist.images[55_000:])


def test_distortion_is_repeatable_and_keeps_the_ink(mnist):
    images = mnist.images[:200]
    one, same = (augment.augment(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, same)
    assert not torch.equal(one, images)
    mass = one.sum((1, 2)) / images.sum((1, 2))
    assert 0.7 < mass.mean() < 1.3


def test_distortion_without_strength_changes_nothing(mnist):
    images = mnist.images[:50]
    assert torch.equal(augment.augment(images, torch.Generator(), 0.0), images)


def test_nondigits_of_every_kind_have_ink():
    for kinds in (outliers.TRAINED_ON, outliers.HELD_OUT):
        drawn = outliers.draw(kinds, 5 * len(kinds), seed=1)
        assert drawn.flatten(1).any(1).all()


def test_nothing_held_out_is_trained_on():
    assert not outliers.TRAINED_ON.keys() & outliers.HELD_OUT.keys()


def test_training_learns(trained):
    _, epochs = trained
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert epochs[-1].validation_errors < 250


def test_the_same_seed_gives_the_same_weights(trained, sets):
    again = train.Trainer(TINY, sets)
    list(again.epochs(ignore))
    for one, other in zip(trained[0].net().parameters(), again.net().parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_interrupted_run_goes_on_to_the_same_weights(trained, sets, tmp_path):
    interrupted = train.Trainer(TINY, sets)
    next(interrupted.epochs(ignore))
    torch.save(interrupted.state(), tmp_path / "state")
    resumed = train.Trainer(TINY, sets)
    resumed.restore(torch.load(tmp_path / "state", weights_only=True))
    assert [epoch.number for epoch in resumed.epochs(ignore)] == [2]
    assert [epoch.number for epoch in resumed.history] == [1, 2]
    for one, other in zip(trained[0].net().parameters(), resumed.net().parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_does_not_go_on_with_other_data_or_another_recipe(trained, sets):
    state = trained[0].state()
    fewer = train.Datasets(sets.training.part(slice(1_000)), sets.validation)
    for other in (train.Trainer(TINY, fewer), train.Trainer(train.Recipe(epochs=3), sets)):
        with pytest.raises(ValueError, match="another recipe or on other data"):
            other.restore(state)


def test_a_run_ends_in_a_file_that_serves(trained):
    classifier = Classifier(pipeline.finish(trained[0]))
    assert classifier.facts["metrics"]["mnist_test"]["of"] == 10_000
    assert classifier.facts["training"]["recipe"]["epochs"] == 2
    test = data.mnist(train=False)
    errors = evaluate_images(classifier, test).errors
    assert errors == classifier.facts["metrics"]["mnist_test"]["errors"]


def test_a_file_does_not_say_where_it_was_made(trained):
    trainer = trained[0]
    served = export.Served(trainer.net(), trainer.mean, trainer.deviation, 1.0)
    for content in (export.export(served).SerializeToString(), SHIPPED.read_bytes()):
        assert b".py" not in content


def test_the_same_weights_have_the_same_version(trained):
    trainer = trained[0]
    served = export.Served(trainer.net(), trainer.mean, trainer.deviation, 1.0)
    thresholds = {"digit": 0.8, "sure": 0.9}
    one, other = (
        Classifier(export.describe(export.export(served), {"thresholds": thresholds, "run": i}))
        for i in range(2)
    )
    assert one.version == other.version
    assert one.sha256 != other.sha256


def test_exported_graph_and_pytorch_agree_on_every_test_image(shipped):
    test = data.mnist(train=False)
    served = export.load(onnx.load(SHIPPED))
    with torch.inference_mode():
        expected = served(test.images)[1].numpy()
    logits = shipped.activations(test.images.numpy(), ("logits",))["logits"]
    assert (logits.argmax(1) == expected.argmax(1)).all()
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_the_shipped_weights_are_at_least_as_good_as_the_originals(shipped):
    evaluation = evaluate_images(shipped, data.mnist(train=False))
    assert evaluation.errors <= 69
    assert evaluation.errors == shipped.facts["metrics"]["mnist_test"]["errors"]
    assert sum(one.errors for one in evaluation.by_class()) == evaluation.errors


def test_temperature_makes_overconfident_logits_honest():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5_000, 10, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert calibration.fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    honest, overconfident = (
        metrics.Evaluation(labels.numpy(), (scale * logits).softmax(1).numpy(), ())
        for scale in (1, 3)
    )
    assert honest.calibration_error < overconfident.calibration_error / 3


def test_thresholds_accept_digits_and_single_out_the_sure():
    confidence = torch.linspace(0.2, 0.999, 1_000)
    probabilities = torch.zeros(1_000, 10)
    probabilities[:, 3], probabilities[:, 5] = confidence, (1 - confidence) / 2
    labels = torch.where(confidence < 0.6, 5, 3)
    thresholds = calibration.fit_thresholds(probabilities, labels)
    assert (confidence >= thresholds["sure"]).float().mean() == pytest.approx(0.5, abs=0.01)
    accepted = probabilities.topk(2, 1).values.sum(1) >= thresholds["digit"]
    assert accepted.float().mean() == pytest.approx(calibration.ACCEPTED, abs=0.01)


def test_the_shipped_data_is_what_its_readme_says():
    readme = (data.ROOT / "README.md").read_text()
    for sha256 in data.MNIST_SHA256.values():
        assert sha256 in readme
    assert (
        hashlib.sha256((data.ROOT / "MNIST/raw/t10k-labels-idx1-ubyte").read_bytes()).hexdigest()
        in readme
    )
