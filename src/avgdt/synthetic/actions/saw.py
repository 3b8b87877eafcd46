"""A saw that bites on the way out and slides back."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC, Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo, ease

_LOG = Block(width=1.7)
_BITE = 0.42  # share of a beat that the biting stroke takes
_TEETH = 46.0  # teeth per unit of the blade


class Saw(Action):
    """Rough and loud while it bites, faint and higher while it slides back; the rasp is as fast as the blade."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(1.4, 2.1), setting.seconds)
        self._side = generator.choice([-1.0, 1.0])
        self._strengths = generator.uniform(0.65, 1.0, self._tempo.beats().size + 3)
        self._dust = generator.uniform(-1, 1, (97, 2))

    def _way(self, times: Floats | float) -> Floats:
        """The blade's place: out from 0 to the stroke's strength and back again."""
        phase = self._tempo.phase(times)
        share = phase % 1
        strength = self._strengths[np.floor(phase).astype(int)]
        return np.asarray(strength * (ease(share / _BITE) - ease((share - _BITE) / (1 - _BITE))))

    def draw(self, canvas: Canvas, time: float) -> None:
        """The blade over a log, the thing as its grip, dust that falls while it bites."""
        look, colours, side = self.look, self.look.palette, self._side
        cut_x, cut_y = look.x + side * 0.12, look.ground - 0.25
        x = cut_x - side * (0.5 - 0.38 * float(self._way(time)))
        y = cut_y - 0.05
        self.shadow(canvas, cut_x, 0.24)
        canvas.shape(_LOG, cut_x, look.ground - 0.1, 0.14, colours.tool)
        for leg in (-0.15, 0.15):
            canvas.bar(cut_x + leg, look.ground, cut_x + leg, look.ground - 0.1, 0.02, colours.tool)
        canvas.bar(x, y, x + side * 0.72, y + 0.02, 0.024, colours.light)
        self._fall(canvas, time, cut_x, cut_y)
        self.thing(canvas, x, y, angle=0.2 * side)

    def _fall(self, canvas: Canvas, time: float, x: float, y: float) -> None:
        for age in np.arange(time % 0.05, 0.45, 0.05):
            born = time - age
            if float(self._tempo.phase(born)) % 1 < _BITE:
                aside, up = self._dust[round(born / 0.05) % len(self._dust)]
                place = y + 0.05 - 0.25 * (1 + up) * age + 1.6 * age**2
                canvas.shape(DISC, x + 0.45 * aside * age, place, 0.014, self.look.palette.thing)

    def sound(self, synth: Synth) -> Floats:
        """The rasp of the teeth under the blade's speed."""
        way = self._way(synth.times)
        speed = np.gradient(way, synth.times)
        rasp = 0.5 + 0.5 * np.cos(2 * np.pi * _TEETH * 0.3 * way)
        loudness = np.where(speed > 0, np.abs(speed) / 4, np.abs(speed) / 10)
        return synth.sustain(np.where(speed > 0, 0.85, 1.25), loudness * (0.15 + 0.85 * rasp))
