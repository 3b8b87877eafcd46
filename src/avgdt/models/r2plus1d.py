"""R(2+1)D video encoder: convolutions over space, then over time (Tran et al. 2018, arXiv 1711.11248).

Parameter names and outputs match torchvision's ``r2plus1d_18`` without the classifier, so its weights can be
loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.models.factored_convolutions import Spatial, Temporal
from avgdt.models.fused_batch_norm import BatchNorm
from avgdt.models.stages import check_input, check_sizes, initialise, run_stages

STRIDES = (8, 16, 16)
"""Total stride of the network along the time, height and width axes."""


def middle(inputs: int, outputs: int) -> int:
    """Return the number of channels between a spatial and a temporal convolution.

    It is the largest number for which both convolutions have no more parameters in total than a 3 x 3 x 3 convolution.
    """
    return (inputs * outputs * 27) // (inputs * 9 + outputs * 3)


def stem_middle(width: int) -> int:
    """Return the number of channels between the spatial and the temporal convolution of the stem.

    It is 45 at width 64, and proportional to the width (rounded down, at least 1) otherwise. The value 45 is a constant
    of the original network and does not follow from the formula of :func:`middle`.
    """
    return max(1, 45 * width // 64)


class R2Plus1DBlock(nn.Module):
    """Residual block of two (2+1)-D convolutions with the same number of middle channels, as in the original
    network."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        mid = middle(inputs, outputs)

        def halves(inputs: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                Spatial(inputs, mid, 3, stride),
                BatchNorm(mid, relu=True),
                nn.Identity(),  # keeps torchvision's parameter names
                Temporal(mid, outputs, stride),
            )

        self.conv1 = nn.Sequential(halves(inputs, stride), BatchNorm(outputs, relu=True))
        self.conv2 = nn.Sequential(halves(outputs, 1), BatchNorm(outputs, relu=True))
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), BatchNorm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, inputs, time, height, width) to (batch, outputs, time', height', width')."""
        short = x if self.downsample is None else self.downsample(x)
        convolutions, norm = self.conv2
        out: torch.Tensor = norm(convolutions(self.conv1(x)), short)
        return out


class R2Plus1D(nn.Module):
    """R(2+1)D video encoder; ``blocks`` (2, 2, 2, 2) at ``width`` 64 is R(2+1)D-18."""

    def __init__(self, blocks: Sequence[int] = (2, 2, 2, 2), width: int = 64, channels: int = 3) -> None:
        """Build the network with random weights. Raises :class:`ModelError` for sizes that cannot be built."""
        super().__init__()
        check_sizes("model.video", blocks, width, channels)
        self.channels = channels
        self.dim = 8 * width
        self.recompute = False
        """Whether to recompute activations in the backward pass instead of storing them."""
        mid = stem_middle(width)
        self.stem = nn.Sequential(
            Spatial(channels, mid, 7, 2),
            BatchNorm(mid, relu=True),
            nn.Identity(),
            Temporal(mid, width),
            BatchNorm(width, relu=True),
        )
        first, second, third, fourth = blocks
        self.layer1 = self._stage(first, width, width, 1)
        self.layer2 = self._stage(second, width, 2 * width, 2)
        self.layer3 = self._stage(third, 2 * width, 4 * width, 2)
        self.layer4 = self._stage(fourth, 4 * width, 8 * width, 2)
        initialise(self)

    @staticmethod
    def _stage(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
        further = [R2Plus1DBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
        return nn.Sequential(R2Plus1DBlock(inputs, outputs, stride), *further)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channels, time, height, width) to features (batch, dim, time / 8, height / 16, width / 16).

        Sizes are rounded up. Raises :class:`ModelError` for an input of another shape.
        """
        check_input("video encoder", x, "batch, channels, time, height, width", self.channels, STRIDES, self.training)
        stages = (self.stem, self.layer1, self.layer2, self.layer3, self.layer4)
        return run_stages(x, stages, self.recompute)
