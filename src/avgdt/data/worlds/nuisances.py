"""What differs between recordings whatever happens in them: thing, stage, place in it, camera, room, loudness.

A world has few stages and few rooms, which its recordings share. Were each recording's colours or hiss unique, a network
could learn by heart which hiss goes with which colours instead of what causes a sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.data.worlds.outlines import Outline
from avgdt.data.worlds.places import Palette, Place, draw_place
from avgdt.data.worlds.room import Room, draw_room
from avgdt.data.worlds.timeline import Drift
from avgdt.data.worlds.voices import LARGEST, OUTLINES, SMALLEST, Voice, voice_of

_PLACES = 8
_ROOMS = 8


@dataclass(frozen=True)
class Camera:
    """A gently wandering camera."""

    across: Drift
    down: Drift
    reach: float
    """Farthest wandering in units of the picture's height."""
    zoom: float
    """How much larger than usual everything looks."""


@dataclass(frozen=True)
class Look:
    """The nuisances of one recording."""

    outline: Outline
    size: float
    """Half-axis of the thing in units of the picture's height."""
    x: float
    """Where it happens, from the left."""
    place: Place
    camera: Camera
    voice: Voice
    room: Room
    level: float
    """Decibels of the sound relative to full scale (root mean square)."""

    @property
    def palette(self) -> Palette:
        """The colours of the place."""
        return self.place.palette

    @property
    def ground(self) -> float:
        """How far down the ground line of the place lies."""
        return self.place.ground


def draw_look(generator: np.random.Generator, aspect: float, world: int) -> Look:
    """All nuisances of one recording of the world with that seed; ``aspect`` is the picture's width over its height."""
    outline = OUTLINES[generator.integers(len(OUTLINES))]
    size = float(generator.uniform(SMALLEST, LARGEST))
    return Look(
        outline=outline,
        size=size,
        x=float(aspect / 2 + generator.uniform(-0.14, 0.14)),
        place=draw_place(_shared(world, 1, int(generator.integers(_PLACES)))),
        camera=Camera(
            across=Drift(generator),
            down=Drift(generator),
            reach=float(generator.uniform(0.005, 0.05)),
            zoom=float(generator.uniform(0.95, 1.05)),
        ),
        voice=voice_of(outline, size, generator),
        room=draw_room(_shared(world, 2, int(generator.integers(_ROOMS)))),
        level=float(generator.uniform(-28, -20)),
    )


def _shared(world: int, kind: int, number: int) -> np.random.Generator:
    """The generator of a thing that the recordings of a world share."""
    return np.random.default_rng(np.random.SeedSequence(world, spawn_key=(kind, number)))
