"""Sizes of the networks: the encoder of each modality and the projection head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from avgdt.recipes.checks import at_least, below, one_of


@dataclass(frozen=True)
class VideoEncoder:
    """R(2+1)D residual network for video (batch, channels, time, height, width)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Number of residual blocks in each of the four stages; 2 2 2 2 is R(2+1)D-18."""
    width: int = 64
    """Number of channels of the first stage; each later stage has twice as many as the stage before it."""
    channels: int = 3
    """Number of channels of a frame: 3 for RGB, 1 for greyscale."""

    def __post_init__(self) -> None:
        one_of("model.video.channels", self.channels, (1, 3))


@dataclass(frozen=True)
class AudioEncoder:
    """Residual network for log-mel spectrograms (batch, 1, mels, time)."""

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Number of residual blocks in each of the four stages; 2 2 2 2 is ResNet-18, 1 1 1 1 is ResNet-9."""
    width: int = 64
    """Number of channels of the first stage; each later stage has twice as many as the stage before it."""


@dataclass(frozen=True)
class Head:
    """Projection head after each encoder: linear, ReLU, linear (section 4.1 of the paper)."""

    hidden: int = 512
    """Number of units of the hidden layer."""
    out: int = 512
    """Number of dimensions of the embedding."""
    batch_norm: Literal["none", "hidden", "output"] = "none"
    """Position of batch norm: hidden is after the first linear layer, output after the second; the paper uses none."""
    dropout: float = 0.0
    """Dropout probability at the input of each linear layer; the paper uses no dropout."""

    def __post_init__(self) -> None:
        at_least("model.head.dropout", self.dropout, 0)
        below("model.head.dropout", self.dropout, 1)


@dataclass(frozen=True)
class Model:
    """Sizes of the network Phi: an encoder and a projection head for each modality."""

    video: VideoEncoder = field(default_factory=VideoEncoder)
    """Sizes of the video encoder."""
    audio: AudioEncoder = field(default_factory=AudioEncoder)
    """Sizes of the audio encoder."""
    head: Head = field(default_factory=Head)
    """Projection head of each modality; downstream tasks use the features before it."""
