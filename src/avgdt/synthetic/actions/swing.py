"""A pendulum that hums as it passes through the middle."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Drift, Tempo


class Swing(Action):
    """Loudness follows the speed, and the pitch bends with it."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.7, 1.0), setting.seconds, depth=0.4)
        self._width = generator.uniform(0.7, 0.95)
        self._breadth = Drift(generator)
        self._length = generator.uniform(0.38, 0.46)

    def _angle(self, times: Floats | float) -> Floats:
        width = self._width * (1 + 0.25 * self._breadth(times))
        return np.asarray(width * np.sin(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """A rod from a peg at the top."""
        look, colours = self.look, self.look.palette
        angle = float(self._angle(time))
        x, y = look.x + self._length * np.sin(angle), 0.12 + self._length * np.cos(angle)
        self.shadow(canvas, x, look.size, depth=0.25)
        canvas.bar(look.x - 0.3, 0.1, look.x + 0.3, 0.1, 0.022, colours.tool)
        canvas.bar(look.x, 0.12, x, y, 0.015, colours.tool)
        canvas.shape(DISC, look.x, 0.12, 0.03, colours.tool)
        self.thing(canvas, x, y, angle=-angle)

    def sound(self, synth: Synth) -> Floats:
        """A hum that swells with the speed."""
        speed = np.abs(np.gradient(self._angle(synth.times), synth.times)) / 5.0
        return synth.sustain(0.9 * 2 ** (0.5 * speed), speed**1.5)
