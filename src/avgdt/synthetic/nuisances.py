"""What differs between recordings whatever happens in them: thing, place, camera, room, loudness.

A world has few places, which its recordings share. Were each recording's picture unique even when nothing moves, a
network could learn by heart which room sounds behind which picture, instead of what causes a sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.outlines import Outline
from avgdt.synthetic.places import Palette, Place
from avgdt.synthetic.room import Room, draw_room
from avgdt.synthetic.timeline import Drift
from avgdt.synthetic.voices import LARGEST, OUTLINES, SMALLEST, Voice, voice_of


@dataclass(frozen=True)
class Camera:
    """A camera held by a restless hand: the still picture moves, so that what moves tells little by itself."""

    across: Drift
    down: Drift
    reach: float
    """Farthest wandering in units of the picture's height."""
    zoom: float
    """How much larger than usual everything looks."""

    def place(self, time: float) -> tuple[float, float]:
        """Where it points at ``time`` seconds: right and down of the usual, in units of the picture's height."""
        return self.reach * float(self.across(time)), 0.5 * self.reach * float(self.down(time))


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


def draw_look(generator: np.random.Generator, aspect: float, place: Place) -> Look:
    """All nuisances of one recording at ``place``; ``aspect`` is the picture's width over its height."""
    outline = OUTLINES[generator.integers(len(OUTLINES))]
    size = float(generator.uniform(SMALLEST, LARGEST))
    return Look(
        outline=outline,
        size=size,
        x=float(aspect / 2 + generator.uniform(-0.14, 0.14)),
        place=place,
        camera=Camera(
            across=Drift(generator),
            down=Drift(generator),
            reach=float(generator.uniform(0.05, 0.25)),
            zoom=float(generator.uniform(0.95, 1.05)),
        ),
        voice=voice_of(outline, size, generator),
        room=draw_room(generator),
        level=float(generator.uniform(-28, -20)),
    )
