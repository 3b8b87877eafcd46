"""Distractors: silent moving objects in the background, so that motion alone does not reveal the class."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import Colour, interpolate
from avgdt.synthetic.nuisances import Background
from avgdt.synthetic.outlines import DISC, Rectangle

_LEAF = Rectangle(width=2.0)


class Distractor(ABC):
    """Base class of distractors: groups of objects that move or blink silently behind the action."""

    def __init__(self, generator: np.random.Generator, background: Background, aspect: float) -> None:
        self._ground, self._aspect = background.ground, aspect
        colours = background.palette
        paint = (colours.ground, colours.tool, colours.light)[generator.integers(3)]
        self._colour: Colour = interpolate(colours.haze, paint, generator.uniform(0.4, 0.8))
        self._prepare(generator)

    @abstractmethod
    def _prepare(self, generator: np.random.Generator) -> None:
        """Sample the parameters of the distractor with ``generator``."""

    @abstractmethod
    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the distractor on ``canvas`` at ``time`` (seconds)."""


class Clouds(Distractor):
    """Clouds that drift across the sky."""

    def _prepare(self, generator: np.random.Generator) -> None:
        self._positions = generator.uniform((0, 0.05), (self._aspect, 0.35), (3, 2))
        self._sizes = generator.uniform(0.03, 0.06, 3)
        self._speed = generator.choice([-1, 1]) * generator.uniform(0.08, 0.25)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw each cloud as a bar and a disc."""
        for (x, y), size in zip(self._positions, self._sizes, strict=True):
            position = (x + self._speed * time + 0.2) % (self._aspect + 0.4) - 0.2
            canvas.bar(position - 2 * size, y, position + 2 * size, y, size * 0.8, self._colour)
            canvas.shape(DISC, position - size * 0.3, y - size * 0.6, size * 1.3, self._colour)


class Birds(Distractor):
    """Birds that fly across the frame."""

    def _prepare(self, generator: np.random.Generator) -> None:
        count = generator.integers(2, 5)
        self._positions = generator.uniform((0, 0.08), (self._aspect, 0.6), (count, 2))
        self._beats = generator.uniform(1.2, 3.5, count)
        self._speed = generator.choice([-1, 1]) * generator.uniform(0.06, 0.3)
        self._size = generator.uniform(0.05, 0.09)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw each bird as two beating wings, each of which is a bar."""
        for (x, y), beats in zip(self._positions, self._beats, strict=True):
            angle = 0.8 * np.sin(2 * np.pi * (beats * time + x))
            position = (x + self._speed * time + 0.1) % (self._aspect + 0.2) - 0.1
            height = y + 0.03 * np.sin(2 * np.pi * 0.4 * time + 9 * y)
            tip = height - self._size * np.sin(angle)
            for side in (-1, 1):
                canvas.bar(position, height, position + side * self._size * np.cos(angle), tip, 0.012, self._colour)


class Leaves(Distractor):
    """Leaves that fall and sway."""

    def _prepare(self, generator: np.random.Generator) -> None:
        count = generator.integers(4, 10)
        self._positions = generator.uniform((0, 0), (self._aspect, 1.2), (count, 2))
        self._speeds = generator.uniform(0.12, 0.45, count)
        self._sway = generator.uniform(0.02, 0.1)
        self._size = generator.uniform(0.018, 0.03)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw each leaf as a rectangle that sways and rotates while it falls."""
        for (x, y), speed in zip(self._positions, self._speeds, strict=True):
            sway = np.sin(2 * np.pi * (0.7 * time + x))
            canvas.shape(
                _LEAF, x + self._sway * sway, (y + speed * time) % 1.2 - 0.1, self._size, self._colour, angle=sway
            )


class Reeds(Distractor):
    """Reeds that sway on the ground."""

    def _prepare(self, generator: np.random.Generator) -> None:
        count = generator.integers(4, 9)
        self._x = generator.uniform(0, self._aspect, count)
        self._lengths = generator.uniform(0.15, 0.4, count)
        self._frequency, self._depth = generator.uniform(0.4, 1.2), generator.uniform(0.15, 0.5)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw each reed as a bar with a disc at its tip."""
        for x, length in zip(self._x, self._lengths, strict=True):
            lean = self._depth * np.sin(2 * np.pi * (self._frequency * time + 0.5 * x))
            tip = (x + length * np.sin(lean), self._ground - length * np.cos(lean))
            canvas.bar(x, self._ground, *tip, 0.009, self._colour)
            canvas.shape(DISC, *tip, 0.025, self._colour)


class Lanterns(Distractor):
    """Lights whose brightness oscillates."""

    def _prepare(self, generator: np.random.Generator) -> None:
        count = generator.integers(3, 7)
        self._positions = generator.uniform((0, 0.08), (self._aspect, 0.65), (count, 2))
        self._frequencies = generator.uniform(0.4, 1.6, count)
        self._size = generator.uniform(0.07, 0.14)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw each light as a halo."""
        for (x, y), frequency in zip(self._positions, self._frequencies, strict=True):
            shine = 0.5 + 0.5 * np.sin(2 * np.pi * (frequency * time + 3 * x))
            canvas.glow(x, y, self._size, self._colour, 0.2 + 0.8 * shine)


DISTRACTORS: tuple[type[Distractor], ...] = (Birds, Clouds, Lanterns, Leaves, Reeds)
"""All classes of distractors."""


def draw_distractor(generator: np.random.Generator, background: Background, aspect: float) -> Distractor:
    """Sample the distractor of one recording; ``aspect`` is the width of the frame divided by its height."""
    return DISTRACTORS[generator.integers(len(DISTRACTORS))](generator, background, aspect)
