"""Probability calibration and verdict thresholds, fitted on validation data.

The results are stored in the metadata of the model file.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Largest shares of a source's validation digits with the verdicts "not a digit" and "unsure".
REFUSED_SHARE, UNSURE_SHARE = 0.005, 0.04
# Highest error rate among digits without the verdict "unsure", unless more would be unsure.
SURE_ERROR_RATE = 0.001


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the T that minimizes the cross-entropy of softmax(logits / T).

    Logits are float[N, 10], labels int64[N]. Guo et al., "On calibration of modern neural
    networks" (2017).
    """
    log_temperature = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(logits / log_temperature.exp(), labels)
        value.backward()
        return value

    optimizer.step(loss)
    return round(log_temperature.exp().item(), 4)


def fit_thresholds(sources: Sequence[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Fit the thresholds of ``Classifier.verdict`` on digits of several sources.

    Each source has probabilities float[N, 10] and labels int64[N]; the limits hold for each.
    ``digit``: minimum sum of the two largest probabilities; below it, "not a digit".
    ``sure``: minimum confidence; below it, "unsure".
    """
    digit = min(
        _quantile(probabilities.topk(2, dim=1).values.sum(1), REFUSED_SHARE)
        for probabilities, _ in sources
    )
    most_unsure = min(
        _quantile(probabilities.max(1).values, UNSURE_SHARE) for probabilities, _ in sources
    )
    # The lowest confidence above which at most SURE_ERROR_RATE of all digits are wrong.
    probabilities, labels = (torch.cat(parts) for parts in zip(*sources, strict=True))
    confidence, predicted = probabilities.max(1)
    order = confidence.argsort(descending=True)
    wrong = (predicted != labels)[order]
    error_rates = wrong.cumsum(0) / torch.arange(1, len(order) + 1)
    allowed = (error_rates <= SURE_ERROR_RATE).nonzero()
    few_errors = confidence[order[int(allowed.max())]].item() if len(allowed) else 1.0
    thresholds = {"digit": digit, "sure": min(few_errors, most_unsure)}
    # Rounding up could exceed the limits.
    return {name: math.floor(1e4 * value) / 1e4 for name, value in thresholds.items()}


def _quantile(values: Tensor, share: float) -> float:
    """Return the largest value with at most this share of smaller values."""
    return torch.quantile(values, share, interpolation="lower").item()
