"""Training runs with stroke files: datasets, checkpoints, and the facts of the model file."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest
import torch

from ml.classifier import Classifier
from ml.preprocessing.strokes import rasterize
from ml.training import pipeline, stroke_files
from ml.training.train import Recipe, Trainer
from tools.samples import SEVEN

WRITERS = {"training": "12", "validation": "3", "test": "ana"}
LINE = [[[0, 0], [90, 10]]]
RECIPE = Recipe(epochs=2, strokes_per_epoch=200, outlier_share=0.5)


@pytest.fixture(autouse=True)
def few_outliers_of_strokes(small_datasets, monkeypatch):
    monkeypatch.setattr(pipeline, "CROSSED_OUT", 12)
    monkeypatch.setattr(pipeline, "PAIRS", 8)


def load_datasets(paths, **options):
    return pipeline.load_datasets([stroke_files.read(path) for path in paths], **options)


def row(label, part, strokes=SEVEN, **fields):
    return {"strokes": strokes, "label": label, "writer": WRITERS[part], **fields}


# Labels show the part: 1 and 2 for training, 3 for validation, 9 for tests.
DIGITS = [
    *(row(label, "training") for label in "112"),
    *(row("3", "validation") for _ in range(4)),
    row("9", "test"),
    row("other", "training"),
]
OUTLIERS = [
    row("?", "training", LINE, what="C"),
    row("?", "training", what="A"),
    *(row("?", "validation") for _ in range(5)),
    row("?", "test"),
    row("3", "validation"),
]
NUMBERS = [row("12", "training"), row("3-4", "validation"), row("1\n2", "test")]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes rows to a stroke file."""

    def write_rows(name, rows):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(map(json.dumps, rows)))
        return path

    return write_rows


@pytest.fixture
def paths(write):
    """Return three stroke files; two have the same name."""
    return [
        write("digits/a.jsonl", DIGITS),
        write("outliers/a.jsonl", OUTLIERS),
        write("numbers.jsonl", NUMBERS),
    ]


def test_load_datasets_uses_each_writer_in_one_part(paths):
    datasets = load_datasets(paths)
    assert set(datasets.strokes.labels.tolist()) == {1, 2}
    assert [one.labels.tolist() for one in datasets.held_out_strokes] == [[3] * 4, [3]]
    assert len(datasets.held_out_outliers.labels) == 5
    assert len(datasets.training.labels) == 1_000


def test_load_datasets_outliers_exclude_held_out_characters(paths):
    outliers = load_datasets(paths).outliers
    assert len(outliers.labels) == 1 + pipeline.OUTLIER_VARIANTS + 12 + 8
    images = [image.numpy().tobytes() for image in outliers.images]
    assert images[0] == rasterize(LINE).tobytes()
    assert rasterize(SEVEN).tobytes() not in images


def test_load_datasets_states_name_sha256_and_counts_of_each_file(paths):
    digits, outliers, numbers = load_datasets(paths).stroke_files
    none = {"training": 0, "validation": 0, "test": 0}
    assert digits == {
        "name": "a.jsonl",
        "sha256": hashlib.sha256(paths[0].read_bytes()).hexdigest(),
        "skipped": 1,
        "digits": {"training": 3, "validation": 4, "test": 1},
        "non_digits": none,
        "numbers": none,
    }
    assert outliers["digits"] == {**none, "validation": 1}
    assert outliers["non_digits"] == {"training": 1, "validation": 5, "test": 1}
    assert numbers["numbers"] == {"training": 1, "validation": 1, "test": 1}
    assert (numbers["name"], numbers["digits"]) == ("numbers.jsonl", none)


def test_load_datasets_same_seed_gives_the_same_data(paths):
    first, second, other = (load_datasets(paths, seed=seed).sha256() for seed in (1, 1, 2))
    assert first == second != other


def test_load_datasets_only_non_digits_gives_outliers_without_strokes(write):
    rows = [row("?", "training", LINE), row("?", "validation")]
    datasets = load_datasets([write("non-digits.jsonl", rows)])
    assert datasets.strokes is None
    assert list(datasets.held_out_strokes) == []
    assert len(datasets.outliers.labels) == 1 + pipeline.OUTLIER_VARIANTS
    assert len(datasets.held_out_outliers.labels) == 1


def test_load_datasets_only_numbers_trains_on_mnist(write):
    datasets = load_datasets([write("numbers.jsonl", NUMBERS)])
    assert datasets.strokes is datasets.outliers is datasets.held_out_outliers is None
    assert datasets.sha256() == pipeline.load_datasets().sha256()
    assert datasets.stroke_files[0]["numbers"]["training"] == 1


