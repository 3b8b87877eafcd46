"""What perturbs a view of the picture, as data: one draw for all frames of a clip, anew for every view and epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from avgdt.composition.errors import probability, require, span, strength


@dataclass(frozen=True)
class ShortSideJitter:
    """The picture rescaled so that its short side has a random length; the crop that cuts it comes right after."""

    low: int
    """Shortest short side in pixels."""
    high: int
    """Longest short side in pixels; whole numbers between the two are equally likely."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"ShortSideJitter: low must be above 0 pixels, not {self.low}")
        span("ShortSideJitter", self.low, self.high)

    def scaled(self, strength: float) -> ShortSideJitter:
        """A narrower range about its middle, at ``strength`` 0 to 1."""
        half = (self.low + self.high) / 2
        return ShortSideJitter(*(round(half + strength * (side - half)) for side in (self.low, self.high)))

    def idle(self, colours: bool = True) -> bool:
        """Never: it changes the size."""
        return False


@dataclass(frozen=True)
class RandomCrop:
    """A square cut anywhere from the picture, at the same place in all frames of a clip."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> RandomCrop | CentreCrop:
        """Anywhere at any ``strength`` above 0, the middle at 0."""
        return self if strength else CentreCrop(self.size)

    def idle(self, colours: bool = True) -> bool:
        """Never: it changes the size."""
        return False


@dataclass(frozen=True)
class CentreCrop:
    """The square in the middle of the picture."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"CentreCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> CentreCrop:
        """The same at any ``strength``."""
        return self

    def idle(self, colours: bool = True) -> bool:
        """Never: it changes the size."""
        return False


@dataclass(frozen=True)
class RandomResizedCrop:
    """A box of random area, shape and place, rescaled to a square; evaluation cuts the middle square instead."""

    size: int
    """Side in pixels of what comes out."""
    scale: tuple[float, float] = (0.14, 1.0)
    """Least and largest area of the box as a share of the picture's, drawn uniformly."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Least and largest width over height of the box, its logarithm drawn uniformly."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomResizedCrop: size must be above 0 pixels, not {self.size}")
        (least, most), (narrow, wide) = self.scale, self.ratio
        holds = 0 < least <= most <= 1
        require(holds, f"RandomResizedCrop: scale must be two shares, 0 < least <= most <= 1, not {least:g} {most:g}")
        require(narrow > 0, f"RandomResizedCrop: ratio must be above 0, not {narrow:g}")
        span("RandomResizedCrop", narrow, wide, "the first ratio <= the second")

    def scaled(self, strength: float) -> RandomResizedCrop:
        """Larger and squarer boxes, at ``strength`` 0 to 1."""
        (least, most), (narrow, wide) = self.scale, self.ratio
        area = 1 - strength * (1 - least), 1 - strength * (1 - most)
        return replace(self, scale=area, ratio=(narrow**strength, wide**strength))

    def idle(self, colours: bool = True) -> bool:
        """Never: it changes the size."""
        return False


@dataclass(frozen=True)
class Flip:
    """The picture mirrored left to right, all frames of a clip or none."""

    probability: float = 0.5
    """How often."""

    def __post_init__(self) -> None:
        probability("Flip", self.probability)

    def scaled(self, strength: float) -> Flip:
        """Less often, at ``strength`` 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.probability == 0


@dataclass(frozen=True)
class ColourJitter:
    """Brightness, contrast, saturation and hue changed, in this order, then cut off at black and white.

    Grey clips have neither saturation nor hue: theirs change in brightness and contrast alone.
    """

    brightness: float = 0.4
    """All values times a factor from 1 - this to 1 + this."""
    contrast: float = 0.4
    """Distances from the clip's mean luma times such a factor."""
    saturation: float = 0.4
    """Distances of each pixel's colour from its own luma times such a factor."""
    hue: float = 0.0
    """Most of a turn of the colours about the grey axis, either way; a third of a turn makes red green."""

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            strength("ColourJitter", name, getattr(self, name), 1.0)
        strength("ColourJitter", "hue", self.hue, 0.5)

    def scaled(self, strength: float) -> ColourJitter:
        """All four amounts smaller, at ``strength`` 0 to 1."""
        return ColourJitter(
            *(strength * amount for amount in (self.brightness, self.contrast, self.saturation, self.hue))
        )

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing, of clips with or without ``colours``."""
        return not any((self.brightness, self.contrast, *((self.saturation, self.hue) if colours else ())))


@dataclass(frozen=True)
class Grey:
    """Colours replaced by their luma, all frames of a clip or none; the number of channels stays."""

    probability: float = 0.2
    """How often."""

    def __post_init__(self) -> None:
        probability("Grey", self.probability)

    def scaled(self, strength: float) -> Grey:
        """Less often, at ``strength`` 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing, of clips with or without ``colours``."""
        return self.probability == 0 or not colours


@dataclass(frozen=True)
class Blur:
    """Every frame smoothed by the same Gaussian, mirrored at the borders; the mean of the picture stays."""

    low: float = 0.1
    """Least standard deviation in pixels."""
    high: float = 2.0
    """Largest standard deviation in pixels."""
    probability: float = 0.5
    """How often."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"Blur: low must be above 0 pixels, not {self.low:g}")
        span("Blur", self.low, self.high)
        probability("Blur", self.probability)

    def scaled(self, strength: float) -> Blur:
        """Less often, at ``strength`` 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether it changes nothing."""
        return self.probability == 0


Crop = RandomCrop | CentreCrop
"""A cut without rescaling, which may follow a ShortSideJitter."""
VideoStep = Crop | RandomResizedCrop | Flip | ColourJitter | Grey | Blur
"""What is applied to the video by itself; a ShortSideJitter is applied with the crop after it."""
VideoAugmentation = ShortSideJitter | VideoStep
