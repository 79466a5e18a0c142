"""LeNet, the PyTorch network of this project. Training may change; the layers may not."""

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

PARAMETERS = 44_426


class LeNet(nn.Module):
    """Two convolutions and three linear layers: float[N, 1, 28, 28] in, logits float[N, 10] out.

    The names ``features`` and ``classifier`` and the layer order match the original project, so
    that its ``state_dict`` loads.
    """

    def __init__(self, output_dim: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(6, 16, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, output_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.features(x).flatten(1)))


class NormalizedLeNet(nn.Module):
    """LeNet during training: batch normalization after every layer with weights except the last.

    Batch normalization makes a high learning rate safe (Ioffe and Szegedy, 2015); after training,
    ``fold`` moves its scale and shift into the weights. Dropout before each linear layer reduces
    overfitting (Srivastava et al., 2014) and is inactive in evaluation mode.
    """

    def __init__(self, lenet: LeNet, dropout: float = 0.0) -> None:
        super().__init__()
        self.lenet = lenet
        self.dropout = nn.Dropout(dropout)
        self.conv_norms = nn.ModuleList([nn.BatchNorm2d(6), nn.BatchNorm2d(16)])
        self.dense_norms = nn.ModuleList([nn.BatchNorm1d(120), nn.BatchNorm1d(84)])

    def forward(self, x: Tensor) -> Tensor:
        norms = iter([*self.conv_norms, *self.dense_norms])
        for layer in self.lenet.features:
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                x = next(norms)(x)
        x = x.flatten(1)
        for layer in self.lenet.classifier:
            x = layer(self.dropout(x) if isinstance(layer, nn.Linear) else x)
            if isinstance(layer, nn.Linear) and (norm := next(norms, None)):
                x = norm(x)
        return x

    def fold(self) -> LeNet:
        """Return a plain LeNet that computes the same logits as this module in evaluation mode."""
        folded = copy.deepcopy(self).eval()
        _fold(folded.lenet.features, folded.conv_norms, fuse_conv_bn_eval)
        _fold(folded.lenet.classifier, folded.dense_norms, fuse_linear_bn_eval)
        return folded.lenet


def _fold(layers: nn.Sequential, norms: nn.ModuleList, fuse: Callable[..., nn.Module]) -> None:
    weighted = [i for i, layer in enumerate(layers) if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for index, norm in zip(weighted, norms, strict=False):
        layers[index] = fuse(layers[index], norm)


def normalize(images: Tensor, mean: float | Tensor, deviation: float | Tensor) -> Tensor:
    """Convert uint8[N, 28, 28] to the network's input, float32[N, 1, 28, 28]."""
    return ((images.to(torch.float32) / 255 - mean) / deviation)[:, None]