def train(trainer):
    list(trainer.epochs(lambda loss, rate: None))
    return trainer


def test_trainer_adds_samples_of_strokes_and_all_outliers(paths):
    datasets = load_datasets(paths)
    trainer = Trainer(RECIPE, datasets)
    assert trainer.steps_per_epoch == (1_000 + RECIPE.strokes_per_epoch) // RECIPE.batch_size
    used = {image.numpy().tobytes() for image in trainer._outliers}
    assert used >= {image.numpy().tobytes() for image in datasets.outliers.images}
    assert not used & {image.numpy().tobytes() for image in datasets.held_out_outliers.images}


@pytest.mark.parametrize("name", ["strokes", "outliers"])
def test_restore_with_other_strokes_or_outliers_raises_value_error(paths, name):
    datasets = load_datasets(paths)
    state = Trainer(RECIPE, datasets).state()
    fewer = replace(datasets, **{name: getattr(datasets, name).subset(slice(1, None))})
    with pytest.raises(ValueError, match="the training data changed"):
        Trainer(RECIPE, fewer).restore(state)


def test_finish_states_the_stroke_files_and_the_metrics_of_held_out_strokes(paths):
    datasets = load_datasets(paths)
    recipe = Recipe(epochs=1, strokes_per_epoch=200)
    facts = Classifier(pipeline.finish(train(Trainer(recipe, datasets)))).facts
    assert facts["training"]["stroke_files"] == list(datasets.stroke_files)
    assert facts["training"]["stroke_images"] == len(datasets.strokes.labels)
    assert facts["training"]["recipe"] == asdict(recipe)
    assert facts["metrics"]["held_out_strokes"]["of"] == 5
    assert facts["metrics"]["held_out_stroke_non_digits"]["of"] == 5
    assert facts["metrics"]["held_out_stroke_non_digits"].keys() == {"errors", "of"}
    assert facts["metrics"]["validation"]["of"] == 500


def test_resume_with_several_files_gives_the_weights_of_an_uninterrupted_training(
    paths, tmp_path, monkeypatch
):
    complete = train(Trainer(RECIPE, load_datasets(paths)))
    interrupted = Trainer(RECIPE, load_datasets(paths))
    next(interrupted.epochs(lambda loss, rate: None))
    monkeypatch.chdir(tmp_path)
    relative = [path.relative_to(tmp_path) for path in paths]
    checkpoint = tmp_path / "lenet.checkpoint"
    pipeline.save_checkpoint(interrupted, relative, checkpoint)
    monkeypatch.chdir("/")
    resumed, resumed_paths = pipeline.resume(checkpoint)
    assert resumed_paths == paths
    assert resumed.datasets.stroke_files == complete.datasets.stroke_files
    train(resumed)
    weights = [trainer.lenet().state_dict() for trainer in (complete, resumed)]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name])


def test_resume_with_a_missing_or_changed_file_raises(paths, tmp_path):
    trainer = Trainer(RECIPE, load_datasets(paths))
    checkpoint = tmp_path / "lenet.checkpoint"
    pipeline.save_checkpoint(trainer, paths, checkpoint)
    paths[0].write_text("\n".join(map(json.dumps, DIGITS[1:])))
    with pytest.raises(ValueError, match="the training data changed"):
        pipeline.resume(checkpoint)
    paths[0].unlink()
    with pytest.raises(OSError, match=r"a\.jsonl"):
        pipeline.resume(checkpoint)


def flip_byte(content):
    position = len(content) // 2
    return content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        flip_byte,
        lambda content: content[:5_000],
        lambda content: b"",
        lambda content: bytes(range(256)),
    ],
    ids=["one byte", "truncated", "empty", "another file"],
)
def test_resume_with_a_damaged_checkpoint_raises(tmp_path, damage):
    checkpoint = tmp_path / "lenet.checkpoint"
    pipeline.save_checkpoint(Trainer(RECIPE, pipeline.load_datasets()), [], checkpoint)
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(ValueError, match=r"lenet\.checkpoint is damaged\. Start a new training\.$"):
        pipeline.resume(checkpoint)


def test_resume_with_another_torch_file_raises(tmp_path):
    torch.save({"weights": 1}, tmp_path / "other")
    with pytest.raises(ValueError, match="not a checkpoint of this release"):
        pipeline.resume(tmp_path / "other")
