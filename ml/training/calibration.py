"""Probability calibration and verdict thresholds, fitted on validation data.

The results are stored in the metadata of the model file.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Share of validation digits that must not get the verdict "not a digit".
ACCEPTED_SHARE = 0.995
# Highest error rate among digits without the verdict "unsure".
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


def fit_thresholds(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """Fit the thresholds of ``Classifier.verdict`` on float[N, 10] and labels int64[N].

    ``digit``: minimum sum of the two largest probabilities; below it, "not a digit".
    ``sure``: minimum confidence; below it, "unsure".
    """
    top = probabilities.topk(2, dim=1)
    digit = torch.quantile(top.values.sum(1), 1 - ACCEPTED_SHARE).item()
    confidence, wrong = top.values[:, 0], top.indices[:, 0] != labels
    order = confidence.argsort(descending=True)
    error_rates = wrong[order].cumsum(0) / torch.arange(1, len(order) + 1)
    allowed = (error_rates <= SURE_ERROR_RATE).nonzero()
    sure = confidence[order[int(allowed.max())]].item() if len(allowed) else 1.0
    return {"digit": round(digit, 4), "sure": round(sure, 4)}
