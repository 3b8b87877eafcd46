from __future__ import annotations

import pytest

from avgdt.data.worlds.colours import mix, oklch


def test_known_colours() -> None:
    assert oklch(1.0, 0.0, 0.3) == pytest.approx((255, 255, 255), abs=1)
    assert oklch(0.0, 0.0, 0.0) == pytest.approx((0, 0, 0), abs=1)
    assert oklch(0.62796, 0.25768, 29.234 / 360) == pytest.approx((255, 0, 0), abs=1)
    assert oklch(0.86644, 0.29483, 142.495 / 360) == pytest.approx((0, 255, 0), abs=1)
    assert oklch(0.45201, 0.31321, 264.052 / 360) == pytest.approx((0, 0, 255), abs=1)


def test_hues_go_round_and_colours_stay_on_the_screen() -> None:
    assert oklch(0.7, 0.1, 0.25) == pytest.approx(oklch(0.7, 0.1, 1.25))
    assert all(0 <= value <= 255 for hue in range(12) for value in oklch(0.9, 0.3, hue / 12))


def test_mix() -> None:
    assert mix((0, 100, 200), (100, 100, 0), 0.25) == (25, 100, 150)
