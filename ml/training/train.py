"""Training LeNet: data and a recipe in, plain weights out."""

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
from ml.training.data import LabeledImages, concatenate

# Batches distorted at once.
CHUNK = 16
# More threads only wait for one another: the net is small.
THREADS = 2
# Of the weights; what is kept is their moving average over about the last four epochs.
AVERAGE_DECAY = 0.9995


@dataclass(frozen=True)
class Recipe:
    """How to train; docs/model-card.md says what was tried instead."""

    epochs: int = 50
    seed: int = 0
    batch_size: int = 128
    peak_rate: float = 4e-3
    # Not zero: the average of weights that still move is better than weights that stand still.
    last_rate: float = 8e-4
    warm_up: float = 0.15
    weight_decay: float = 1e-4
    strokes_per_epoch: int = 12_000
    # Reviewed drawings: so often each in an epoch, and all of them so often at most; those that are
    # no digit, so often among the outliers.
    reviewed_repeats: int = 10
    reviewed_per_epoch: int = 12_000
    dropout: float = 0.1
    # Images are distorted less and less from the middle of the training on, down to this share.
    last_distortion: float = 0.5
    outlier_share: float = 0.15  # of the epochs, the last ones
    outlier_weight: float = 0.05
    outliers_per_step: int = 32


# A minute's training: too short for a net that has to learn in spite of dropout.
QUICK = Recipe(epochs=10, dropout=0.0, last_rate=1e-4, last_distortion=0.3)


