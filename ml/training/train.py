"""Training of LeNet: datasets and a recipe in, weights out."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from ml.lenet import LeNet, NormalizedLeNet, normalize
from ml.training import outliers
from ml.training.augment import augment
from ml.training.data import LabeledImages, merge

# Batches augmented at once.
CHUNK = 16
# LeNet is small: more threads only add synchronization.
THREADS = 2
# Moving average of the weights over about the last four epochs.
AVERAGE_DECAY = 0.9995


@dataclass(frozen=True)
class Recipe:
    """Training parameters, stored in model files. docs/model-card.md lists tested alternatives."""

    epochs: int = 60
    seed: int = 0
    batch_size: int = 128
    peak_rate: float = 4e-3
    # Above zero, because averaging weights that still change is more accurate.
    last_rate: float = 8e-4
    warm_up: float = 0.15
    weight_decay: float = 1e-4
    strokes_per_epoch: int = 24_000
    # Repetitions of each labeled image or non-digit per epoch, and the limit of their sum.
    labeled_repeats: int = 10
    labeled_per_epoch: int = 12_000
    dropout: float = 0.1
    # Augmentation strength decreases from 1 in the middle of the training to this value.
    last_distortion: float = 0.5
    outlier_share: float = 0.5  # of the epochs, at the end
    outlier_weight: float = 0.1
    outliers_per_step: int = 32


# One minute of training is too short for dropout.
QUICK = Recipe(epochs=10, dropout=0.0, last_rate=1e-4, last_distortion=0.3)


@dataclass(frozen=True)
class Datasets:
    """Training and validation data without the test set.

    ``strokes`` are digits of stroke files with variants, ``held_out_strokes`` the digits of the
    validation writers, one element per file, ``outliers`` non-digits. ``labeled`` are digits with
    reviewer labels; the labels of the non-digits are unused.
    """

    training: LabeledImages
    validation: LabeledImages
    strokes: LabeledImages | None = None
    held_out_strokes: Sequence[LabeledImages] = ()
    outliers: LabeledImages | None = None
    held_out_outliers: LabeledImages | None = None
    stroke_files: Sequence[Mapping[str, Any]] = ()
    labeled: LabeledImages | None = None
    held_out_labeled: LabeledImages | None = None
    non_digits: LabeledImages | None = None
    held_out_non_digits: LabeledImages | None = None

    def sha256(self) -> str:
        """Return the SHA-256 of all training data."""
        digest = hashlib.sha256()
        parts = (self.training, self.strokes, self.outliers, self.labeled, self.non_digits)
        for images in filter(None, parts):
            digest.update(images.images.numpy().tobytes())
            digest.update(images.labels.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Epoch:
    """Metrics of one pass over the training images."""

    number: int
    loss: float
    validation_loss: float
    validation_errors: int
    rate: float  # at the end of the epoch
    seconds: float


class Trainer:
    """Training of one LeNet.

    The same recipe, datasets, library versions, thread count and processor type give the same
    weights.
    """

    def __init__(self, recipe: Recipe, datasets: Datasets) -> None:
        torch.set_num_threads(min(THREADS, torch.get_num_threads()))
        torch.manual_seed(recipe.seed)
        self.recipe, self.datasets = recipe, datasets
        self.history: list[Epoch] = []
        pixels = datasets.training.images.to(torch.float32) / 255
        self.mean, self.deviation = pixels.mean().item(), pixels.std().item()
        epoch_size = len(self._training_images(torch.Generator()).labels)
        self.steps_per_epoch = epoch_size // recipe.batch_size
        self._model = NormalizedLeNet(LeNet(), recipe.dropout)
        self._average = AveragedModel(self._model, avg_fn=_moving_average, use_buffers=True)
        self._optimizer = _adamw(self._model, recipe)
        self._schedule = OneCycleLR(
            self._optimizer,
            max_lr=recipe.peak_rate,
            total_steps=recipe.epochs * self.steps_per_epoch,
            pct_start=recipe.warm_up,
            # Relative to OneCycleLR's initial rate, a 25th of the peak.
            final_div_factor=recipe.peak_rate / 25 / recipe.last_rate,
            cycle_momentum=False,
        )
        self._outliers = self._generate_outliers()

    def lenet(self) -> LeNet:
        """Return the averaged weights as a plain LeNet in evaluation mode."""
        return cast(NormalizedLeNet, self._average.module).fold()

    def epochs(self, on_step: Callable[[float, float], None]) -> Iterator[Epoch]:
        """Train the remaining epochs and yield each; call ``on_step(loss, rate)`` per batch."""
        for number in range(len(self.history) + 1, self.recipe.epochs + 1):
            started = perf_counter()
            total = 0.0
            for images, labels, non_digits in self._batches(number):
                loss = self._step(images, labels, non_digits)
                total += loss
                on_step(loss, self._rate)
            loss, errors = self._validate()
            seconds = perf_counter() - started
            mean = total / self.steps_per_epoch
            self.history.append(Epoch(number, mean, loss, errors, self._rate, seconds))
            yield self.history[-1]

    def state(self) -> dict[str, Any]:
        """Return the state after the last complete epoch, for ``torch.save``."""
        return {
            "recipe": asdict(self.recipe),
            "datasets": self.datasets.sha256(),
            "history": [asdict(epoch) for epoch in self.history],
            **{name: part.state_dict() for name, part in self._stateful().items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state. Raises ValueError for another recipe or other datasets."""
        if (state["recipe"], state["datasets"]) != (asdict(self.recipe), self.datasets.sha256()):
            raise ValueError("the recipe or the training data changed. Start a new training.")
        for name, part in self._stateful().items():
            part.load_state_dict(state[name])
        self.history = [Epoch(**epoch) for epoch in state["history"]]

    def _stateful(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "average": self._average,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
        }

    @property
    def _rate(self) -> float:
        return float(self._schedule.get_last_lr()[0])

    def _step(self, images: Tensor, labels: Tensor, non_digits: Tensor) -> float:
        self._model.train()
        logits = self._model(normalize(torch.cat([images, non_digits]), self.mean, self.deviation))
        loss = F.cross_entropy(logits[: len(images)], labels)
        if len(non_digits):
            # Cross-entropy to the uniform distribution: minimal for ten equal probabilities.
            uniform = -F.log_softmax(logits[len(images) :], dim=1).mean()
            loss = loss + self.recipe.outlier_weight * uniform
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        self._average.update_parameters(self._model)
        return loss.item()

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield batches of an epoch: augmented images, labels and, in late epochs, outliers.

        The seed depends on the epoch, so that a resumed training repeats the same batches.
        """
        recipe = self.recipe
        generator = torch.Generator().manual_seed(1_000 * recipe.seed + epoch)
        # Dropout uses the global generator.
        torch.manual_seed(generator.initial_seed())
        images, labels = self._training_images(generator)
        second_half = max(0.0, 2 * epoch / recipe.epochs - 1)
        strength = 1 - second_half * (1 - recipe.last_distortion)
        is_late = epoch > recipe.epochs * (1 - recipe.outlier_share)
        per_step = recipe.outliers_per_step if is_late else 0
        order = torch.randperm(len(labels), generator=generator)
        order = order[: self.steps_per_epoch * recipe.batch_size].view(-1, recipe.batch_size)
        for steps in order.split(CHUNK):
            count = len(steps) * per_step
            chosen = torch.randint(len(self._outliers), (count,), generator=generator)
            mixed = torch.cat([images[steps.flatten()], self._outliers[chosen]])
            augmented = augment(mixed, generator, strength).split([steps.numel(), count])
            digits, non_digits = (part.view(len(steps), -1, 28, 28) for part in augmented)
            yield from zip(digits, labels[steps], non_digits, strict=True)

    def _generate_outliers(self) -> Tensor:
        seed = self.recipe.seed
        parts = [
            outliers.generate_grids(outliers.TRAINED_ON, 10_000, seed),
            outliers.squeezed_pairs(self.datasets.training.images, 1_000, seed),
        ]
        if self.datasets.outliers:
            parts.append(self.datasets.outliers.images)
        if self.datasets.non_digits:
            generator = torch.Generator().manual_seed(seed)
            parts.append(self._repeat(self.datasets.non_digits, generator).images)
        return torch.cat(parts)

    def _training_images(self, generator: torch.Generator) -> LabeledImages:
        """Return MNIST with new samples of the strokes and the labeled images."""
        parts = [self.datasets.training]
        if self.datasets.strokes:
            count = self.recipe.strokes_per_epoch
            parts.append(_sample(self.datasets.strokes, count, generator))
        if self.datasets.labeled:
            parts.append(self._repeat(self.datasets.labeled, generator))
        return merge(*parts)

    def _repeat(self, labeled: LabeledImages, generator: torch.Generator) -> LabeledImages:
        count = self.recipe.labeled_repeats * len(labeled.labels)
        return _sample(labeled, min(count, self.recipe.labeled_per_epoch), generator)

    @torch.inference_mode()
    def _validate(self) -> tuple[float, int]:
        images, labels = self.datasets.validation
        logits = self.lenet()(normalize(images, self.mean, self.deviation))
        errors = (logits.argmax(1) != labels).sum().item()
        return F.cross_entropy(logits, labels).item(), int(errors)


def _sample(images: LabeledImages, count: int, generator: torch.Generator) -> LabeledImages:
    chosen = torch.randint(len(images.labels), (count,), generator=generator)
    return LabeledImages(images.images[chosen], images.labels[chosen])


def _moving_average(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """Average the weights exponentially; the first steps get a smaller decay."""
    if not average.is_floating_point():
        return current
    decay = min(AVERAGE_DECAY, (1 + int(steps)) / (10 + int(steps)))
    return average.lerp(current, 1 - decay)


def _adamw(model: NormalizedLeNet, recipe: Recipe) -> torch.optim.Optimizer:
    """Return AdamW without weight decay for biases and normalization."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=recipe.peak_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay, fused=True
    )
