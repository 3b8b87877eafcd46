from __future__ import annotations

import numpy as np
import pytest

from avgdt.data.worlds.outlines import Block, Cross, Disc, Outline, Triangle, capsule

OUTLINES = (Disc(), Block(), Triangle(), Cross())


def grid(reach: float = 70.0) -> tuple[np.ndarray, np.ndarray]:
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    return line[None, :], line[:, None]


@pytest.mark.parametrize("outline", OUTLINES)
def test_all_outlines_cover_the_area_of_the_disc(outline: Outline) -> None:
    inside = outline.distance(*grid(), 40.0) < 0
    assert inside.sum() == pytest.approx(np.pi * 40**2, rel=0.02)


@pytest.mark.parametrize("outline", [*OUTLINES, Block(width=2.0)])
def test_reach_is_the_farthest_point(outline: Outline) -> None:
    dx, dy = grid()
    radii = np.hypot(dx, dy)[outline.distance(dx, dy, 30.0) < 0]
    assert radii.max() == pytest.approx(30 * outline.reach, abs=1.5)


@pytest.mark.parametrize("outline", OUTLINES)
def test_distance_is_signed_and_in_pixels(outline: Outline) -> None:
    """Straight down from the centre, away from corners, a pixel farther is a pixel more."""
    down = np.arange(0, 60, dtype=np.float32)[:, None]
    distance = outline.distance(np.zeros((1, 1), np.float32), down, 25.0)[:, 0]
    crossing = int(np.argmax(distance > 0))
    assert distance[0] < 0 < distance[-1]
    np.testing.assert_allclose(np.diff(distance)[crossing - 2 : crossing + 2], 1.0, atol=1e-4)


def test_capsule_is_the_distance_to_a_line_less_its_radius() -> None:
    dx, dy = grid(20)
    ends = np.linspace(-1, 1, 4001)[:, None]
    points = np.concatenate([12.0 * ends, -5.0 * ends], axis=1)
    for row, column in ((3, 30), (20, 20), (39, 2), (8, 11)):
        here = np.array([dx[0, column], dy[row, 0]])
        nearest = np.linalg.norm(points - here, axis=1).min()
        assert capsule(dx, dy, 12.0, -5.0, 3.0)[row, column] == pytest.approx(nearest - 3, abs=1e-3)
