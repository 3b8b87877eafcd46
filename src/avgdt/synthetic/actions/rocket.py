"""Rockets that whistle up and burst."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo

_RISE = 0.6  # share of a beat that a rocket rises
_SPARKS = 9


class Rocket(Action):
    """The whistle climbs with the rocket and ends in the burst; a wide burst is a loud one."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.9, 1.3), setting.seconds)
        count = self._tempo.beats().size + 3
        self._strengths = generator.uniform(0.5, 1.0, count)
        self._x = setting.look.x + generator.uniform(-0.25, 0.25, count)
        self._top = generator.uniform(0.2, 0.32, count)

    @property
    def events(self) -> Floats:
        """Bursts."""
        return self._tempo.time(self._tempo.beats() + _RISE)

    def draw(self, canvas: Canvas, time: float) -> None:
        """The rocket with its trail, then sparks that fade and fall."""
        look, colours = self.look, self.look.palette
        phase = float(self._tempo.phase(time))
        beat, share = int(phase), phase % 1
        x, top, strength = self._x[beat], self._top[beat], self._strengths[beat]
        canvas.bar(look.x - 0.25, look.ground - 0.01, look.x + 0.25, look.ground - 0.01, 0.03, colours.tool)
        if share < _RISE:
            risen = share / _RISE
            start = look.ground - look.size
            y = start + (top - start) * risen
            for step in range(1, 5):
                below = min(y + look.size + 0.05 * step, look.ground)
                canvas.shape(DISC, x, below, 0.034 - 0.005 * step, colours.light, alpha=0.8 - 0.15 * step)
            self.thing(canvas, x, y, size=look.size * 0.9)
            return
        age = (share - _RISE) / (1 - _RISE)
        reach = 0.34 * strength * (1 - (1 - age) ** 2)
        canvas.glow(x, top, 0.4 * strength, colours.light, 0.8 * max(1 - 2.5 * age, 0))
        for spark in range(_SPARKS):
            turn = 2 * np.pi * spark / _SPARKS
            place = (x + reach * np.cos(turn), top + reach * np.sin(turn) + 0.12 * age**2)
            canvas.shape(look.outline, *place, look.size * 0.4 * (1 - 0.7 * age), colours.thing, alpha=1 - age**2)

    def sound(self, synth: Synth) -> Floats:
        """A rising whistle, then a low burst."""
        share = self._tempo.phase(synth.times) % 1
        risen = np.clip(share / _RISE, 0, 1)
        loudness = np.where(share < _RISE, 0.1 + 0.2 * risen, 0.0)
        whistle = synth.sustain(0.8 * 2 ** (1.3 * risen), loudness)
        beats = self._tempo.beats().astype(int)
        return whistle + synth.strike(self.events, 2.2 * self._strengths[beats], 0.6)
