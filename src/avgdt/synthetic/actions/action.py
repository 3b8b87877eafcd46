"""Base class of actions, each of which determines both the frames and the audio of a recording."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.audio import Synth
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import encoded, interpolate
from avgdt.synthetic.nuisances import Look
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.timeline import Floats

_SHADOW = encoded((20.0, 20.0, 30.0))


@dataclass(frozen=True)
class Setting:
    """Arguments of an action's constructor."""

    generator: np.random.Generator
    look: Look
    seconds: float
    """Length of the recording, in seconds."""


class Action(ABC):
    """Base class of actions, one subclass per label; the constructor samples the timeline of both frames and audio."""

    def __init__(self, setting: Setting) -> None:
        self.look = setting.look

    @abstractmethod
    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the action on ``canvas`` at ``time`` (seconds)."""

    @abstractmethod
    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of the action, (samples,), without the acoustics of the room."""

    @property
    def events(self) -> Floats:
        """Times of the struck notes, in seconds; empty if the sound is sustained."""
        return np.empty(0)

    def draw_object(
        self,
        canvas: Canvas,
        x: float,
        y: float,
        *,
        size: float | None = None,
        angle: float = 0.0,
        stretch: tuple[float, float] = (1.0, 1.0),
        lit: float = 0.0,
    ) -> None:
        """Draw the moving object; its core is blended with ``Palette.light``.

        ``lit``, from 0 to 1, blends the colour of the whole object with ``Palette.light``.
        """
        colours = self.look.palette
        radius = self.look.size if size is None else size
        outline = self.look.outline
        body = interpolate(colours.object, colours.light, lit)
        canvas.shape(outline, x, y, radius, body, angle=angle, stretch=stretch)
        core = interpolate(body, colours.light, 0.35)
        canvas.shape(outline, x, y, radius * 0.55, core, angle=angle, stretch=stretch)

    def draw_shadow(self, canvas: Canvas, x: float, width: float, depth: float = 0.35) -> None:
        """Draw a shadow of opacity ``depth`` on the ground below ``x``."""
        canvas.shape(DISC, x, self.look.ground + 0.012, width, _SHADOW, stretch=(1.0, 0.16), alpha=depth)
