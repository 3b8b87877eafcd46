"""A wheel that rolls to and fro over ridges in the ground."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo


class Roll(Action):
    """A click per ridge: a fast wheel rattles, a turning one falls silent."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.4, 0.6), setting.seconds)
        self._reach = generator.uniform(0.3, 0.42)
        self._ridge = generator.uniform(0.065, 0.085)
        fine = np.arange(-0.2, setting.seconds + 0.2, 0.0005)
        places = self._place(fine) / self._ridge
        crossed = np.flatnonzero(np.floor(places[1:]) != np.floor(places[:-1]))
        self._clicks = fine[crossed + 1]
        self._speeds = np.abs(np.gradient(places, fine))[crossed]

    def _place(self, times: Floats | float) -> Floats:
        return np.asarray(self.look.x + self._reach * np.sin(2 * np.pi * self._tempo.phase(times)))

    @property
    def events(self) -> Floats:
        """Ridges passed."""
        return self._clicks

    def draw(self, canvas: Canvas, time: float) -> None:
        """The wheel hops a little on every ridge; its hub turns with it."""
        look, colours = self.look, self.look.palette
        x = float(self._place(time))
        radius = look.size * 1.35
        rise = 0.016 * abs(np.cos(np.pi * x / self._ridge))
        first = int(np.ceil((look.x - 0.58) / self._ridge))
        for ridge in range(first, first + int(1.16 / self._ridge) + 1):
            canvas.shape(DISC, ridge * self._ridge, look.ground, 0.014, colours.tool)
        y = look.ground - radius - rise
        self.shadow(canvas, x, radius)
        canvas.shape(DISC, x, y, radius, colours.tool)
        angle = x / radius
        self.thing(canvas, x, y, size=look.size, angle=angle)
        canvas.shape(DISC, x + 0.8 * radius * np.sin(angle), y - 0.8 * radius * np.cos(angle), 0.02, colours.light)

    def sound(self, synth: Synth) -> Floats:
        """One click per ridge, louder when fast."""
        return synth.strike(self._clicks, (self._speeds / 15) ** 0.7, 1.2)