@dataclass(frozen=True)
class Datasets:
    """What to train on and what to choose by. The test set is not here."""

    training: LabeledImages
    validation: LabeledImages
    strokes: LabeledImages | None = None
    held_out_strokes: LabeledImages | None = None
    held_out_writers: Sequence[str] = ()
    reviewed: LabeledImages | None = None
    held_out_reviewed: LabeledImages | None = None
    # What reviewers call no digit; its labels say nothing.
    non_digits: LabeledImages | None = None
    held_out_non_digits: LabeledImages | None = None

    def sha256(self) -> str:
        """Of all that is trained on."""
        digest = hashlib.sha256()
        for part in filter(None, (self.training, self.strokes, self.reviewed, self.non_digits)):
            digest.update(part.images.numpy().tobytes())
            digest.update(part.labels.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave."""

    number: int
    loss: float
    validation_loss: float
    validation_errors: int
    rate: float  # with which the epoch ended
    seconds: float


class Trainer:
    """Trains one LeNet. Same recipe, sets and library versions: same weights."""

    def __init__(self, recipe: Recipe, sets: Datasets) -> None:
        torch.set_num_threads(min(THREADS, torch.get_num_threads()))
        torch.manual_seed(recipe.seed)
        self.recipe, self.sets = recipe, sets
        self.history: list[Epoch] = []
        self.mean, self.deviation = _statistics(sets.training.images)
        self.steps_per_epoch = len(self._mixture(torch.Generator()).labels) // recipe.batch_size
        self._net = NormalizedLeNet(LeNet(), recipe.dropout)
        self._average = AveragedModel(self._net, avg_fn=_moving_average, use_buffers=True)
        self._optimizer = _optimizer(self._net, recipe)
        self._schedule = OneCycleLR(
            self._optimizer,
            max_lr=recipe.peak_rate,
            total_steps=recipe.epochs * self.steps_per_epoch,
            pct_start=recipe.warm_up,
            # OneCycleLR wants it as a share of the first rate, which is a 25th of the peak.
            final_div_factor=recipe.peak_rate / 25 / recipe.last_rate,
            cycle_momentum=False,
        )
        self._outliers = torch.cat(list(self._outlier_parts()))

    def net(self) -> LeNet:
        """The plain LeNet trained so far, in evaluation mode."""
        return cast(NormalizedLeNet, self._average.module).folded()

    def epochs(self, on_step: Callable[[float, float], None]) -> Iterator[Epoch]:
        """Train on, yielding after each epoch; ``on_step`` is told loss and rate of each batch."""
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
        """All that training needs to go on after the last whole epoch, for ``torch.save``."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return {
            "recipe": asdict(self.recipe),
            "sets": self.sets.sha256(),
            "history": [asdict(epoch) for epoch in self.history],
            **parts,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state. Raises ValueError when it is of another recipe or other data."""
        if (state["recipe"], state["sets"]) != (asdict(self.recipe), self.sets.sha256()):
            raise ValueError("it was trained with another recipe or on other data")
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.history = [Epoch(**epoch) for epoch in state["history"]]

    def _parts(self) -> dict[str, Any]:
        return {
            "net": self._net,
            "average": self._average,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
        }

    @property
    def _rate(self) -> float:
        return float(self._schedule.get_last_lr()[0])

    def _step(self, images: Tensor, labels: Tensor, non_digits: Tensor) -> float:
        self._net.train()
        logits = self._net(normalize(torch.cat([images, non_digits]), self.mean, self.deviation))
        loss = F.cross_entropy(logits[: len(images)], labels)
        if len(non_digits):
            # Least where all ten digits are equally likely.
            uniform = -F.log_softmax(logits[len(images) :], dim=1).mean()
            loss = loss + self.recipe.outlier_weight * uniform
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        self._average.update_parameters(self._net)
        return loss.item()

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The batches of an epoch: distorted images, labels and (late) outliers.

        Every epoch has a random generator of its own, so that it can be repeated alone.
        """
        recipe = self.recipe
        generator = torch.Generator().manual_seed(1_000 * recipe.seed + epoch)
        # Dropout draws from the generator that all share.
        torch.manual_seed(generator.initial_seed())
        images, labels = self._mixture(generator)
        strength = self._distortion(epoch)
        late = epoch > recipe.epochs * (1 - recipe.outlier_share)
        per_step = recipe.outliers_per_step if late else 0
        order = torch.randperm(len(labels), generator=generator)
        order = order[: self.steps_per_epoch * recipe.batch_size].view(-1, recipe.batch_size)
        for steps in order.split(CHUNK):
            picked = torch.randint(
                len(self._outliers), (len(steps) * per_step,), generator=generator
            )
            mixed = torch.cat([images[steps.flatten()], self._outliers[picked]])
            digits, non_digits = augment(mixed, generator, strength).split(
                [steps.numel(), len(picked)]
            )
            yield from zip(
                digits.view(len(steps), -1, 28, 28),
                labels[steps],
                non_digits.view(len(steps), -1, 28, 28),
                strict=True,
            )

    def _outlier_parts(self) -> Iterator[Tensor]:
        """Drawings that are no digits: made by rule, and what reviewers say is none."""
        seed = self.recipe.seed
        yield outliers.draw(outliers.TRAINED_ON, 10_000, seed)
        yield outliers.squeezed_pairs(self.sets.training.images, 1_000, seed)
        if self.sets.non_digits:
            yield self._often(self.sets.non_digits, torch.Generator().manual_seed(seed)).images

    def _distortion(self, epoch: int) -> float:
        """How strongly images are distorted in an epoch: fully at first, then less and less."""
        second_half = max(0.0, 2 * epoch / self.recipe.epochs - 1)
        return 1 - second_half * (1 - self.recipe.last_distortion)

    def _mixture(self, generator: torch.Generator) -> LabeledImages:
        """The training images, with fresh samples of strokes and of reviewed drawings."""
        parts = [self.sets.training]
        if self.sets.strokes:
            parts.append(_sample(self.sets.strokes, self.recipe.strokes_per_epoch, generator))
        if self.sets.reviewed:
            parts.append(self._often(self.sets.reviewed, generator))
        return concatenate(*parts)

    def _often(self, reviewed: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """A sample of reviewed drawings that has each so often as the recipe says."""
        count = self.recipe.reviewed_repeats * len(reviewed.labels)
        return _sample(reviewed, min(count, self.recipe.reviewed_per_epoch), generator)

    @torch.inference_mode()
    def _validate(self) -> tuple[float, int]:
        images, labels = self.sets.validation
        logits = self.net()(normalize(images, self.mean, self.deviation))
        errors = (logits.argmax(1) != labels).sum().item()
        return F.cross_entropy(logits, labels).item(), int(errors)


def _sample(digits: LabeledImages, count: int, generator: torch.Generator) -> LabeledImages:
    chosen = torch.randint(len(digits.labels), (count,), generator=generator)
    return LabeledImages(digits.images[chosen], digits.labels[chosen])


def _statistics(images: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of the pixels of uint8 images, from 0 to 1."""
    pixels = images.to(torch.float32) / 255
    return pixels.mean().item(), pixels.std().item()


def _moving_average(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """The exponential moving average of weights, which forgets its first steps sooner."""
    if not average.is_floating_point():
        return current
    decay = min(AVERAGE_DECAY, (1 + int(steps)) / (10 + int(steps)))
    return average.lerp(current, 1 - decay)


def _optimizer(net: NormalizedLeNet, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW that decays the weights alone, not biases and normalization."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in net.parameters() if p.ndim > 1]},
        {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups,
        lr=recipe.peak_rate,
        betas=(0.9, 0.99),
        weight_decay=recipe.weight_decay,
        fused=True,
    )
