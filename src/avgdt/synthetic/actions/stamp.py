"""Two feet that stamp in turn, the larger one lower."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import Block
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Tempo, ease

_FOOT = Block(width=1.3)


class Stamp(Action):
    """Steps alternate between two pitches; the lift of a foot is the strength of its step."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(2.0, 2.9), setting.seconds)
        self._strengths = generator.uniform(0.6, 1.0, self._tempo.beats().size + 3)
        self._ratio = generator.uniform(1.5, 1.9)
        self._low = int(generator.integers(2))

    @property
    def events(self) -> Floats:
        """Steps."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """A body on two legs; the foot that lands at the next beat is in the air."""
        phase = float(self._tempo.phase(time))
        beat, share = int(phase), phase % 1
        lift = 0.24 * self._strengths[beat + 1] * (float(ease(share / 0.6)) - max(share - 0.75, 0) ** 2 * 16)
        sway = 0.03 * np.cos(np.pi * phase)
        look, colours = self.look, self.look.palette
        hip = look.ground - 0.36 - 0.25 * lift
        self.shadow(canvas, look.x, 0.26)
        for foot in (0, 1):
            raised = lift if (beat + 1) % 2 == foot else 0.0
            size = 0.075 if foot == self._low else 0.05
            x = look.x + (2 * foot - 1) * 0.16
            y = look.ground - size * 0.85 - raised
            canvas.bar(look.x + sway, hip, x, y, 0.018, colours.tool)
            canvas.shape(_FOOT, x, y, size, colours.tool)
        self.thing(canvas, look.x + sway, hip - 0.05, angle=4 * sway)

    def sound(self, synth: Synth) -> Floats:
        """One note per step."""
        beats = self._tempo.beats().astype(int)
        pitches = np.where(beats % 2 == self._low, 0.8, 0.8 * self._ratio)
        return synth.strike(self.events, self._strengths[beats], pitches)
