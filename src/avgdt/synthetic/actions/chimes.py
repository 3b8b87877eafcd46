"""A thing that runs up and down five pillars and plays a scale."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import mix
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo

_PILLARS = 5
_SCALE = 2 ** (np.array([-9.0, -5.0, 0.0, 5.0, 9.0]) / 12)


class Chimes(Action):
    """The higher the pillar, the lower its note; it dips and shines when it is hit."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(3.3, 4.6), setting.seconds)
        count = self._tempo.beats().size + 3
        route, step = [int(generator.integers(_PILLARS))], 1
        for turns in generator.uniform(size=count) < 0.2:
            step = -step if turns or not 0 <= route[-1] + step < _PILLARS else step
            step = step if 0 <= route[-1] + step < _PILLARS else -step
            route.append(route[-1] + step)
        self._route = np.array(route)
        self._pitches = _SCALE if generator.uniform() < 0.5 else _SCALE[::-1]
        self._spacing = 0.19

    @property
    def events(self) -> Floats:
        """Hits."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """Pillars from left to right, the thing on its arc from one to the next."""
        phase = float(self._tempo.phase(time))
        beat, share = int(phase), phase % 1
        look, colours = self.look, self.look.palette
        tops = []
        for pillar in range(_PILLARS):
            hit = float(np.exp(-share / 0.25)) if pillar == self._route[beat] else 0.0
            x = look.x + (pillar - 2) * self._spacing
            top = look.ground - 0.14 + 0.1 * np.log2(self._pitches[pillar]) + 0.04 * hit
            tops.append((x, top - 0.035))
            canvas.bar(x, look.ground, x, top, 0.035, mix(colours.tool, colours.light, hit))
        (x0, y0), (x1, y1) = tops[self._route[beat]], tops[self._route[beat + 1]]
        arc = 0.17 * 4 * share * (1 - share)
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0) - arc
        self.thing(canvas, x, y - look.size * 0.9, angle=0.8 * (x - look.x))

    def sound(self, synth: Synth) -> Floats:
        """One note per hit."""
        beats = self._tempo.beats().astype(int)
        return synth.strike(self.events, np.full(beats.size, 0.8), self._pitches[self._route[beats]])
