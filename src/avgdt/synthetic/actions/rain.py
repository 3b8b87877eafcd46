"""Drops that fall from a cloud in gusts, each with its splash."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Drift, Tempo

_SPLASH = 0.28  # seconds that a splash is seen
_FALL = 1.3  # units per second


class Rain(Action):
    """The more drops, the more plips; a bigger drop sounds lower and louder."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator, look = setting.generator, setting.look
        self._tempo = Tempo(generator, generator.uniform(9, 14), setting.seconds, depth=1.3)
        count = self._tempo.beats().size
        phases = np.cumsum(generator.exponential(1.0, count))
        self._landings = self._tempo.time(phases[phases < self._tempo.beats()[-1]])
        count = self._landings.size
        self._cloud = look.x + 0.1 * np.asarray(Drift(generator)(self._landings))
        self._x = self._cloud + generator.uniform(-0.4, 0.4, count)
        self._y = look.ground + generator.uniform(0.0, 0.14, count)
        self._sizes = look.size * generator.uniform(0.14, 0.32, count)
        self._slant = generator.uniform(-0.25, 0.25)

    @property
    def events(self) -> Floats:
        """Drops that reach the ground."""
        return self._landings

    def draw(self, canvas: Canvas, time: float) -> None:
        """Streaks above the ground, rings on it, the cloud over all."""
        colours = self.look.palette
        ages = time - self._landings
        for index in np.flatnonzero((ages > -0.6) & (ages < _SPLASH)):
            age, x, y, size = ages[index], self._x[index], self._y[index], self._sizes[index]
            if age < 0:
                x, y = x + self._slant * age * _FALL, y + age * _FALL
                if y > 0.16:
                    canvas.bar(x - self._slant * 0.05, y - 0.05, x, y, size * 0.6, colours.thing)
            else:
                share = age / _SPLASH
                canvas.ring(
                    x, y, size * (0.8 + 3.5 * share), 0.014, colours.light, alpha=1 - float(share), flatness=0.4
                )
        cloud = float(np.interp(time, self._landings, self._cloud))
        for offset, height, radius in ((-0.22, 0.11, 0.1), (0.22, 0.11, 0.1), (0.0, 0.08, 0.14)):
            canvas.shape(DISC, cloud + offset, height, radius, colours.tool)
        self.thing(canvas, cloud, 0.09)

    def sound(self, synth: Synth) -> Floats:
        """A short rising plip per drop."""
        share = self._sizes / self.look.size
        return synth.strike(self._landings, share * 3, (0.22 / share) ** 0.8, glide=0.5)
