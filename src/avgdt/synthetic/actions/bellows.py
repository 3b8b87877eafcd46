"""A balloon that a pump fills and empties."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Drift, Tempo

_BODY = Block(width=0.8)


class Bellows(Action):
    """The pitch glides with the size, high when small; the flow of air is the loudness."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.75, 1.1), setting.seconds, depth=0.45)
        self._depth = Drift(generator)
        self._side = generator.choice([-1.0, 1.0])

    def _fill(self, times: Floats | float) -> Floats:
        """From about -1 (empty) to 1 (full)."""
        return np.asarray((0.8 + 0.25 * self._depth(times)) * np.sin(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """The pump's handle goes down as the thing grows."""
        look, colours, side = self.look, self.look.palette, self._side
        fill = float(self._fill(time))
        size = look.size * 1.3 * (1 + 0.5 * fill)
        pump, handle = look.x - side * 0.25, look.ground - 0.32 + 0.1 * fill
        thing = look.x + side * 0.14
        self.shadow(canvas, thing, size)
        self.shadow(canvas, pump, 0.1)
        canvas.bar(pump, look.ground - 0.05, thing, look.ground - 0.05, 0.015, colours.tool)
        canvas.bar(pump, look.ground - 0.1, pump, handle, 0.015, colours.tool)
        canvas.bar(pump - 0.08, handle, pump + 0.08, handle, 0.02, colours.tool)
        canvas.shape(_BODY, pump, look.ground - 0.09, 0.1, colours.tool)
        self.thing(canvas, thing, look.ground - 0.03 - size, size=size)

    def sound(self, synth: Synth) -> Floats:
        """A note that falls as the thing fills and rises as it empties."""
        fill = self._fill(synth.times)
        flow = np.abs(np.gradient(fill, synth.times)) / 5.0
        return synth.sustain(2 ** (-0.9 * fill), 0.15 + flow)
