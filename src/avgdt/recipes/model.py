"""What the two networks are: encoder sizes and the projection head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from avgdt.recipes.limits import at_least, below, one_of


@dataclass(frozen=True)
class VideoEncoder:
    """An R(2+1)D residual network over (batch, channels, time, height, width)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Residual blocks in each of the four stages: 2 2 2 2 is R(2+1)D-18."""
    width: int = 64
    """Channels of the first stage; each later stage doubles them."""
    channels: int = 3
    """Colour channels of the picture: 3, or 1 for grey."""

    def __post_init__(self) -> None:
        one_of("model.video.channels", self.channels, (1, 3))


@dataclass(frozen=True)
class AudioEncoder:
    """A residual network over the log-mel picture (batch, 1, mels, time)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Residual blocks in each of the four stages: 2 2 2 2 is ResNet-18, 1 1 1 1 is ResNet-9."""
    width: int = 64
    """Channels of the first stage; each later stage doubles them."""


@dataclass(frozen=True)
class Head:
    """The projection head behind each encoder: linear, ReLU, linear."""

    hidden: int = 512
    """Units of the hidden layer."""
    out: int = 512
    """Dimensions of the embedding."""
    batch_norm: Literal["none", "hidden", "output"] = "none"
    """Batch norm behind the first linear layer, or at the output before it gets unit length; the paper has none."""
    dropout: float = 0.0
    """Share of the inputs of each linear layer that is set to zero while learning; the paper has none."""

    def __post_init__(self) -> None:
        at_least("model.head.dropout", self.dropout, 0)
        below("model.head.dropout", self.dropout, 1)


@dataclass(frozen=True)
class Model:
    """The network pair Phi."""

    video: VideoEncoder = field(default_factory=VideoEncoder)
    """The network that sees."""
    audio: AudioEncoder = field(default_factory=AudioEncoder)
    """The network that hears."""
    head: Head = field(default_factory=Head)
    """One such head per modality; downstream tasks use the features before it."""
