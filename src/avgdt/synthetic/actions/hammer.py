"""A hammer that is lifted slowly, falls fast and hops once on the anvil."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo, ease

_HOP = 0.2  # share of a beat between the blow and the hop's landing
_BLOCK = Block(width=1.5)


class Hammer(Action):
    """The higher the lift, the louder the blow; each blow is followed by the soft second contact of the hop."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(1.1, 1.7), setting.seconds)
        self._strengths = generator.uniform(0.5, 1.0, self._tempo.beats().size + 2)
        self._side = generator.choice([-1.0, 1.0])

    @property
    def events(self) -> Floats:
        """The blows, without the hops."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """The rod turns about its far end; the angle is 0 on the anvil."""
        phase = float(self._tempo.phase(time))
        beat, share = int(phase), phase % 1
        lift = 1.15 * self._strengths[beat + 1]  # towards the next blow
        hop = 0.16 * self._strengths[beat] * 4 * share * max(_HOP - share, 0) / _HOP**2
        fall = np.clip((share - 0.82) / 0.18, 0, 1) ** 2
        angle = hop + lift * (float(ease((share - _HOP) / 0.55)) - fall)
        size, colours, side = self.look.size, self.look.palette, self._side
        anvil = self.look.ground - 0.16
        length = 0.5
        x, pivot = self.look.x - side * 0.22, anvil - size * 0.8
        head_x, head_y = x + side * length * np.cos(angle), pivot - length * np.sin(angle)
        self.shadow(canvas, x + side * length, 0.16)
        canvas.shape(_BLOCK, x + side * length, self.look.ground - 0.08, 0.09, colours.tool)
        canvas.bar(x, pivot, x - side * 0.04, self.look.ground, 0.022, colours.tool)
        canvas.bar(x, pivot, head_x, head_y, 0.017, colours.tool)
        self.thing(canvas, head_x, head_y, angle=-side * angle)

    def sound(self, synth: Synth) -> Floats:
        """A blow and its hop per beat."""
        beats = self._tempo.beats()
        strengths = self._strengths[beats.astype(int)]
        hops = self._tempo.time(beats + _HOP)
        return synth.strike(self.events, strengths) + synth.strike(hops, strengths * 0.4, 1.06)
