"""The still part of a scene: sky, a light in it, hills, ground and faded pictures of what else may happen.

Looks alone then tell little.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np

from avgdt.synthetic.actions import ACTIONS, Setting
from avgdt.synthetic.arrays import Pixels
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import mix
from avgdt.synthetic.nuisances import draw_look
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.painting import Picture, patches
from avgdt.synthetic.places import Palette, Place

Corner: TypeAlias = tuple[float, float]
"""Left and top in world units."""

_MURAL = 0.7  # size of those pictures relative to what happens
_MARGIN = 0.4  # picture heights that the backdrop reaches beyond the picture: more than the camera wanders


def paint_backdrop(place: Place, zoom: float, height: int, width: int) -> tuple[Pixels, Corner]:
    """The backdrop (3, rows, columns) of a picture with a margin all around, at ``zoom``, and the place of its
    corner in the world."""
    generator = np.random.default_rng(place.scenery)
    margin = round(_MARGIN * height)
    tall, wide = height + 2 * margin, width + 2 * margin
    canvas, picture = Canvas(tall, wide), Picture(tall, wide)
    aspect = width / height
    corner = canvas.aim(aspect / 2, 0.5, zoom * height / tall)
    _sky(picture.pixels, place, height, margin)
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
    mural = replace(place, palette=_faded(colours))
    for x in (generator.uniform(0.05, 0.4), generator.uniform(0.6, 0.95)):
        look = replace(draw_look(generator, aspect, mural), x=float(x * aspect))
        action = ACTIONS[generator.integers(len(ACTIONS))](Setting(generator, look, 1.0))
        _shrink(canvas, look.x, place.ground, aspect, zoom * height / tall)
        action.draw(canvas, generator.uniform(0, 1))
    picture.paint(patches(canvas.strokes, tall, wide))
    return picture.pixels, corner


def _sky(pixels: Pixels, place: Place, height: int, margin: int) -> None:
    rows = (np.arange(pixels.shape[1]) + 0.5 - margin) / height / place.ground
    share = np.clip(rows, 0, 1).astype(np.float32)[:, None]
    sky, haze = (np.array(colour, np.float32).reshape(3, 1, 1) for colour in (place.palette.sky, place.palette.haze))
    pixels[:] = sky + share * (haze - sky)


def _faded(colours: Palette) -> Palette:
    """Colours nearer to the haze: pictures of other actions that neither move nor sound."""
    return replace(
        colours,
        **{name: mix(getattr(colours, name), colours.haze, 0.6) for name in ("thing", "tool", "light")},
    )


def _shrink(canvas: Canvas, x: float, y: float, aspect: float, zoom: float) -> None:
    """Aim so that all is smaller while (x, y) stays where it is."""
    canvas.aim(x - (x - aspect / 2) / _MURAL, y - (y - 0.5) / _MURAL, zoom * _MURAL)
