"""A ball that bounces lower and faster until something kicks it up again."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.synth import Synth
from avgdt.synthetic.timeline import Drift, Tempo

_SHORTEST = 0.17  # beats of the last bounce before the kick


class Bounce(Action):
    """Each contact sounds as hard as the ball arrives; the height of a flight follows from its length."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, 1.0, setting.seconds, depth=0.35)
        self._wander = Drift(generator, 0.1, 0.3)
        self._height = generator.uniform(0.36, 0.46)
        longest, keeps = generator.uniform(0.6, 0.75), generator.uniform(0.72, 0.84)
        lengths: list[float] = []
        while sum(lengths) < self._tempo.beats()[-1]:
            last = lengths[-1] * keeps if lengths else 0.0
            lengths.append(last if last > _SHORTEST else longest * generator.uniform(0.85, 1.0))
        self._lengths = np.array(lengths) / longest
        self._starts = np.concatenate([[0.0], np.cumsum(lengths)])
        self._gravity = 4 * self._height / longest**2

    @property
    def events(self) -> Floats:
        """Contacts with the ground."""
        return self._tempo.time(self._starts[1:-1])

    def draw(self, canvas: Canvas, time: float) -> None:
        """A parabola per flight, squashed near the ground."""
        phase = float(self._tempo.phase(time))
        flight = int(np.searchsorted(self._starts, phase, side="right")) - 1
        age, left = phase - self._starts[flight], self._starts[flight + 1] - phase
        height = self._gravity * age * left
        size = self.look.size
        squash = 0.28 * np.exp(-min(age, left) / 0.04)
        x = self.look.x + 0.22 * float(self._wander(time))
        self.shadow(canvas, x, size * (1.1 - 0.9 * height))
        y = self.look.ground - size * 0.9 * (1 - squash) - height
        self.thing(canvas, x, y, angle=0.6 * float(self._wander(time)), stretch=(1 + squash, 1 - squash))

    def sound(self, synth: Synth) -> Floats:
        """One note per contact."""
        strengths = np.maximum(self._lengths[:-1], self._lengths[1:])
        return synth.strike(self.events, strengths**1.5)
