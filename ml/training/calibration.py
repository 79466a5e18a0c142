"""Making probabilities honest, and deciding from when on they are a digit.

Everything is fitted on validation data and travels in the metadata of the model.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Share of validation digits that must pass as digits.
ACCEPTED = 0.995
# Share of wrong answers, at most, among those called sure.
SURE_ERRORS = 0.001


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that makes softmax(logits / T) likeliest, for float[N, 10] and int64[N].

    Guo et al., "On calibration of modern neural networks" (2017).
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


def fit_thresholds(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """Thresholds on probabilities float[N, 10] of digits int64[N], as the classifier uses them.

    ``digit``: what the two likeliest digits must reach together, or there is none. ``sure``: what
    the likeliest must reach, or the digit is unsure.
    """
    top = probabilities.topk(2, dim=1)
    together = top.values.sum(1)
    digit = torch.quantile(together, 1 - ACCEPTED).item()
    wrong = top.indices[:, 0] != labels
    return {"digit": round(digit, 4), "sure": round(_sure(top.values[:, 0], wrong), 4)}


def _sure(confidence: Tensor, wrong: Tensor) -> float:
    """The least confidence from which on hardly any answer is wrong."""
    order = confidence.argsort(descending=True)
    errors = wrong[order].cumsum(0) / torch.arange(1, len(order) + 1)
    fine = (errors <= SURE_ERRORS).nonzero()
    return confidence[order[int(fine.max())]].item() if len(fine) else 1.0
