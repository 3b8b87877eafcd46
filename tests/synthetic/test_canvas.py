from __future__ import annotations

import numpy as np
import pytest

from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import Cross, Disc, Rectangle, Triangle
from avgdt.synthetic.painting import Image, patches

WHITE = (255.0, 255.0, 255.0)
HEIGHT, WIDTH = 60, 80


def painted(canvas: Canvas) -> np.ndarray:
    """Render the strokes of ``canvas`` on a black background, (3, height, width)."""
    height, width = canvas.size
    image = Image(height, width)
    image.paint(patches(canvas.strokes, height, width))
    return image.pixels


def centre_of_mass(pixels: np.ndarray) -> tuple[float, float]:
    light = pixels[0].astype(np.float64)
    rows, columns = np.indices(light.shape) + 0.5
    return float((columns * light).sum() / light.sum()), float((rows * light).sum() / light.sum())


@pytest.mark.parametrize("x", [0.6, 0.607, 0.6113])
def test_a_disc_is_centred_to_a_fiftieth_of_a_pixel(x: float) -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.shape(Disc(), x, 0.45, 0.1, WHITE)
    assert centre_of_mass(painted(canvas)) == pytest.approx((x * HEIGHT, 0.45 * HEIGHT), abs=0.02)
    assert painted(canvas)[0].sum() / 255 == pytest.approx(np.pi * (0.1 * HEIGHT) ** 2, rel=0.01)


@pytest.mark.parametrize("outline", [Disc(), Rectangle(), Triangle(), Cross()])
def test_rotation_keeps_the_area_and_stretching_scales_it(outline: Disc) -> None:
    def area(angle: float, stretch: tuple[float, float]) -> float:
        canvas = Canvas(4 * HEIGHT, 4 * WIDTH)
        canvas.shape(outline, 0.6, 0.5, 0.12, WHITE, angle=angle, stretch=stretch)
        return float(painted(canvas)[0].sum() / 255)

    plain = area(0.0, (1.0, 1.0))
    assert area(0.7, (1.0, 1.0)) == pytest.approx(plain, rel=0.01)
    assert area(0.7, (1.3, 0.8)) == pytest.approx(plain * 1.3 * 0.8, rel=0.03)


def test_a_positive_angle_rotates_clockwise() -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.shape(Rectangle(width=3.0), 0.6, 0.5, 0.08, WHITE, angle=0.5)
    light = painted(canvas)[0]
    assert light[HEIGHT // 2 :, 36:].sum() > 1.2 * light[: HEIGHT // 2, 36:].sum()


def test_a_bar_has_the_area_of_a_rectangle_with_round_ends() -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.bar(0.3, 0.3, 0.8, 0.6, 0.05, WHITE)
    radius, length = 0.05 * HEIGHT, np.hypot(0.5, 0.3) * HEIGHT
    assert painted(canvas)[0].sum() / 255 == pytest.approx(np.pi * radius**2 + 2 * radius * length, rel=0.01)


def test_a_ring_has_the_area_of_a_line_of_its_thickness() -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.ring(0.6, 0.5, 0.2, 0.05, WHITE)
    expected = 2 * np.pi * 0.2 * 0.05 * HEIGHT**2
    assert painted(canvas)[0].sum() / 255 == pytest.approx(expected, rel=0.02)


def test_alpha_blends_colours_and_a_glow_fades_outwards() -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.shape(Disc(), 0.6, 0.5, 0.3, WHITE, alpha=0.25)
    assert painted(canvas)[1, 30, 36] == pytest.approx(255 / 4)
    glow = Canvas(HEIGHT, WIDTH)
    glow.glow(0.6, 0.5, 0.3, WHITE, 0.8)
    line = painted(glow)[0, 30, 36:]
    assert line[0] == pytest.approx(0.8 * 255, rel=0.01)
    assert (np.diff(line) <= 0).all()
    assert line[-1] == 0


@pytest.mark.parametrize(("x", "y"), [(-1.0, 0.5), (0.6, 3.0), (-0.02, 0.5), (1.33, 1.0)])
def test_strokes_outside_the_frame_are_cut_off(x: float, y: float) -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.shape(Disc(), x, y, 0.1, WHITE)
    canvas.bar(x, y, x + 0.1, y, 0.02, WHITE)
    visible = -0.15 < x < 1.45 and -0.1 < y < 1.1
    assert bool(painted(canvas).any()) == visible


def test_strokes_move_opposite_to_the_camera_and_zoom_enlarges() -> None:
    canvas = Canvas(HEIGHT, WIDTH)
    canvas.aim(canvas.aspect / 2 + 0.1, 0.5 - 0.05, 1.0)
    canvas.shape(Disc(), 0.6, 0.5, 0.1, WHITE)
    assert centre_of_mass(painted(canvas)) == pytest.approx((0.5 * HEIGHT, 0.55 * HEIGHT), abs=0.02)
    near = Canvas(HEIGHT, WIDTH)
    near.aim(near.aspect / 2, 0.5, 1.5)
    near.shape(Disc(), 0.6, 0.5, 0.1, WHITE)
    assert painted(near)[0].sum() / 255 == pytest.approx(np.pi * (0.15 * HEIGHT) ** 2, rel=0.01)
