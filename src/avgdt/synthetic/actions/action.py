"""What happens in a recording: one cause that is both drawn and heard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import encoded, mix
from avgdt.synthetic.nuisances import Look
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.synth import Synth

_SHADOW = encoded((20.0, 20.0, 30.0))


@dataclass(frozen=True)
class Setting:
    """All that an action is drawn from."""

    generator: np.random.Generator
    look: Look
    seconds: float
    """Length of the recording."""


class Action(ABC):
    """A class of recordings. Its constructor draws the timeline; drawing and sound only read it."""

    def __init__(self, setting: Setting) -> None:
        self.look = setting.look

    @abstractmethod
    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw what is seen at ``time`` (seconds) over the backdrop."""

    @abstractmethod
    def sound(self, synth: Synth) -> Floats:
        """What is heard, (samples,), before the room and the microphone."""

    @property
    def events(self) -> Floats:
        """Times in seconds at which something is struck; empty when the sound is sustained."""
        return np.empty(0)

    def thing(
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
        """Draw the recording's thing with a lighter core; ``lit`` from 0 to 1 turns it to the colour of light."""
        colours = self.look.palette
        radius = self.look.size if size is None else size
        outline = self.look.outline
        body = mix(colours.thing, colours.light, lit)
        canvas.shape(outline, x, y, radius, body, angle=angle, stretch=stretch)
        core = mix(body, colours.light, 0.35)
        canvas.shape(outline, x, y, radius * 0.55, core, angle=angle, stretch=stretch)

    def shadow(self, canvas: Canvas, x: float, width: float, depth: float = 0.35) -> None:
        """A soft shadow on the ground under x."""
        canvas.shape(DISC, x, self.look.ground + 0.012, width, _SHADOW, stretch=(1.0, 0.16), alpha=depth)
