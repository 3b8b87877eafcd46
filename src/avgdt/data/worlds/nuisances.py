"""What differs between recordings whatever happens in them: thing, place, colours, camera, room, noise, loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.data.worlds.colours import Colour, oklch
from avgdt.data.worlds.outlines import Outline
from avgdt.data.worlds.timeline import Drift
from avgdt.data.worlds.voices import LARGEST, OUTLINES, SMALLEST, Voice, voice_of


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
class Camera:
    """A gently wandering camera."""

    across: Drift
    down: Drift
    reach: float
    """Farthest wandering in units of the picture's height."""
    zoom: float
    """How much larger than usual everything looks."""


@dataclass(frozen=True)
class Acoustics:
    """How the sound reaches the microphone."""

    tilt: float
    """Decibels per octave around 1 kHz."""
    echo: float
    """Share of reverberation."""
    echo_decay: float
    """Seconds in which it falls to 1/e."""
    noise: float
    """Decibels of background noise relative to the sound."""
    noise_tilt: float
    """Decibels per octave of the noise."""
    level: float
    """Decibels of the whole relative to full scale (root mean square)."""


@dataclass(frozen=True)
class Look:
    """The nuisances of one recording."""

    outline: Outline
    size: float
    """Half-axis of the thing in units of the picture's height."""
    x: float
    """Where it happens, from the left."""
    ground: float
    """How far down the ground line lies."""
    palette: Palette
    voice: Voice
    camera: Camera
    acoustics: Acoustics


def draw_palette(generator: np.random.Generator) -> Palette:
    """A light, dusky or dark scene in one hue, the thing in another."""
    hue = generator.uniform()
    far = hue + generator.uniform(0.3, 0.7)
    dark = generator.uniform() < 0.4
    sky = generator.uniform(0.28, 0.42) if dark else generator.uniform(0.76, 0.9)
    thing = generator.uniform(0.72, 0.85) if dark else generator.uniform(0.48, 0.62)
    tool = generator.uniform(0.6, 0.75) if dark else generator.uniform(0.36, 0.5)
    return Palette(
        sky=oklch(sky, 0.05, hue),
        haze=oklch(sky + 0.07, 0.06, hue + generator.uniform(-0.15, 0.15)),
        ground=oklch(sky - generator.uniform(0.08, 0.14), 0.06, hue + generator.uniform(-0.2, 0.2)),
        thing=oklch(thing, 0.15, far),
        tool=oklch(tool, 0.05, far + generator.uniform(-0.2, 0.2)),
        light=oklch(0.93, 0.08, far + generator.uniform(-0.1, 0.1)),
    )


def draw_look(generator: np.random.Generator, aspect: float) -> Look:
    """All nuisances of one recording; ``aspect`` is the picture's width over its height."""
    outline = OUTLINES[generator.integers(len(OUTLINES))]
    size = float(generator.uniform(SMALLEST, LARGEST))
    return Look(
        outline=outline,
        size=size,
        x=float(aspect / 2 + generator.uniform(-0.14, 0.14)),
        ground=float(generator.uniform(0.78, 0.86)),
        palette=draw_palette(generator),
        voice=voice_of(outline, size, generator),
        camera=Camera(
            across=Drift(generator),
            down=Drift(generator),
            reach=float(generator.uniform(0.005, 0.05)),
            zoom=float(generator.uniform(0.95, 1.05)),
        ),
        acoustics=Acoustics(
            tilt=float(generator.uniform(-3, 3)),
            echo=float(generator.uniform(0, 0.35)),
            echo_decay=float(generator.uniform(0.05, 0.15)),
            noise=float(generator.uniform(-30, -14)),
            noise_tilt=float(generator.uniform(-5, 0)),
            level=float(generator.uniform(-30, -20)),
        ),
    )
