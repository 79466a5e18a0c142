"""LeNet: the network of this project. Its shape is fixed; how it is trained is not."""

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

PARAMETERS = 44_426


class LeNet(nn.Module):
    """Two convolutions and three linear layers: float[N, 1, 28, 28] in, logits float[N, 10] out.

    The names ``features`` and ``classifier`` and the order of their layers are the original
    project's, so that its ``state_dict`` loads.
    """

    def __init__(self, output_dim: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5),  # [N, 6, 24, 24]
            nn.MaxPool2d(2),  # [N, 6, 12, 12]
            nn.ReLU(),
            nn.Conv2d(6, 16, 5),  # [N, 16, 8, 8]
            nn.MaxPool2d(2),  # [N, 16, 4, 4]
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
    """LeNet as it is trained: batch normalization after every layer with weights but the last.

    Normalization makes a high learning rate safe (Ioffe and Szegedy, 2015); once trained it is a
    scale and a shift that ``folded`` moves into the weights, so that what ships is a plain LeNet.
    Dropout before each linear layer keeps it from learning the training set by heart (Srivastava
    et al., 2014); once trained it does nothing.
    """

    def __init__(self, net: LeNet, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = net
        self.dropout = nn.Dropout(dropout)
        self.conv_norms = nn.ModuleList([nn.BatchNorm2d(6), nn.BatchNorm2d(16)])
        self.dense_norms = nn.ModuleList([nn.BatchNorm1d(120), nn.BatchNorm1d(84)])

    def forward(self, x: Tensor) -> Tensor:
        norms = iter([*self.conv_norms, *self.dense_norms])
        for layer in self.net.features:
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                x = next(norms)(x)
        x = x.flatten(1)
        for layer in self.net.classifier:
            x = layer(self.dropout(x) if isinstance(layer, nn.Linear) else x)
            if isinstance(layer, nn.Linear) and (norm := next(norms, None)):
                x = norm(x)
        return x

    def folded(self) -> LeNet:
        """A plain LeNet that computes what this net computes in evaluation mode."""
        plain = copy.deepcopy(self).eval()
        _fold(plain.net.features, plain.conv_norms, fuse_conv_bn_eval)
        _fold(plain.net.classifier, plain.dense_norms, fuse_linear_bn_eval)
        return plain.net


def _has_weights(layer: nn.Module) -> bool:
    return isinstance(layer, (nn.Conv2d, nn.Linear))


def _fold(layers: nn.Sequential, norms: nn.ModuleList, fuse: Callable[..., nn.Module]) -> None:
    weighted = [index for index, layer in enumerate(layers) if _has_weights(layer)]
    for index, norm in zip(weighted, norms, strict=False):
        layers[index] = fuse(layers[index], norm)


def count_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def normalize(images: Tensor, mean: float | Tensor, deviation: float | Tensor) -> Tensor:
    """uint8[N, 28, 28] to float32[N, 1, 28, 28], as the net was trained to see it."""
    return ((images.to(torch.float32) / 255 - mean) / deviation)[:, None]
