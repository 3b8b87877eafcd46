"""What perturbs a view: each augmentation as data, drawn anew for every view and epoch."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.factors import require


@dataclass(frozen=True)
class RandomCrop:
    """A square cut anywhere from the picture, at the same place in all frames of a clip."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomCrop: size must be above 0 pixels, not {self.size}")


@dataclass(frozen=True)
class CentreCrop:
    """The square in the middle of the picture."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"CentreCrop: size must be above 0 pixels, not {self.size}")


@dataclass(frozen=True)
class Flip:
    """The picture mirrored left to right, all frames of a clip or none."""

    probability: float = 0.5
    """How often."""

    def __post_init__(self) -> None:
        require(0 <= self.probability <= 1, f"Flip: probability must lie in 0 to 1, not {self.probability:g}")


@dataclass(frozen=True)
class SpecAugment:
    """Bands of the standardised spectrogram set to zero, without time warp (section 4.1 of the paper)."""

    frequency_masks: int
    """How many bands of neighbouring mels."""
    frequency_width: int
    """Most mels in a band; its width is drawn uniformly from 0 to this."""
    time_masks: int
    """How many bands of neighbouring time steps."""
    time_width: int
    """Most time steps in a band; its width is drawn uniformly from 0 to this."""

    def __post_init__(self) -> None:
        least = min(self.frequency_masks, self.frequency_width, self.time_masks, self.time_width)
        require(least >= 0, f"SpecAugment: counts and widths must not be below 0, as {least} is")

    @classmethod
    def none(cls) -> SpecAugment:
        """No masks."""
        return cls(0, 0, 0, 0)

    @classmethod
    def mild(cls) -> SpecAugment:
        """The paper's "mild" (table 1b)."""
        return cls(1, 2, 1, 5)

    @classmethod
    def medium(cls) -> SpecAugment:
        """Between the paper's "mild" and "strong"."""
        return cls(1, 3, 1, 6)

    @classmethod
    def strong(cls) -> SpecAugment:
        """The paper's "strong" (table 1b)."""
        return cls(2, 3, 2, 6)


@dataclass(frozen=True)
class Volume:
    """The waveform made louder or softer."""

    low: float = 0.9
    """Smallest factor."""
    high: float = 1.1
    """Largest factor."""

    def __post_init__(self) -> None:
        require(0 < self.low <= self.high, f"Volume: 0 < low <= high must hold, not {self.low:g} and {self.high:g}")


@dataclass(frozen=True)
class Equaliser:
    """The waveform coloured by a random frequency curve, as another room or microphone would (not in the paper)."""

    decibels: float = 9.0
    """Most that a point of the curve is raised or lowered; drawn uniformly."""
    points: int = 12
    """Points of the curve, evenly in octaves."""

    def __post_init__(self) -> None:
        require(self.decibels >= 0, f"Equaliser: decibels must not be below 0, as {self.decibels:g} is")
        require(self.points >= 2, f"Equaliser: points must be at least 2, not {self.points}")


VideoAugmentation = RandomCrop | CentreCrop | Flip
AudioAugmentation = SpecAugment | Volume | Equaliser
