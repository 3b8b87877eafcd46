"""Places: the stages that a world's recordings share. A thing's place says nothing about what it does there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.data.worlds.colours import Colour, oklch

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
    """A stage: its colours, its ground line, and the number that all of its scenery is drawn from."""

    palette: Palette
    ground: float
    """How far down the ground line lies."""
    scenery: int
    """Seed of what stands about."""


def place_of(world: int, number: int) -> Place:
    """Place ``number`` (below PLACES) of the world with that seed."""
    generator = np.random.default_rng(np.random.SeedSequence(world, spawn_key=(1, number)))
    hue = (number + generator.uniform(0, 0.8)) / PLACES
    return Place(
        palette=_palette(generator, hue, dark=number % 3 == 1),
        ground=float(generator.uniform(0.78, 0.86)),
        scenery=int(generator.integers(2**31)),
    )


def _palette(generator: np.random.Generator, hue: float, dark: bool) -> Palette:
    """A scene in one hue, the thing in another."""
    far = hue + generator.uniform(0.3, 0.7)
    sky = generator.uniform(0.28, 0.45) if dark else generator.uniform(0.62, 0.88)
    # light on dark or dark on light, but in the middle both occur
    upwards = 1 if dark or (sky < 0.72 and generator.uniform() < 0.6) else -1
    thing = float(np.clip(sky + upwards * generator.uniform(0.22, 0.4), 0.25, 0.93))
    tool = float(np.clip(sky + generator.choice([-1, 1]) * generator.uniform(0.18, 0.35), 0.2, 0.93))
    return Palette(
        sky=oklch(sky, 0.05, hue),
        haze=oklch(sky + 0.07, 0.06, hue + generator.uniform(-0.15, 0.15)),
        ground=oklch(sky - generator.uniform(0.08, 0.14), 0.06, hue + generator.uniform(-0.2, 0.2)),
        thing=oklch(thing, 0.15, far),
        tool=oklch(tool, 0.05, far + generator.uniform(-0.2, 0.2)),
        light=oklch(0.93, 0.08, far + generator.uniform(-0.1, 0.1)),
    )
