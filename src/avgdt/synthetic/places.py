"""Places: the stages that a world's recordings share, each time in other colours.

A thing's place says nothing about what it does there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.colours import Colour, encoded, oklch

PLACES = 8
"""Places in a world."""


@dataclass(frozen=True)
class Palette:
    """Six colours that go together."""

    sky: Colour
    haze: Colour
    ground: Colour
    thing: Colour
    tool: Colour
    light: Colour


@dataclass(frozen=True)
class Place:
    """A stage: its ground line, the number that all of its scenery is drawn from, and a recording's colours."""

    palette: Palette
    ground: float
    """How far down the ground line lies."""
    scenery: int
    """Seed of what stands about."""


def place_of(world: int, number: int, generator: np.random.Generator) -> Place:
    """Place ``number`` (below PLACES) of the world with that seed, in colours of its own for each recording."""
    stage = np.random.default_rng(np.random.SeedSequence(world, spawn_key=(1, number)))
    return Place(
        palette=_palette(generator),
        ground=float(stage.uniform(0.78, 0.86)),
        scenery=int(stage.integers(2**31)),
    )


def _palette(generator: np.random.Generator) -> Palette:
    """A scene around one hue, by day or, one time in three, by night; the thing in another hue, darker or lighter."""
    hue, night = generator.uniform(), generator.uniform() < 1 / 3
    far = hue + generator.uniform(0.3, 0.7)
    sky = generator.uniform(0.28, 0.45) if night else generator.uniform(0.68, 0.88)
    side = 1 if night else -1
    return Palette(
        sky=encoded(oklch(sky, 0.05, hue)),
        haze=encoded(oklch(sky + 0.05, 0.06, hue + generator.uniform(-0.15, 0.15))),
        ground=encoded(oklch(sky - generator.uniform(0.05, 0.14), 0.06, hue + generator.uniform(-0.2, 0.2))),
        thing=encoded(oklch(sky + side * generator.uniform(0.24, 0.4), 0.15, far)),
        tool=encoded(oklch(sky + side * generator.uniform(0.18, 0.4), 0.05, far + generator.uniform(-0.3, 0.3))),
        light=encoded(oklch(min(sky + generator.uniform(0.15, 0.45), 0.97), 0.1, far + generator.uniform(-0.3, 0.3))),
    )
