"""Sizes of the networks: the encoder of each modality and the projection head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from avgdt.recipes.checks import at_least, below, one_of


@dataclass(frozen=True)
class VideoEncoder:
    """An R(2+1)D residual network over (batch, channels, time, height, width)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Residual blocks in each of the four stages: 2 2 2 2 is R(2+1)D-18."""
    width: int = 64
    """Channels of the first stage; each later stage doubles them."""
    channels: int = 3
    """Channels of a frame: 3 for RGB, 1 for grey."""

    def __post_init__(self) -> None:
        one_of("model.video.channels", self.channels, (1, 3))


@dataclass(frozen=True)
class AudioEncoder:
    """A residual network over log-mel spectrograms (batch, 1, mels, time)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Residual blocks in each of the four stages: 2 2 2 2 is ResNet-18, 1 1 1 1 is ResNet-9."""
    width: int = 64
    """Channels of the first stage; each later stage doubles them."""


@dataclass(frozen=True)
class Head:
    """The projection head after each encoder: linear, ReLU, linear (section 4.1 of the paper)."""

    hidden: int = 512
    """Units of the hidden layer."""
    out: int = 512
    """Dimensions of the embedding."""
    batch_norm: Literal["none", "hidden", "output"] = "none"
    """Batch norm after the first linear layer, or at the output before L2 normalisation; the paper has none."""
    dropout: float = 0.0
    """Dropout probability at the input of each linear layer; the paper has none."""

    def __post_init__(self) -> None:
        at_least("model.head.dropout", self.dropout, 0)
        below("model.head.dropout", self.dropout, 1)


@dataclass(frozen=True)
class Model:
    """Phi: an encoder and a projection head for each modality."""

    video: VideoEncoder = field(default_factory=VideoEncoder)
    """The video encoder."""
    audio: AudioEncoder = field(default_factory=AudioEncoder)
    """The audio encoder."""
    head: Head = field(default_factory=Head)
    """The projection head, one per modality; downstream tasks use the features before it."""
