"""Augmentations of video views as dataclasses; parameters are drawn per clip, view and epoch for all frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

from avgdt.composition.errors import probability, require, span, strength

__all__ = ["Blur", "CentreCrop", "ColourJitter", "Flip", "Grey", "RandomCrop", "RandomResizedCrop", "ShortSideJitter"]


@dataclass(frozen=True)
class ShortSideJitter:
    """Rescaling of frames to a random short side, which must be followed by a crop."""

    low: int
    """Minimum short side in pixels."""
    high: int
    """Maximum short side in pixels; all integers from ``low`` to ``high`` are equally likely."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"ShortSideJitter: low must be above 0 pixels, not {self.low}")
        span("ShortSideJitter", self.low, self.high)

    def scaled(self, strength: float) -> ShortSideJitter:
        """Return a copy whose range of short sides is scaled about its midpoint by ``strength`` (1: unchanged)."""
        half = (self.low + self.high) / 2
        return ShortSideJitter(*(round(half + strength * (side - half)) for side in (self.low, self.high)))

    def idle(self, colours: bool = True) -> bool:
        """Return False: the augmentation always has an effect, since it sets the size of the frames."""
        return False


@dataclass(frozen=True)
class RandomCrop:
    """Square crop at a random position, which is the same in all frames of a clip."""

    size: int
    """Side of the crop in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> RandomCrop | CentreCrop:
        """Return the crop unchanged if ``strength`` is above 0, and a centre crop if it is 0."""
        return self if strength else CentreCrop(self.size)

    def idle(self, colours: bool = True) -> bool:
        """Return False: the augmentation always has an effect, since it sets the size of the frames."""
        return False


@dataclass(frozen=True)
class CentreCrop:
    """Square crop in the middle of the frame."""

    size: int
    """Side of the crop in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"CentreCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> CentreCrop:
        """Return the crop unchanged for any ``strength``."""
        return self

    def idle(self, colours: bool = True) -> bool:
        """Return False: the augmentation always has an effect, since it sets the size of the frames."""
        return False


@dataclass(frozen=True)
class RandomResizedCrop:
    """Crop of random area, aspect ratio and position, rescaled to a square; evaluation uses the centre crop."""

    size: int
    """Side of the rescaled crop in pixels."""
    scale: tuple[float, float] = (0.14, 1.0)
    """Minimum and maximum area of the crop, as a fraction of the frame's area; the area is drawn uniformly."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Minimum and maximum aspect ratio (width over height) of the crop; its logarithm is drawn uniformly."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomResizedCrop: size must be above 0 pixels, not {self.size}")
        (least, most), (narrow, wide) = self.scale, self.ratio
        holds = 0 < least <= most <= 1
        require(
            holds, f"RandomResizedCrop: scale must be two fractions, 0 < least <= most <= 1, not {least:g} {most:g}"
        )
        require(narrow > 0, f"RandomResizedCrop: ratio must be above 0, not {narrow:g}")
        span("RandomResizedCrop", narrow, wide, "the first ratio <= the second")

    def scaled(self, strength: float) -> RandomResizedCrop:
        """Return a copy with area and aspect ratio closer to 1: both are 1 at ``strength`` 0, and unchanged at 1."""
        (least, most), (narrow, wide) = self.scale, self.ratio
        area = 1 - strength * (1 - least), 1 - strength * (1 - most)
        return replace(self, scale=area, ratio=(narrow**strength, wide**strength))

    def idle(self, colours: bool = True) -> bool:
        """Return False: the augmentation always has an effect, since it sets the size of the frames."""
        return False


@dataclass(frozen=True)
class Flip:
    """Horizontal flip of all frames of a clip."""

    probability: float = 0.5
    """Probability that a clip is flipped."""

    def __post_init__(self) -> None:
        probability("Flip", self.probability)

    def scaled(self, strength: float) -> Flip:
        """Return a copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.probability == 0


@dataclass(frozen=True)
class ColourJitter:
    """Random change of brightness, contrast, saturation and hue, in this order, clipped to the range of pixel values.

    In greyscale clips, only brightness and contrast change.
    """

    brightness: float = 0.4
    """Maximum deviation from 1 of the factor by which all pixel values are multiplied."""
    contrast: float = 0.4
    """Maximum deviation from 1 of the factor by which differences from the clip's mean luma are multiplied."""
    saturation: float = 0.4
    """Maximum deviation from 1 of the factor by which the differences of a pixel from its luma are multiplied."""
    hue: float = 0.0
    """Maximum rotation of the colours about the grey axis, in turns and in either direction; 1/3 maps red to green."""

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            strength("ColourJitter", name, getattr(self, name), 1.0)
        strength("ColourJitter", "hue", self.hue, 0.5)

    def scaled(self, strength: float) -> ColourJitter:
        """Return a copy with brightness, contrast, saturation and hue multiplied by ``strength``, from 0 to 1."""
        return ColourJitter(
            *(strength * amount for amount in (self.brightness, self.contrast, self.saturation, self.hue))
        )

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect; ``colours`` is False for greyscale clips."""
        return not any((self.brightness, self.contrast, *((self.saturation, self.hue) if colours else ())))


@dataclass(frozen=True)
class Grey:
    """Conversion of all frames of a clip to greyscale: every channel becomes the luma."""

    probability: float = 0.2
    """Probability that a clip is converted to greyscale."""

    def __post_init__(self) -> None:
        probability("Grey", self.probability)

    def scaled(self, strength: float) -> Grey:
        """Return a copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect; ``colours`` is False for greyscale clips."""
        return self.probability == 0 or not colours


@dataclass(frozen=True)
class Blur:
    """Gaussian blur, the same for all frames of a clip, with reflection at the borders; it preserves the mean."""

    low: float = 0.1
    """Minimum standard deviation of the Gaussian, in pixels."""
    high: float = 2.0
    """Maximum standard deviation of the Gaussian, in pixels."""
    probability: float = 0.5
    """Probability that a clip is blurred."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"Blur: low must be above 0 pixels, not {self.low:g}")
        span("Blur", self.low, self.high)
        probability("Blur", self.probability)

    def scaled(self, strength: float) -> Blur:
        """Return a copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Return whether the augmentation has no effect."""
        return self.probability == 0


Crop = RandomCrop | CentreCrop
"""Crops without rescaling, which may follow a ShortSideJitter."""
VideoStep = Crop | RandomResizedCrop | Flip | ColourJitter | Grey | Blur
"""Video augmentations except ShortSideJitter, which is applied together with the crop after it."""
VideoAugmentation = ShortSideJitter | VideoStep
