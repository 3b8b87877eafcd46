"""Properties of a recording that do not depend on its class: object, colours, background, camera, room and loudness.

A synthetic data set has few backgrounds, which its recordings share. If each recording had its own background, a
network could memorise the room acoustics of each background instead of learning the causes of sounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.audio import LARGEST, OUTLINES, SMALLEST, Room, Timbre, draw_room, draw_timbre
from avgdt.synthetic.colours import Colour, encoded, oklch
from avgdt.synthetic.outlines import Outline
from avgdt.synthetic.timeline import Drift

BACKGROUNDS = 8
"""Number of different backgrounds in a data set."""


@dataclass(frozen=True)
class Palette:
    """The six colours of a scene."""

    sky: Colour
    haze: Colour
    ground: Colour
    object: Colour
    tool: Colour
    light: Colour


@dataclass(frozen=True)
class Background:
    """The static part of a scene, in the colours of one recording."""

    palette: Palette
    ground: float
    """Vertical position of the ground line, in units of the frame height."""
    scenery: int
    """Seed for the light in the sky, the hills and the faded background actions."""


def draw_background(seed: int, number: int, generator: np.random.Generator) -> Background:
    """Return background ``number`` of the data set with ``seed``, in colours sampled with ``generator``.

    ``number`` is less than :data:`BACKGROUNDS`.
    """
    shared = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))
    return Background(
        palette=_palette(generator),
        ground=float(shared.uniform(0.78, 0.86)),
        scenery=int(shared.integers(2**31)),
    )


def _palette(generator: np.random.Generator) -> Palette:
    """Sample a palette around one hue; the palette is dark with a probability of 1/3.

    The moving object differs from the sky in hue and lightness.
    """
    hue, night = generator.uniform(), generator.uniform() < 1 / 3
    far = hue + generator.uniform(0.3, 0.7)
    sky = generator.uniform(0.28, 0.45) if night else generator.uniform(0.68, 0.88)
    side = 1 if night else -1
    return Palette(
        sky=encoded(oklch(sky, 0.05, hue)),
        haze=encoded(oklch(sky + 0.05, 0.06, hue + generator.uniform(-0.15, 0.15))),
        ground=encoded(oklch(sky - generator.uniform(0.05, 0.14), 0.06, hue + generator.uniform(-0.2, 0.2))),
        object=encoded(oklch(sky + side * generator.uniform(0.24, 0.4), 0.15, far)),
        tool=encoded(oklch(sky + side * generator.uniform(0.18, 0.4), 0.05, far + generator.uniform(-0.3, 0.3))),
        light=encoded(oklch(min(sky + generator.uniform(0.15, 0.45), 0.97), 0.1, far + generator.uniform(-0.3, 0.3))),
    )


@dataclass(frozen=True)
class Camera:
    """A hand-held camera. Its motion shifts the whole view, so motion alone reveals little about the class."""

    across: Drift
    down: Drift
    reach: float
    """Horizontal offset for a drift of 1, in units of the frame height."""
    zoom: float
    """Magnification of the view."""

    def offset(self, time: float) -> tuple[float, float]:
        """Return the offset to the right and downwards at ``time`` (seconds), in units of the frame height."""
        return self.reach * float(self.across(time)), 0.5 * self.reach * float(self.down(time))


@dataclass(frozen=True)
class Look:
    """The properties of one recording that do not depend on its class."""

    outline: Outline
    size: float
    """Radius of the moving object, in units of the frame height."""
    x: float
    """Horizontal position of the action, in units of the frame height."""
    background: Background
    camera: Camera
    timbre: Timbre
    room: Room
    level: float
    """Root mean square of the sound without background noise, in decibels relative to full scale."""

    @property
    def palette(self) -> Palette:
        """Colours of the scene."""
        return self.background.palette

    @property
    def ground(self) -> float:
        """Vertical position of the ground line, in units of the frame height."""
        return self.background.ground


def draw_look(generator: np.random.Generator, aspect: float, background: Background) -> Look:
    """Sample the look of a recording on ``background``; ``aspect`` is the width of the frame divided by its height."""
    outline = OUTLINES[generator.integers(len(OUTLINES))]
    size = float(generator.uniform(SMALLEST, LARGEST))
    return Look(
        outline=outline,
        size=size,
        x=float(aspect / 2 + generator.uniform(-0.14, 0.14)),
        background=background,
        camera=Camera(
            across=Drift(generator),
            down=Drift(generator),
            reach=float(generator.uniform(0.05, 0.25)),
            zoom=float(generator.uniform(0.95, 1.05)),
        ),
        timbre=draw_timbre(outline, size, generator),
        room=draw_room(generator),
        level=float(generator.uniform(-28, -20)),
    )
