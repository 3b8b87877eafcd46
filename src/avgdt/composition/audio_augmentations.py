"""Augmentations of audio views as dataclasses, whose random parameters are drawn per clip, view and epoch.

Augmentations of the waveform are applied in the given order before the log-mel spectrogram, and SpecAugment after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from avgdt.composition.errors import probability, require, span, strength

__all__ = ["Equaliser", "Mix", "Noise", "SpecAugment", "Volume"]

_DECIBELS = 200.0
"""Maximum permitted value in dB, which exceeds the dynamic range of 32-bit integer audio."""


@dataclass(frozen=True)
class SpecAugment:
    """SpecAugment without time warp: masks set bands of the spectrogram to zero (section 4.1 of the paper)."""

    frequency_masks: int
    """Number of frequency masks, n_f."""
    frequency_width: int
    """Maximum width of a frequency mask in mel bands, f; the width is drawn uniformly from 0 to f."""
    time_masks: int
    """Number of time masks, n_t."""
    time_width: int
    """Maximum width of a time mask in steps, t; the width is drawn uniformly from 0 to t."""

    def __post_init__(self) -> None:
        least = min(self.frequency_masks, self.frequency_width, self.time_masks, self.time_width)
        require(least >= 0, f"SpecAugment: counts and widths must be 0 or more, not {least}")

    @classmethod
    def none(cls) -> SpecAugment:
        """Return the setting without masks."""
        return cls(0, 0, 0, 0)

    @classmethod
    def mild(cls) -> SpecAugment:
        """Return the setting that the paper calls "mild" (table 1b)."""
        return cls(1, 2, 1, 5)

    @classmethod
    def medium(cls) -> SpecAugment:
        """Return the default of the authors' released code, between the paper's "mild" and "strong"."""
        return cls(1, 3, 1, 6)

    @classmethod
    def strong(cls) -> SpecAugment:
        """Return the setting that the paper calls "strong" (table 1b)."""
        return cls(2, 3, 2, 6)

    def scaled(self, strength: float) -> SpecAugment:
        """Return a copy with the widths of the masks multiplied by ``strength``, from 0 to 1."""
        mels, steps = (round(strength * width) for width in (self.frequency_width, self.time_width))
        return replace(self, frequency_width=mels, time_width=steps)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return not ((self.frequency_masks and self.frequency_width) or (self.time_masks and self.time_width))


@dataclass(frozen=True)
class Volume:
    """Multiplication of the waveform by a random factor."""

    low: float = 0.9
    """Minimum factor."""
    high: float = 1.1
    """Maximum factor."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"Volume: low must be above 0, not {self.low:g}")
        span("Volume", self.low, self.high)

    def scaled(self, strength: float) -> Volume:
        """Return a copy with the distances of both factors from 1 multiplied by ``strength``, from 0 to 1."""
        return Volume(1 + strength * (self.low - 1), 1 + strength * (self.high - 1))

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.low == self.high == 1


@dataclass(frozen=True)
class Equaliser:
    """Filter with a random frequency response, which simulates another room or microphone (not in the paper)."""

    decibels: float = 9.0
    """Maximum gain or attenuation in dB; the gain at each point of the frequency response is drawn uniformly."""
    points: int = 12
    """Number of points of the frequency response, evenly spaced in octaves."""

    def __post_init__(self) -> None:
        strength("Equaliser", "decibels", self.decibels, _DECIBELS)
        require(2 <= self.points <= 4096, f"Equaliser: points must be 2 to 4096, not {self.points}")

    def scaled(self, strength: float) -> Equaliser:
        """Return a copy with ``decibels`` multiplied by ``strength``, from 0 to 1."""
        return replace(self, decibels=strength * self.decibels)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.decibels == 0


@dataclass(frozen=True)
class Noise:
    """Addition of white noise at a random signal-to-noise ratio; silent clips are unchanged."""

    low: float = 10.0
    """Minimum signal-to-noise ratio in dB (the loudest noise)."""
    high: float = 30.0
    """Maximum signal-to-noise ratio in dB (the faintest noise)."""
    probability: float = 0.5
    """Probability that noise is added to a clip."""

    def __post_init__(self) -> None:
        span("Noise", self.low, self.high)
        farthest = max(abs(self.low), abs(self.high))
        require(farthest <= _DECIBELS, f"Noise: low and high must lie within {_DECIBELS:g} dB of 0, not {farthest:g}")
        probability("Noise", self.probability)

    def scaled(self, strength: float) -> Noise:
        """Return a copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.probability == 0


@dataclass(frozen=True)
class Mix:
    """Mixing with another recording of the batch as a distractor; positives and negatives do not change.

    With a random weight w, a waveform x becomes (1 - w) x + w y, where y is the same view of another recording after
    the same preceding augmentations. Unlike all other augmentations, it depends on which recordings are in the same
    batch norm group (or, with a single group, on the same device). A recording that is alone there is unchanged.
    """

    low: float = 0.05
    """Minimum weight of the other recording."""
    high: float = 0.3
    """Maximum weight of the other recording, which dominates the mixture above 0.5."""
    probability: float = 0.5
    """Probability that a clip is mixed."""

    def __post_init__(self) -> None:
        holds = 0 <= self.low <= self.high <= 1
        require(holds, f"Mix: 0 <= low <= high <= 1 must hold, not {self.low:g} and {self.high:g}")
        probability("Mix", self.probability)

    def scaled(self, strength: float) -> Mix:
        """Return a copy with the weights multiplied by ``strength``, from 0 to 1."""
        return replace(self, low=strength * self.low, high=strength * self.high)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.high == 0 or self.probability == 0


WaveformAugmentation = Volume | Equaliser | Noise | Mix
AudioAugmentation = SpecAugment | WaveformAugmentation
