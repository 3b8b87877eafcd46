"""Two lamps that shine in turn, one high, one low."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo, ease

_SWITCH = 0.06  # share of a beat in which one lamp hands over to the other
_BOX = Block(width=2.6)


class Siren(Action):
    """The lamp that shines decides the pitch, its brightness the loudness."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(2.2, 3.4), setting.seconds)
        self._strengths = generator.uniform(0.55, 1.0, self._tempo.beats().size + 3)
        self._interval = generator.uniform(0.5, 0.8)
        self._low = int(generator.integers(2))

    def _right(self, times: Floats | float) -> Floats:
        """How far the right lamp has taken over, 0 to 1."""
        phase = self._tempo.phase(times)
        arrived = ease(phase % 1 / _SWITCH)
        return np.where(np.floor(phase) % 2 == 1, arrived, 1 - arrived)

    def _brightness(self, times: Floats | float) -> Floats:
        phase = self._tempo.phase(times)
        beat = np.floor(phase).astype(int)
        share = ease(phase % 1 / _SWITCH)
        return np.asarray(self._strengths[beat] + share * (self._strengths[beat + 1] - self._strengths[beat]))

    def draw(self, canvas: Canvas, time: float) -> None:
        """A post with a box and the lamps on it."""
        look, colours = self.look, self.look.palette
        right, brightness = float(self._right(time)), float(self._brightness(time))
        top = look.ground - 0.3
        self.shadow(canvas, look.x, 0.2)
        canvas.bar(look.x, look.ground, look.x, top, 0.03, colours.tool)
        canvas.shape(_BOX, look.x, top, 0.07, colours.tool)
        for side, lit in ((-1, 1 - right), (1, right)):
            x, y = look.x + side * 0.17, top - 0.04 - look.size
            canvas.glow(x, y, 0.36, colours.light, 0.75 * lit * brightness)
            self.thing(canvas, x, y, size=look.size * (0.85 + 0.25 * lit * brightness), lit=0.8 * lit * brightness)

    def sound(self, synth: Synth) -> Floats:
        """A held note that jumps up and down."""
        high = self._right(synth.times) if self._low == 0 else 1 - self._right(synth.times)
        return synth.sustain(0.75 * 2 ** (self._interval * high), self._brightness(synth.times) ** 1.5)
