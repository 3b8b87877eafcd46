from __future__ import annotations

import io

import av
import numpy as np

from avgdt.report.images import PALETTE, jpeg, palette_indices, png
from tests.report.reading import content


def decoded(uri: str, kind: str, form: str = "rgb24") -> np.ndarray:
    with av.open(io.BytesIO(content(uri, kind))) as file:
        return next(file.decode(video=0)).to_ndarray(format=form)


def test_png_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    assert (decoded(png(pixels), "image/png") == pixels).all()


def test_png_keeps_opacity() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 4), dtype=np.uint8)
    assert (decoded(png(pixels), "image/png", "rgba") == pixels).all()


def test_png_of_palette_indices_has_the_palettes_colours() -> None:
    indices = np.arange(256, dtype=np.uint8).reshape(8, 32)
    assert (decoded(png(indices), "image/png") == PALETTE[indices]).all()


def test_jpeg_is_close_to_the_original() -> None:
    ramp = np.linspace(0, 255, 32 * 24).reshape(24, 32, 1).repeat(3, axis=2).astype(np.uint8)
    assert np.abs(decoded(jpeg(ramp), "image/jpeg").astype(int) - ramp).mean() < 4


def test_the_lightness_of_the_palette_increases_evenly() -> None:
    lightness = PALETTE.astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness[::8]) > 0).all()


def test_palette_indices_are_clipped() -> None:
    assert palette_indices(np.array([-5.0, 0.0, 1.0, 2.0, 9.0]), 0.0, 2.0).tolist() == [0, 0, 128, 255, 255]
    assert palette_indices(np.array([3.0]), 3.0, 3.0).tolist() == [0]
