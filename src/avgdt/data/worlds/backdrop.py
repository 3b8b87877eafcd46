"""The still part of a scene: sky, a light in it, hills, ground and a few silent things that stand about."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from avgdt.data.worlds.arrays import Pixels
from avgdt.data.worlds.canvas import Canvas
from avgdt.data.worlds.colours import mix
from avgdt.data.worlds.places import Place
from avgdt.data.worlds.outlines import DISC
from avgdt.data.worlds.voices import LARGEST, OUTLINES, SMALLEST

Corner: TypeAlias = tuple[float, float]
"""Left and top in world units."""

_MARGIN = 0.1  # picture heights that the backdrop reaches beyond the picture: more than the camera wanders


def paint_backdrop(place: Place, zoom: float, height: int, width: int) -> tuple[Pixels, Corner]:
    """The backdrop (rows, columns, 3) of a picture with a margin all around, at ``zoom``, and the place of its
    corner in the world."""
    generator = np.random.default_rng(place.scenery)
    margin = round(_MARGIN * height)
    canvas = Canvas(height + 2 * margin, width + 2 * margin)
    aspect = width / height
    corner = canvas.aim(aspect / 2, 0.5, zoom * height / (height + 2 * margin))
    _sky(canvas, place, height, margin)
    colours = place.palette
    canvas.shape(
        DISC,
        generator.uniform(0, aspect),
        generator.uniform(0.05, 0.4),
        generator.uniform(0.05, 0.1),
        mix(colours.haze, colours.light, 0.5),
    )
    for _ in range(4):
        radius = generator.uniform(0.2, 0.5)
        x = generator.uniform(-0.2, aspect + 0.2)
        y = place.ground + radius * generator.uniform(0.3, 0.7)
        canvas.shape(DISC, x, y, radius, mix(colours.haze, colours.ground, generator.uniform(0.2, 0.6)))
    left, right = -0.3, aspect + 0.3
    canvas.bar(left, place.ground + 1, right, place.ground + 1, 1.0, colours.ground)
    canvas.bar(left, place.ground, right, place.ground, 0.004, mix(colours.ground, colours.tool, 0.5))
    for _ in range(generator.integers(2, 5)):
        _bystander(canvas, place, aspect, generator)
    return canvas.pixels, corner


def _sky(canvas: Canvas, place: Place, height: int, margin: int) -> None:
    share = (np.arange(canvas.pixels.shape[0]) + 0.5 - margin) / height / place.ground
    share = np.clip(share, 0, 1).astype(np.float32)[:, None, None]
    sky, haze = (np.asarray(colour, np.float32) for colour in (place.palette.sky, place.palette.haze))
    canvas.pixels[:] = sky + share * (haze - sky)


def _bystander(canvas: Canvas, place: Place, aspect: float, generator: np.random.Generator) -> None:
    """A thing, a post or a hanging rod in muted colours: the looks of every action, but silent and still."""
    colours = place.palette
    paint = mix(
        colours.ground, colours.thing if generator.uniform() < 0.5 else colours.tool, generator.uniform(0.3, 0.7)
    )
    x = generator.uniform(0, aspect)
    size = generator.uniform(SMALLEST, LARGEST) * 0.8
    outline = OUTLINES[generator.integers(len(OUTLINES))]
    kind = generator.integers(4)
    if kind == 0:
        canvas.shape(outline, x, place.ground - size * 0.9, size, paint)
    elif kind == 1:
        top = place.ground - generator.uniform(0.15, 0.5)
        canvas.bar(x, place.ground, x, top, 0.018, paint)
        canvas.shape(outline, x, top, size * 0.6, paint)
    elif kind == 2:
        end = generator.uniform(0.15, 0.45)
        canvas.bar(x, -0.2, x, end, 0.012, paint)
        canvas.shape(outline, x, end, size * 0.7, paint)
    else:
        lean = generator.uniform(-0.2, 0.2)
        canvas.bar(x - 0.1, place.ground - 0.1 - lean / 2, x + 0.1, place.ground - 0.1 + lean / 2, 0.02, paint)
