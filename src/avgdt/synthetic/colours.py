"""Conversion of colours from the perceptual OKLCH space to RGB, and to the Y'CbCr values of video files.

Images are drawn in Y'CbCr (ITU-R BT.601, limited range), so that frames are encoded without conversion. Blending
gives the same colours as in RGB, because the conversion is affine.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RGB: TypeAlias = tuple[float, float, float]
"""Red, green and blue, from 0 to 255."""
Pixels = npt.NDArray[np.float32]
"""Images (3, height, width) with values as in ``Colour``, or coverages (height, width) from 0 to 1."""
Colour: TypeAlias = tuple[float, float, float]
"""Colour in Y'CbCr: luma from 16 to 235, and chroma (Cb and Cr) from 16 to 240 (128 for grey)."""

# Conversion of OKLab to linear sRGB: https://bottosson.github.io/posts/oklab
_TO_CONE = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklch(lightness: float, chroma: float, hue: float) -> RGB:
    """Return the RGB values of a colour in OKLCH, clipped to the range of RGB.

    ``lightness`` and ``hue`` are from 0 to 1, ``chroma`` is from 0 to 0.3.
    """
    angle = 2 * np.pi * hue
    cone = (_TO_CONE @ np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])) ** 3
    linear = np.clip(_TO_RGB @ cone, 0, 1)
    red, green, blue = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(red), float(green), float(blue)


def encoded(colour: RGB) -> Colour:
    """Convert a colour from RGB to Y'CbCr."""
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        16 + 219 / 255 * luma,
        128 + 112 / 255 * (blue - luma) / (1 - 0.114),
        128 + 112 / 255 * (red - luma) / (1 - 0.299),
    )


def interpolate(first: Colour, second: Colour, fraction: float) -> Colour:
    """Interpolate linearly between two colours: a ``fraction`` of 0 gives ``first``, 1 gives ``second``."""
    luma, blue, red = (a + fraction * (b - a) for a, b in zip(first, second, strict=True))
    return luma, blue, red
