"""Actions with impacts, each of which sounds a note: a hammer, a bouncing ball, stamping feet and chimes."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.audio import Synth
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import interpolate
from avgdt.synthetic.outlines import Rectangle
from avgdt.synthetic.timeline import Drift, Floats, Tempo, ease

_HOP = 0.2  # time from a blow to the second contact, as a fraction of a beat
_BLOCK = Rectangle(width=1.5)
_SHORTEST = 0.17  # minimum duration of a bounce in beats; a kick replaces shorter bounces
_FOOT = Rectangle(width=1.3)
_PILLARS = 5
_SCALE = 2 ** (np.array([-9.0, -5.0, 0.0, 5.0, 9.0]) / 12)


class Hammer(Action):
    """A hammer that rises slowly, falls fast and bounces once on the anvil.

    A higher rise causes a louder blow. A soft second contact follows each blow.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(1.1, 1.7), setting.seconds)
        self._strengths = generator.uniform(0.5, 1.0, self._tempo.beats().size + 2)
        self._side = generator.choice([-1.0, 1.0])

    @property
    def events(self) -> Floats:
        """Times of the blows, excluding the second contacts, in seconds."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the anvil, the head of the hammer and its rod.

        The rod rotates about its far end; at angle 0, the head is on the anvil.
        """
        phase = float(self._tempo.phase(time))
        beat, fraction = int(phase), phase % 1
        lift = 1.15 * self._strengths[beat + 1]  # maximum angle before the next blow, in radians
        hop = 0.16 * self._strengths[beat] * 4 * fraction * max(_HOP - fraction, 0) / _HOP**2
        fall = np.clip((fraction - 0.82) / 0.18, 0, 1) ** 2
        angle = hop + lift * (float(ease((fraction - _HOP) / 0.55)) - fall)
        size, colours, side = self.look.size, self.look.palette, self._side
        anvil = self.look.ground - 0.16
        length = 0.5
        x, pivot = self.look.x - side * 0.22, anvil - size * 0.8
        head_x, head_y = x + side * length * np.cos(angle), pivot - length * np.sin(angle)
        self.draw_shadow(canvas, x + side * length, 0.16)
        canvas.shape(_BLOCK, x + side * length, self.look.ground - 0.08, 0.09, colours.tool)
        canvas.bar(x, pivot, x - side * 0.04, self.look.ground, 0.022, colours.tool)
        canvas.bar(x, pivot, head_x, head_y, 0.017, colours.tool)
        self.draw_object(canvas, head_x, head_y, angle=-side * angle)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with a blow at each beat and a softer second contact after it."""
        beats = self._tempo.beats()
        strengths = self._strengths[beats.astype(int)]
        hops = self._tempo.time(beats + _HOP)
        return synth.strike(self.events, strengths) + synth.strike(hops, strengths * 0.4, 1.06)


class Bounce(Action):
    """A ball whose bounces become lower and faster until a kick restarts them.

    The speed of the ball determines the loudness of a contact, and the duration of a flight determines its height.
    """

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
        """Times of the contacts with the ground, in seconds."""
        return self._tempo.time(self._starts[1:-1])

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the ball on its parabola, squashed near the ground."""
        phase = float(self._tempo.phase(time))
        flight = int(np.searchsorted(self._starts, phase, side="right")) - 1
        age, left = phase - self._starts[flight], self._starts[flight + 1] - phase
        height = self._gravity * age * left
        size = self.look.size
        squash = 0.28 * np.exp(-min(age, left) / 0.04)
        x = self.look.x + 0.22 * float(self._wander(time))
        self.draw_shadow(canvas, x, size * (1.1 - 0.9 * height))
        y = self.look.ground - size * 0.9 * (1 - squash) - height
        self.draw_object(canvas, x, y, angle=0.6 * float(self._wander(time)), stretch=(1 + squash, 1 - squash))

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with one note per contact with the ground."""
        strengths = np.maximum(self._lengths[:-1], self._lengths[1:])
        return synth.strike(self.events, strengths**1.5)


class Stamp(Action):
    """Two feet that stamp alternately, at two pitches.

    The larger foot has the lower pitch. A higher rise causes a louder step.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(2.0, 2.9), setting.seconds)
        self._strengths = generator.uniform(0.6, 1.0, self._tempo.beats().size + 3)
        self._ratio = generator.uniform(1.5, 1.9)
        self._low = int(generator.integers(2))

    @property
    def events(self) -> Floats:
        """Times at which a foot hits the ground, in seconds."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw a body on two legs; the raised foot is the foot that lands at the next beat."""
        phase = float(self._tempo.phase(time))
        beat, fraction = int(phase), phase % 1
        lift = 0.24 * self._strengths[beat + 1] * (float(ease(fraction / 0.6)) - max(fraction - 0.75, 0) ** 2 * 16)
        sway = 0.03 * np.cos(np.pi * phase)
        look, colours = self.look, self.look.palette
        hip = look.ground - 0.36 - 0.25 * lift
        self.draw_shadow(canvas, look.x, 0.26)
        for foot in (0, 1):
            raised = lift if (beat + 1) % 2 == foot else 0.0
            size = 0.075 if foot == self._low else 0.05
            x = look.x + (2 * foot - 1) * 0.16
            y = look.ground - size * 0.85 - raised
            canvas.bar(look.x + sway, hip, x, y, 0.018, colours.tool)
            canvas.shape(_FOOT, x, y, size, colours.tool)
        self.draw_object(canvas, look.x + sway, hip - 0.05, angle=4 * sway)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with one note per step."""
        beats = self._tempo.beats().astype(int)
        pitches = np.where(beats % 2 == self._low, 0.8, 0.8 * self._ratio)
        return synth.strike(self.events, self._strengths[beats], pitches)


class Chimes(Action):
    """An object that jumps between five pillars and plays a scale.

    A higher pillar has a lower note. A pillar sinks and lights up when it is hit.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(3.3, 4.6), setting.seconds)
        count = self._tempo.beats().size + 3
        route, step = [int(generator.integers(_PILLARS))], 1
        for reverses in generator.uniform(size=count) < 0.2:
            step = -step if reverses or not 0 <= route[-1] + step < _PILLARS else step
            step = step if 0 <= route[-1] + step < _PILLARS else -step
            route.append(route[-1] + step)
        self._route = np.array(route)
        self._pitches = _SCALE if generator.uniform() < 0.5 else _SCALE[::-1]
        self._spacing = 0.19

    @property
    def events(self) -> Floats:
        """Times of the hits, in seconds."""
        return self._tempo.time(self._tempo.beats())

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the pillars, and the object on its arc between two of them."""
        phase = float(self._tempo.phase(time))
        beat, fraction = int(phase), phase % 1
        look, colours = self.look, self.look.palette
        tops = []
        for pillar in range(_PILLARS):
            hit = float(np.exp(-fraction / 0.25)) if pillar == self._route[beat] else 0.0
            x = look.x + (pillar - 2) * self._spacing
            top = look.ground - 0.14 + 0.1 * np.log2(self._pitches[pillar]) + 0.04 * hit
            tops.append((x, top - 0.035))
            canvas.bar(x, look.ground, x, top, 0.035, interpolate(colours.tool, colours.light, hit))
        (x0, y0), (x1, y1) = tops[self._route[beat]], tops[self._route[beat + 1]]
        arc = 0.17 * 4 * fraction * (1 - fraction)
        x, y = x0 + fraction * (x1 - x0), y0 + fraction * (y1 - y0) - arc
        self.draw_object(canvas, x, y - look.size * 0.9, angle=0.8 * (x - look.x))

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with one note per hit at the pitch of the pillar."""
        beats = self._tempo.beats().astype(int)
        return synth.strike(self.events, np.full(beats.size, 0.8), self._pitches[self._route[beats]])
