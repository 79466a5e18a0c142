"""LeNet: the network of this project. Its shape is fixed; how it is trained is not."""

import copy
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


class NormalisedLeNet(nn.Module):
    """LeNet as it is trained: batch normalisation after every layer with weights but the last.

    Normalisation makes a high learning rate safe (Ioffe and Szegedy, 2015); once trained it is a
    scale and a shift that ``folded`` moves into the weights, so that what ships is a plain LeNet.
    """

    def __init__(self, net: LeNet) -> None:
        super().__init__()
        self.net = net
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(6), nn.BatchNorm2d(16), nn.BatchNorm1d(120), nn.BatchNorm1d(84)]
        )

    def forward(self, x: Tensor) -> Tensor:
        norms = iter(self.norms)
        for part in (self.net.features, self.net.classifier):
            for layer in part:
                x = layer(x)
                if isinstance(layer, (nn.Conv2d, nn.Linear)) and (norm := next(norms, None)):
                    x = norm(x)
            x = x.flatten(1)
        return x

    def folded(self) -> LeNet:
        """A plain LeNet that computes what this net computes in evaluation mode."""
        plain = copy.deepcopy(self).eval()
        net = plain.net
        conv1, conv2, dense1, dense2 = plain.norms
        net.features[0] = fuse_conv_bn_eval(net.features[0], conv1)
        net.features[3] = fuse_conv_bn_eval(net.features[3], conv2)
        net.classifier[0] = fuse_linear_bn_eval(net.classifier[0], dense1)
        net.classifier[2] = fuse_linear_bn_eval(net.classifier[2], dense2)
        return net


def count_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def normalise(images: Tensor, mean: float, deviation: float) -> Tensor:
    """uint8[N, 28, 28] to float32[N, 1, 28, 28], as the net was trained to see it."""
    return ((images.to(torch.float32) / 255 - mean) / deviation)[:, None]
