"""What perturbs a view of the sound, as data: drawn anew for every view and epoch.

Those of the waveform come before the spectrogram is made, in the order given, and SpecAugment after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from avgdt.composition.errors import probability, require, span, strength

_DECIBELS = 200.0
"""More than between the faintest and the loudest sound of 32 bits."""


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

    def scaled(self, strength: float) -> SpecAugment:
        """As many bands, narrower by ``strength``, 0 to 1."""
        mels, steps = (round(strength * width) for width in (self.frequency_width, self.time_width))
        return replace(self, frequency_width=mels, time_width=steps)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return not ((self.frequency_masks and self.frequency_width) or (self.time_masks and self.time_width))


@dataclass(frozen=True)
class Volume:
    """The waveform made louder or softer."""

    low: float = 0.9
    """Smallest factor."""
    high: float = 1.1
    """Largest factor."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"Volume: low must be above 0, not {self.low:g}")
        span("Volume", self.low, self.high)

    def scaled(self, strength: float) -> Volume:
        """Factors nearer to 1, at ``strength`` 0 to 1."""
        return Volume(1 + strength * (self.low - 1), 1 + strength * (self.high - 1))

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.low == self.high == 1


@dataclass(frozen=True)
class Equaliser:
    """The waveform coloured by a random frequency curve, as another room or microphone would (not in the paper)."""

    decibels: float = 9.0
    """Most that a point of the curve is raised or lowered; drawn uniformly."""
    points: int = 12
    """Points of the curve, evenly in octaves."""

    def __post_init__(self) -> None:
        strength("Equaliser", "decibels", self.decibels, _DECIBELS)
        require(2 <= self.points <= 4096, f"Equaliser: points must be 2 to 4096, not {self.points}")

    def scaled(self, strength: float) -> Equaliser:
        """A flatter curve, at ``strength`` 0 to 1."""
        return replace(self, decibels=strength * self.decibels)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.decibels == 0


@dataclass(frozen=True)
class Noise:
    """White noise added to the waveform, its power set against that of the clip; silence stays silent."""

    low: float = 10.0
    """Least signal-to-noise ratio in dB (the loudest noise)."""
    high: float = 30.0
    """Largest signal-to-noise ratio in dB (the faintest noise)."""
    probability: float = 0.5
    """How often."""

    def __post_init__(self) -> None:
        span("Noise", self.low, self.high)
        farthest = max(abs(self.low), abs(self.high))
        require(farthest <= _DECIBELS, f"Noise: low and high must lie within {_DECIBELS:g} dB of 0, not {farthest:g}")
        probability("Noise", self.probability)

    def scaled(self, strength: float) -> Noise:
        """The same noise less often, at ``strength`` 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.probability == 0


@dataclass(frozen=True)
class Mix:
    """Another recording of the batch heard faintly as a distractor; the view still counts as its own recording's.

    With the drawn weight w the waveform becomes (1 - w) times itself plus w times the other's, of the same view and as
    the steps before this one left it. It is the one augmentation that depends on which recordings share a batch (on
    one device: another number of devices mixes others). A recording that is alone in its batch stays as it is.
    """

    low: float = 0.05
    """Least weight of the other recording."""
    high: float = 0.3
    """Largest weight of the other recording; above 0.5 it would drown the clip's own sound."""
    probability: float = 0.5
    """How often."""

    def __post_init__(self) -> None:
        holds = 0 <= self.low <= self.high <= 1
        require(holds, f"Mix: 0 <= low <= high <= 1 must hold, not {self.low:g} and {self.high:g}")
        probability("Mix", self.probability)

    def scaled(self, strength: float) -> Mix:
        """Fainter distractors, at ``strength`` 0 to 1."""
        return replace(self, low=strength * self.low, high=strength * self.high)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.high == 0 or self.probability == 0


WaveformAugmentation = Volume | Equaliser | Noise | Mix
AudioAugmentation = SpecAugment | WaveformAugmentation
