"""An engine that shakes and puffs, revving up and down."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import mix
from avgdt.synthetic.outlines import DISC, Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo

_BLOCK = Block(width=1.5)
_PUFF = 0.7  # seconds that a puff is seen


class Engine(Action):
    """Each firing shakes the block, throbs in the sound and leaves a puff; the pitch follows the revolutions."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._usual = generator.uniform(5.0, 7.0)
        self._tempo = Tempo(generator, self._usual, setting.seconds, depth=0.6, fastest=0.6)
        self._side = generator.choice([-1.0, 1.0])

    def _revs(self, times: Floats | float) -> Floats:
        return self._tempo.rate(times) / self._usual

    def _throb(self, times: Floats | float) -> Floats:
        return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """The block on its feet, the thing as a flywheel, puffs from the pipe."""
        look, colours, side = self.look, self.look.palette, self._side
        revs, throb = float(self._revs(time)), float(self._throb(time))
        lift = 0.05 * revs * throb
        x, y = look.x, look.ground - 0.19 - lift
        pipe = x + side * 0.22
        self._puffs(canvas, time, pipe, look.ground - 0.42)
        self.shadow(canvas, x, 0.27)
        canvas.bar(x - 0.14, look.ground, x - 0.14, y, 0.025, colours.tool)
        canvas.bar(x + 0.14, look.ground, x + 0.14, y, 0.025, colours.tool)
        canvas.bar(pipe, y, pipe, look.ground - 0.38 - lift, 0.025, colours.tool)
        canvas.shape(_BLOCK, x, y, 0.16, colours.tool, stretch=(1 - 0.6 * lift, 1 + 0.6 * lift))
        wheel, turn = x - side * 0.06, 0.5 * np.pi * float(self._tempo.phase(time))
        self.thing(canvas, wheel, y - 0.02, angle=turn)
        reach = 0.6 * look.size
        canvas.shape(DISC, wheel + reach * np.sin(turn), y - 0.02 - reach * np.cos(turn), 0.02, colours.light)

    def _puffs(self, canvas: Canvas, time: float, x: float, y: float) -> None:
        last = float(np.floor(self._tempo.phase(time)))
        for phase in np.arange(last, last - 8, -1):
            share = (time - float(self._tempo.time(phase))) / _PUFF
            if share < 1:
                drift = self._side * 0.12 * share
                paint = mix(self.look.palette.haze, self.look.palette.light, 0.6)
                canvas.shape(DISC, x + drift, y - 0.3 * share, 0.03 + 0.06 * share, paint, alpha=0.8 * (1 - share))

    def sound(self, synth: Synth) -> Floats:
        """A throbbing hum."""
        revs = self._revs(synth.times)
        return synth.sustain(0.9 * revs, (0.15 + 0.85 * self._throb(synth.times) ** 2) * revs)
