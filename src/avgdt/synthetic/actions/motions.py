"""Actions of falling, flying, rolling and swinging objects: rain, rockets, a wheel on ridges and a pendulum."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.audio import Synth
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.timeline import Drift, Floats, Tempo

_SPLASH = 0.28  # time for which a splash is visible, in seconds
_FALL = 1.3  # speed of a drop, in frame heights per second
_RISE = 0.6  # duration of a rocket's rise, as a fraction of a beat
_SPARKS = 9


class Rain(Action):
    """Drops that fall from a cloud in gusts, each with a splash.

    Each drop sounds a note when it reaches the ground. Larger drops sound lower and louder.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator, look = setting.generator, setting.look
        self._tempo = Tempo(generator, generator.uniform(9, 14), setting.seconds, depth=1.3)
        count = self._tempo.beats().size
        phases = np.cumsum(generator.exponential(1.0, count))
        self._landings = self._tempo.time(phases[phases < self._tempo.beats()[-1]])
        count = self._landings.size
        self._cloud = look.x + 0.1 * np.asarray(Drift(generator)(self._landings))
        self._x = self._cloud + generator.uniform(-0.4, 0.4, count)
        self._y = look.ground + generator.uniform(0.0, 0.14, count)
        self._sizes = look.size * generator.uniform(0.14, 0.32, count)
        self._slant = generator.uniform(-0.25, 0.25)

    @property
    def events(self) -> Floats:
        """Times at which drops reach the ground, in seconds."""
        return self._landings

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw falling drops as streaks, splashes on the ground as rings, and the cloud."""
        colours = self.look.palette
        ages = time - self._landings
        for index in np.flatnonzero((ages > -0.6) & (ages < _SPLASH)):
            age, x, y, size = ages[index], self._x[index], self._y[index], self._sizes[index]
            if age < 0:
                x, y = x + self._slant * age * _FALL, y + age * _FALL
                if y > 0.16:
                    canvas.bar(x - self._slant * 0.05, y - 0.05, x, y, size * 0.6, colours.object)
            else:
                progress = age / _SPLASH
                canvas.ring(
                    x, y, size * (0.8 + 3.5 * progress), 0.014, colours.light, alpha=1 - float(progress), flatness=0.4
                )
        cloud = float(np.interp(time, self._landings, self._cloud))
        for offset, height, radius in ((-0.22, 0.11, 0.1), (0.22, 0.11, 0.1), (0.0, 0.08, 0.14)):
            canvas.shape(DISC, cloud + offset, height, radius, colours.tool)
        self.draw_object(canvas, cloud, 0.09)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with a short note of rising pitch per drop."""
        relative = self._sizes / self.look.size
        return synth.strike(self._landings, relative * 3, (0.22 / relative) ** 0.8, glide=0.5)


class Rocket(Action):
    """Rockets that rise with a whistle and burst.

    The pitch of the whistle rises with the rocket. A wider burst is louder.
    """

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
        """Times of the bursts, in seconds."""
        return self._tempo.time(self._tempo.beats() + _RISE)

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the rocket with its trail, then sparks that fade and fall."""
        look, colours = self.look, self.look.palette
        phase = float(self._tempo.phase(time))
        beat, fraction = int(phase), phase % 1
        x, top, strength = self._x[beat], self._top[beat], self._strengths[beat]
        canvas.bar(look.x - 0.25, look.ground - 0.01, look.x + 0.25, look.ground - 0.01, 0.03, colours.tool)
        if fraction < _RISE:
            risen = fraction / _RISE
            start = look.ground - look.size
            y = start + (top - start) * risen
            for step in range(1, 5):
                below = min(y + look.size + 0.05 * step, look.ground)
                canvas.shape(DISC, x, below, 0.034 - 0.005 * step, colours.light, alpha=0.8 - 0.15 * step)
            self.draw_object(canvas, x, y, size=look.size * 0.9)
            return
        age = (fraction - _RISE) / (1 - _RISE)
        reach = 0.34 * strength * (1 - (1 - age) ** 2)
        canvas.glow(x, top, 0.4 * strength, colours.light, 0.8 * max(1 - 2.5 * age, 0))
        for spark in range(_SPARKS):
            angle = 2 * np.pi * spark / _SPARKS
            centre = (x + reach * np.cos(angle), top + reach * np.sin(angle) + 0.12 * age**2)
            canvas.shape(look.outline, *centre, look.size * 0.4 * (1 - 0.7 * age), colours.object, alpha=1 - age**2)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with a rising whistle and a low burst per rocket."""
        fraction = self._tempo.phase(synth.times) % 1
        risen = np.clip(fraction / _RISE, 0, 1)
        loudness = np.where(fraction < _RISE, 0.1 + 0.2 * risen, 0.0)
        whistle = synth.sustain(0.8 * 2 ** (1.3 * risen), loudness)
        beats = self._tempo.beats().astype(int)
        return whistle + synth.strike(self.events, 2.2 * self._strengths[beats], 0.6)


