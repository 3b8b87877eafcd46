"""ResNet audio encoder with basic blocks, for spectrograms (He et al. 2016, arXiv 1512.03385).

Parameter names and outputs match torchvision's ``resnet18`` with one input channel and without the classifier.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.models.fused_batch_norm import BatchNorm
from avgdt.models.stages import check_input, check_sizes, initialise, run_stages

STRIDES = (32, 32)
"""Total stride of the network along the mel and time axes."""


class BasicBlock(nn.Module):
    """Residual block of two 3 x 3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm(outputs, relu=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm(outputs, relu=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height', width')."""
        short = x if self.downsample is None else self.downsample(x)
        x = self.bn1(self.conv1(x))
        out: torch.Tensor = self.bn2(self.conv2(x), short)
        return out


class ResNet(nn.Module):
    """ResNet audio encoder; ``blocks`` (2, 2, 2, 2) at ``width`` 64 is ResNet-18, (1, 1, 1, 1) ResNet-9."""

    def __init__(self, blocks: Sequence[int] = (2, 2, 2, 2), width: int = 64, channels: int = 1) -> None:
        """Build the network with random weights. Raises :class:`ModelError` for sizes that cannot be built."""
        super().__init__()
        check_sizes("model.audio", blocks, width, channels)
        self.channels = channels
        self.dim = 8 * width
        self.recompute = False
        """Whether to recompute activations in the backward pass instead of storing them."""
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = BatchNorm(width, relu=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        first, second, third, fourth = blocks
        self.layer1 = self._stage(first, width, width, 1)
        self.layer2 = self._stage(second, width, 2 * width, 2)
        self.layer3 = self._stage(third, 2 * width, 4 * width, 2)
        self.layer4 = self._stage(fourth, 4 * width, 8 * width, 2)
        initialise(self)

    @staticmethod
    def _stage(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
        further = [BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
        return nn.Sequential(BasicBlock(inputs, outputs, stride), *further)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channels, mels, time) to the feature map (batch, dim, mels / 32, time / 32).

        Sizes are rounded up. Raises :class:`ModelError` for an input of another shape.
        """
        check_input("audio encoder", x, "batch, channels, mels, time", self.channels, STRIDES, self.training)
        x = self.maxpool(self.bn1(self.conv1(x)))
        return run_stages(x, (self.layer1, self.layer2, self.layer3, self.layer4), self.recompute)
