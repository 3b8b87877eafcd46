from __future__ import annotations

import av
import numpy as np

from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import encoded
from avgdt.synthetic.outlines import Cross, Disc, Rectangle, Triangle
from avgdt.synthetic.painting import Image, patches

HEIGHT, WIDTH = 60, 80


def test_pasting_is_linear_interpolation() -> None:
    layer = np.random.default_rng(0).uniform(0, 255, (3, HEIGHT + 10, WIDTH + 10)).astype(np.float32)
    image = Image(HEIGHT, WIDTH)
    image.paste(layer, 4, 3)
    np.testing.assert_allclose(image.pixels, layer[:, 3 : 3 + HEIGHT, 4 : 4 + WIDTH], atol=1e-2)
    image.paste(layer, 4.25, 3.5)
    left = 0.5 * layer[:, 3 : 3 + HEIGHT] + 0.5 * layer[:, 4 : 4 + HEIGHT]
    expected = 0.75 * left[..., 4 : 4 + WIDTH] + 0.25 * left[..., 5 : 5 + WIDTH]
    np.testing.assert_allclose(image.pixels, expected, atol=1e-2)


def test_yuv420p_equals_the_conversion_of_rgb_by_ffmpeg() -> None:
    grid = np.random.default_rng(0).integers(0, 256, (3, HEIGHT // 4, WIDTH // 4)).repeat(4, axis=1).repeat(4, axis=2)
    noisy = np.clip(grid + np.random.default_rng(1).integers(-20, 21, grid.shape), 0, 255)
    image = Image(HEIGHT, WIDTH)
    image.pixels[:] = encoded(noisy.astype(np.float32))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.moveaxis(noisy, 0, -1), np.uint8), format="rgb24")
    expected = frame.reformat(format="yuv420p").to_ndarray()
    assert np.abs(image.yuv420p().astype(int) - expected).max() <= 1


def test_strokes_do_not_depend_on_their_group_and_are_not_cut_off() -> None:
    canvas, generator = Canvas(HEIGHT, WIDTH), np.random.default_rng(0)
    for outline in (Disc(), Rectangle(), Rectangle(width=2.0), Triangle(), Cross()) * 8:
        x, y, size, angle = generator.uniform((-0.1, -0.1, 0.01, -3), (1.4, 1.1, 0.3, 3))
        stretch = (float(generator.uniform(0.7, 1.3)), 1.0)
        canvas.shape(outline, x, y, size, (200, 100, 50), angle=generator.choice([0, angle]), stretch=stretch)
        canvas.bar(x, y, *generator.uniform(0, 1, 2), size / 10, (200, 100, 50), alpha=0.5)
        canvas.ring(x, y, size, size / 10, (200, 100, 50), flatness=0.4)
        canvas.glow(x, y, size, (200, 100, 50), 0.7)
    together = patches(canvas.strokes, HEIGHT, WIDTH)
    for stroke, patch in zip(canvas.strokes, together, strict=True):
        (separate,) = patches([stroke], HEIGHT, WIDTH)
        assert (separate.rows, separate.columns) == (patch.rows, patch.columns)
        assert np.array_equal(separate.alpha, patch.alpha)
        column, row, across, down = stroke.box
        (far,) = patches([stroke._replace(box=(column, row, across + 50, down + 50))], HEIGHT, WIDTH)
        remainder = np.zeros((HEIGHT, WIDTH), np.float32)
        remainder[far.rows, far.columns] = far.alpha
        remainder[patch.rows, patch.columns] = 0
        assert remainder.max() < 0.01  # no stroke is cut off