class Roll(Action):
    """A wheel that rolls back and forth over ridges on the ground.

    Each ridge causes a click, so a faster wheel clicks more often.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.4, 0.6), setting.seconds)
        self._reach = generator.uniform(0.3, 0.42)
        self._ridge = generator.uniform(0.065, 0.085)
        fine = np.arange(-0.2, setting.seconds + 0.2, 0.0005)
        ridges = self._position(fine) / self._ridge
        crossed = np.flatnonzero(np.floor(ridges[1:]) != np.floor(ridges[:-1]))
        self._clicks = fine[crossed + 1]
        self._speeds = np.abs(np.gradient(ridges, fine))[crossed]

    def _position(self, times: Floats | float) -> Floats:
        return np.asarray(self.look.x + self._reach * np.sin(2 * np.pi * self._tempo.phase(times)))

    @property
    def events(self) -> Floats:
        """Times at which the wheel passes a ridge, in seconds."""
        return self._clicks

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the ridges and the wheel, which rises slightly on each ridge and has a rotating hub."""
        look, colours = self.look, self.look.palette
        x = float(self._position(time))
        radius = look.size * 1.35
        rise = 0.016 * abs(np.cos(np.pi * x / self._ridge))
        first = int(np.ceil((look.x - 0.58) / self._ridge))
        for ridge in range(first, first + int(1.16 / self._ridge) + 1):
            canvas.shape(DISC, ridge * self._ridge, look.ground, 0.014, colours.tool)
        y = look.ground - radius - rise
        self.draw_shadow(canvas, x, radius)
        canvas.shape(DISC, x, y, radius, colours.tool)
        angle = x / radius
        self.draw_object(canvas, x, y, size=look.size, angle=angle)
        canvas.shape(DISC, x + 0.8 * radius * np.sin(angle), y - 0.8 * radius * np.cos(angle), 0.02, colours.light)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform, with one click per ridge; clicks are louder at a higher speed."""
        return synth.strike(self._clicks, (self._speeds / 15) ** 0.7, 1.2)


class Swing(Action):
    """A pendulum that hums as it passes its lowest point.

    Loudness and pitch follow the speed of the pendulum.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.7, 1.0), setting.seconds, depth=0.4)
        self._width = generator.uniform(0.7, 0.95)
        self._breadth = Drift(generator)
        self._length = generator.uniform(0.38, 0.46)

    def _angle(self, times: Floats | float) -> Floats:
        width = self._width * (1 + 0.25 * self._breadth(times))
        return np.asarray(width * np.sin(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw a rod on a peg, with the object at its end."""
        look, colours = self.look, self.look.palette
        angle = float(self._angle(time))
        x, y = look.x + self._length * np.sin(angle), 0.12 + self._length * np.cos(angle)
        self.draw_shadow(canvas, x, look.size, depth=0.25)
        canvas.bar(look.x - 0.3, 0.1, look.x + 0.3, 0.1, 0.022, colours.tool)
        canvas.bar(look.x, 0.12, x, y, 0.015, colours.tool)
        canvas.shape(DISC, look.x, 0.12, 0.03, colours.tool)
        self.draw_object(canvas, x, y, angle=-angle)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of a hum whose loudness and pitch increase with the speed."""
        speed = np.abs(np.gradient(self._angle(synth.times), synth.times)) / 5.0
        return synth.sustain(0.9 * 2 ** (0.5 * speed), speed**1.5)
