from __future__ import annotations

import av
import numpy as np
import pytest

from avgdt.synthetic.colours import encoded, interpolate, oklch


def test_hues_give_the_expected_colours() -> None:
    assert oklch(1.0, 0.0, 0.3) == pytest.approx((255, 255, 255), abs=1)
    assert oklch(0.0, 0.0, 0.0) == pytest.approx((0, 0, 0), abs=1)
    assert oklch(0.62796, 0.25768, 29.234 / 360) == pytest.approx((255, 0, 0), abs=1)
    assert oklch(0.86644, 0.29483, 142.495 / 360) == pytest.approx((0, 255, 0), abs=1)
    assert oklch(0.45201, 0.31321, 264.052 / 360) == pytest.approx((0, 0, 255), abs=1)


def test_hue_is_periodic_and_colours_are_clipped_to_rgb() -> None:
    assert oklch(0.7, 0.1, 0.25) == pytest.approx(oklch(0.7, 0.1, 1.25))
    assert all(0 <= value <= 255 for hue in range(12) for value in oklch(0.9, 0.3, hue / 12))


def test_mix_interpolates_colours() -> None:
    assert interpolate((0, 100, 200), (100, 100, 0), 0.25) == (25, 100, 150)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 120, 160)])
def test_encoded_colours_decode_to_rgb(colour: tuple[int, int, int]) -> None:
    planes = np.round(encoded(colour)).astype(np.uint8)[:, None, None]
    image = np.concatenate([np.repeat(planes[0], 64).reshape(8, 8), *(np.full((2, 8), plane) for plane in planes[1:])])
    decoded = av.VideoFrame.from_ndarray(image, format="yuv420p").to_ndarray(format="rgb24")
    assert np.abs(decoded.astype(int) - colour).max() <= 2
