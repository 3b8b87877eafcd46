from __future__ import annotations

import numpy as np
import pytest

from avgdt.synthetic.outlines import Cross, Disc, Outline, Rectangle, Triangle, capsule

OUTLINES = (Disc(), Rectangle(), Triangle(), Cross())


def grid(reach: float = 70.0) -> tuple[np.ndarray, np.ndarray]:
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    return line[None, :], line[:, None]


@pytest.mark.parametrize("outline", OUTLINES)
def test_all_outlines_have_the_area_of_the_disc(outline: Outline) -> None:
    inside = outline.distance(*grid(), 40.0) < 0
    assert inside.sum() == pytest.approx(np.pi * 40**2, rel=0.02)


@pytest.mark.parametrize("outline", [*OUTLINES, Rectangle(width=2.0)])
def test_reach_is_the_distance_of_the_farthest_point(outline: Outline) -> None:
    dx, dy = grid()
    radii = np.hypot(dx, dy)[outline.distance(dx, dy, 30.0) < 0]
    assert radii.max() == pytest.approx(30 * outline.reach, abs=1.5)


@pytest.mark.parametrize("outline", OUTLINES)
def test_distance_is_signed_and_in_pixels(outline: Outline) -> None:
    """On the line straight down from the centre, the distance grows by one per pixel at the outline."""
    down = np.arange(0, 60, dtype=np.float32)[:, None]
    distance = outline.distance(np.zeros((1, 1), np.float32), down, 25.0)[:, 0]
    crossing = int(np.argmax(distance > 0))
    assert distance[0] < 0 < distance[-1]
    np.testing.assert_allclose(np.diff(distance)[crossing - 2 : crossing + 2], 1.0, atol=1e-4)


def test_capsule_is_the_distance_to_a_line_minus_the_radius() -> None:
    along, aside = grid(20)
    half, radius = (np.full((1, 1), value, np.float32) for value in (13.0, 3.0))
    line = np.linspace(-13.0, 13.0, 4001)
    for row, column in ((3, 38), (20, 20), (39, 2), (8, 11)):
        nearest = np.hypot(line - along[0, column], aside[row, 0]).min()
        assert capsule(along, aside, half, radius)[row, column] == pytest.approx(nearest - 3, abs=1e-3)
