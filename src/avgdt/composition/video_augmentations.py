"""Augmentations of video views as dataclasses: parameters are drawn per clip, view and epoch, for all frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

from avgdt.composition.errors import probability, require, span, strength

__all__ = ["Blur", "CentreCrop", "ColourJitter", "Flip", "Grey", "RandomCrop", "RandomResizedCrop", "ShortSideJitter"]


@dataclass(frozen=True)
class ShortSideJitter:
    """Rescaling of frames to a random short side; a crop must follow it."""

    low: int
    """Smallest short side in pixels."""
    high: int
    """Largest short side in pixels; the integers between the two are equally likely."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"ShortSideJitter: low must be above 0 pixels, not {self.low}")
        span("ShortSideJitter", self.low, self.high)

    def scaled(self, strength: float) -> ShortSideJitter:
        """A copy with the range narrowed about its middle by the factor ``strength``, from 0 to 1."""
        half = (self.low + self.high) / 2
        return ShortSideJitter(*(round(half + strength * (side - half)) for side in (self.low, self.high)))

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect: never, since it changes the size."""
        return False


@dataclass(frozen=True)
class RandomCrop:
    """A square crop at a random position, the same in all frames of a clip."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> RandomCrop | CentreCrop:
        """Unchanged at any ``strength`` above 0, the centre crop at 0."""
        return self if strength else CentreCrop(self.size)

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect: never, since it changes the size."""
        return False


@dataclass(frozen=True)
class CentreCrop:
    """A square crop in the middle of the frame."""

    size: int
    """Side in pixels."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"CentreCrop: size must be above 0 pixels, not {self.size}")

    def scaled(self, strength: float) -> CentreCrop:
        """Unchanged at any ``strength``."""
        return self

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect: never, since it changes the size."""
        return False


@dataclass(frozen=True)
class RandomResizedCrop:
    """A crop of random area, aspect ratio and position, rescaled to a square; evaluation uses the centre crop."""

    size: int
    """Side of the result in pixels."""
    scale: tuple[float, float] = (0.14, 1.0)
    """Smallest and largest area of the crop as a share of the frame's, drawn uniformly."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Smallest and largest aspect ratio (width over height) of the crop, its logarithm drawn uniformly."""

    def __post_init__(self) -> None:
        require(self.size > 0, f"RandomResizedCrop: size must be above 0 pixels, not {self.size}")
        (least, most), (narrow, wide) = self.scale, self.ratio
        holds = 0 < least <= most <= 1
        require(holds, f"RandomResizedCrop: scale must be two shares, 0 < least <= most <= 1, not {least:g} {most:g}")
        require(narrow > 0, f"RandomResizedCrop: ratio must be above 0, not {narrow:g}")
        span("RandomResizedCrop", narrow, wide, "the first ratio <= the second")

    def scaled(self, strength: float) -> RandomResizedCrop:
        """A copy with area and aspect ratio moved towards 1; at ``strength`` 0 they are 1, at 1 unchanged."""
        (least, most), (narrow, wide) = self.scale, self.ratio
        area = 1 - strength * (1 - least), 1 - strength * (1 - most)
        return replace(self, scale=area, ratio=(narrow**strength, wide**strength))

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect: never, since it changes the size."""
        return False


@dataclass(frozen=True)
class Flip:
    """Horizontal flip of all frames of a clip."""

    probability: float = 0.5
    """Probability that a clip is flipped."""

    def __post_init__(self) -> None:
        probability("Flip", self.probability)

    def scaled(self, strength: float) -> Flip:
        """A copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect."""
        return self.probability == 0


@dataclass(frozen=True)
class ColourJitter:
    """Random brightness, contrast, saturation and hue, in this order, clipped to the range of pixels.

    In grey clips only brightness and contrast change.
    """

    brightness: float = 0.4
    """All values are multiplied by a factor from 1 - brightness to 1 + brightness."""
    contrast: float = 0.4
    """Differences from the mean luma of the clip are multiplied by a factor from 1 - contrast to 1 + contrast."""
    saturation: float = 0.4
    """Differences of each pixel from its luma are multiplied by a factor from 1 - saturation to 1 + saturation."""
    hue: float = 0.0
    """Largest rotation of the colours about the grey axis in turns, in either direction; 1/3 maps red to green."""

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            strength("ColourJitter", name, getattr(self, name), 1.0)
        strength("ColourJitter", "hue", self.hue, 0.5)

    def scaled(self, strength: float) -> ColourJitter:
        """A copy with all four amounts multiplied by ``strength``, from 0 to 1."""
        return ColourJitter(
            *(strength * amount for amount in (self.brightness, self.contrast, self.saturation, self.hue))
        )

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect; ``colours`` says whether clips have colours."""
        return not any((self.brightness, self.contrast, *((self.saturation, self.hue) if colours else ())))


@dataclass(frozen=True)
class Grey:
    """Conversion of all frames of a clip to grey: every channel becomes the luma."""

    probability: float = 0.2
    """Probability that a clip is converted."""

    def __post_init__(self) -> None:
        probability("Grey", self.probability)

    def scaled(self, strength: float) -> Grey:
        """A copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect; ``colours`` says whether clips have colours."""
        return self.probability == 0 or not colours


@dataclass(frozen=True)
class Blur:
    """Gaussian blur, the same for all frames of a clip, with reflection at the borders; it preserves the mean."""

    low: float = 0.1
    """Smallest standard deviation in pixels."""
    high: float = 2.0
    """Largest standard deviation in pixels."""
    probability: float = 0.5
    """Probability that a clip is blurred."""

    def __post_init__(self) -> None:
        require(self.low > 0, f"Blur: low must be above 0 pixels, not {self.low:g}")
        span("Blur", self.low, self.high)
        probability("Blur", self.probability)

    def scaled(self, strength: float) -> Blur:
        """A copy with the probability multiplied by ``strength``, from 0 to 1."""
        return replace(self, probability=strength * self.probability)

    def idle(self, colours: bool = True) -> bool:
        """Whether the augmentation has no effect."""
        return self.probability == 0


Crop = RandomCrop | CentreCrop
"""A crop without rescaling, which may follow a ShortSideJitter."""
VideoStep = Crop | RandomResizedCrop | Flip | ColourJitter | Grey | Blur
"""Video augmentations except ShortSideJitter, which is applied together with the crop after it."""
VideoAugmentation = ShortSideJitter | VideoStep
