"""Actions of machines with a sustained sound: bellows, an engine, a saw and a siren."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.audio import Synth
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import interpolate
from avgdt.synthetic.outlines import DISC, Rectangle
from avgdt.synthetic.timeline import Drift, Floats, Tempo, ease

_BODY = Rectangle(width=0.8)
_BLOCK = Rectangle(width=1.5)
_PUFF = 0.7  # time for which a puff is visible, in seconds
_LOG = Rectangle(width=1.7)
_BITE = 0.42  # duration of the forward stroke, as a fraction of a beat
_TEETH = 46.0  # a stroke of strength 1 moves ``0.3 * _TEETH`` teeth past the log
_SWITCH = 0.06  # duration of the change from one lamp to the other, as a fraction of a beat
_BOX = Rectangle(width=2.6)


class Bellows(Action):
    """A balloon that a pump inflates and deflates.

    A larger balloon has a lower pitch. The loudness follows the flow of air.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(0.75, 1.1), setting.seconds, depth=0.45)
        self._depth = Drift(generator)
        self._side = generator.choice([-1.0, 1.0])

    def _fill(self, times: Floats | float) -> Floats:
        """Return the fill level of the balloon, from about -1 (empty) to 1 (full)."""
        return np.asarray((0.8 + 0.25 * self._depth(times)) * np.sin(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the balloon, and the pump, whose handle sinks as the balloon grows."""
        look, colours, side = self.look, self.look.palette, self._side
        fill = float(self._fill(time))
        size = look.size * 1.3 * (1 + 0.5 * fill)
        pump, handle = look.x - side * 0.25, look.ground - 0.32 + 0.1 * fill
        balloon = look.x + side * 0.14
        self.draw_shadow(canvas, balloon, size)
        self.draw_shadow(canvas, pump, 0.1)
        canvas.bar(pump, look.ground - 0.05, balloon, look.ground - 0.05, 0.015, colours.tool)
        canvas.bar(pump, look.ground - 0.1, pump, handle, 0.015, colours.tool)
        canvas.bar(pump - 0.08, handle, pump + 0.08, handle, 0.02, colours.tool)
        canvas.shape(_BODY, pump, look.ground - 0.09, 0.1, colours.tool)
        self.draw_object(canvas, balloon, look.ground - 0.03 - size, size=size)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of a note that falls while the balloon inflates and rises while it deflates."""
        fill = self._fill(synth.times)
        flow = np.abs(np.gradient(fill, synth.times)) / 5.0
        return synth.sustain(2 ** (-0.9 * fill), 0.15 + flow)


class Engine(Action):
    """An engine that shakes and puffs at a varying speed.

    Each firing shakes the block, modulates the loudness and emits a puff. The pitch follows the speed.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._usual = generator.uniform(5.0, 7.0)
        self._tempo = Tempo(generator, self._usual, setting.seconds, depth=0.6, fastest=0.6)
        self._side = generator.choice([-1.0, 1.0])

    def _revs(self, times: Floats | float) -> Floats:
        return self._tempo.frequency(times) / self._usual

    def _throb(self, times: Floats | float) -> Floats:
        return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * self._tempo.phase(times)))

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the block on its feet, the object as a flywheel, and puffs from the pipe."""
        look, colours, side = self.look, self.look.palette, self._side
        revs, throb = float(self._revs(time)), float(self._throb(time))
        lift = 0.05 * revs * throb
        x, y = look.x, look.ground - 0.19 - lift
        pipe = x + side * 0.22
        self._puffs(canvas, time, pipe, look.ground - 0.42)
        self.draw_shadow(canvas, x, 0.27)
        canvas.bar(x - 0.14, look.ground, x - 0.14, y, 0.025, colours.tool)
        canvas.bar(x + 0.14, look.ground, x + 0.14, y, 0.025, colours.tool)
        canvas.bar(pipe, y, pipe, look.ground - 0.38 - lift, 0.025, colours.tool)
        canvas.shape(_BLOCK, x, y, 0.16, colours.tool, stretch=(1 - 0.6 * lift, 1 + 0.6 * lift))
        wheel, angle = x - side * 0.06, 0.5 * np.pi * float(self._tempo.phase(time))
        self.draw_object(canvas, wheel, y - 0.02, angle=angle)
        reach = 0.6 * look.size
        canvas.shape(DISC, wheel + reach * np.sin(angle), y - 0.02 - reach * np.cos(angle), 0.02, colours.light)

    def _puffs(self, canvas: Canvas, time: float, x: float, y: float) -> None:
        last = float(np.floor(self._tempo.phase(time)))
        for phase in np.arange(last, last - 8, -1):
            progress = (time - float(self._tempo.time(phase))) / _PUFF
            if progress < 1:
                drift = self._side * 0.12 * progress
                paint = interpolate(self.look.palette.haze, self.look.palette.light, 0.6)
                canvas.shape(
                    DISC, x + drift, y - 0.3 * progress, 0.03 + 0.06 * progress, paint, alpha=0.8 * (1 - progress)
                )

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of a hum whose loudness is modulated by the firing of the engine."""
        revs = self._revs(synth.times)
        return synth.sustain(0.9 * revs, (0.15 + 0.85 * self._throb(synth.times) ** 2) * revs)


class Saw(Action):
    """A saw that cuts on its forward stroke and slides back.

    The sound is loud during the cut, and softer and higher during the return. The teeth modulate the sound at a
    frequency proportional to the speed of the blade.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(1.4, 2.1), setting.seconds)
        self._side = generator.choice([-1.0, 1.0])
        self._strengths = generator.uniform(0.65, 1.0, self._tempo.beats().size + 3)
        self._dust = generator.uniform(-1, 1, (97, 2))

    def _position(self, times: Floats | float) -> Floats:
        """Return the position of the blade, which moves from 0 to the strength of the stroke and back."""
        phase = self._tempo.phase(times)
        fraction = phase % 1
        strength = self._strengths[np.floor(phase).astype(int)]
        return np.asarray(strength * (ease(fraction / _BITE) - ease((fraction - _BITE) / (1 - _BITE))))

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw the saw (with the object as its handle), the log, and sawdust that falls during the forward stroke."""
        look, colours, side = self.look, self.look.palette, self._side
        cut_x, cut_y = look.x + side * 0.12, look.ground - 0.25
        x = cut_x - side * (0.5 - 0.38 * float(self._position(time)))
        y = cut_y - 0.05
        self.draw_shadow(canvas, cut_x, 0.24)
        canvas.shape(_LOG, cut_x, look.ground - 0.1, 0.14, colours.tool)
        for leg in (-0.15, 0.15):
            canvas.bar(cut_x + leg, look.ground, cut_x + leg, look.ground - 0.1, 0.02, colours.tool)
        canvas.bar(x, y, x + side * 0.72, y + 0.02, 0.024, colours.light)
        self._fall(canvas, time, cut_x, cut_y)
        self.draw_object(canvas, x, y, angle=0.2 * side)

    def _fall(self, canvas: Canvas, time: float, x: float, y: float) -> None:
        for age in np.arange(time % 0.05, 0.45, 0.05):
            born = time - age
            if float(self._tempo.phase(born)) % 1 < _BITE:
                aside, up = self._dust[round(born / 0.05) % len(self._dust)]
                height = y + 0.05 - 0.25 * (1 + up) * age + 1.6 * age**2
                canvas.shape(DISC, x + 0.45 * aside * age, height, 0.014, self.look.palette.object)

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of a sustained note, modulated by the teeth and louder at a higher speed of the blade."""
        position = self._position(synth.times)
        speed = np.gradient(position, synth.times)
        rasp = 0.5 + 0.5 * np.cos(2 * np.pi * _TEETH * 0.3 * position)
        loudness = np.where(speed > 0, np.abs(speed) / 4, np.abs(speed) / 10)
        return synth.sustain(np.where(speed > 0, 0.85, 1.25), loudness * (0.15 + 0.85 * rasp))


class Siren(Action):
    """Two lamps that shine alternately, one with a high tone and one with a low tone.

    The lit lamp determines the pitch, and its brightness the loudness.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        generator = setting.generator
        self._tempo = Tempo(generator, generator.uniform(2.2, 3.4), setting.seconds)
        self._strengths = generator.uniform(0.55, 1.0, self._tempo.beats().size + 3)
        self._interval = generator.uniform(0.5, 0.8)
        self._low = int(generator.integers(2))

    def _right(self, times: Floats | float) -> Floats:
        """Return the fraction of the light that comes from the right lamp, from 0 to 1."""
        phase = self._tempo.phase(times)
        arrived = ease(phase % 1 / _SWITCH)
        return np.where(np.floor(phase) % 2 == 1, arrived, 1 - arrived)

    def _brightness(self, times: Floats | float) -> Floats:
        phase = self._tempo.phase(times)
        beat = np.floor(phase).astype(int)
        progress = ease(phase % 1 / _SWITCH)
        return np.asarray(self._strengths[beat] + progress * (self._strengths[beat + 1] - self._strengths[beat]))

    def draw(self, canvas: Canvas, time: float) -> None:
        """Draw a post with a box and two lamps on it."""
        look, colours = self.look, self.look.palette
        right, brightness = float(self._right(time)), float(self._brightness(time))
        top = look.ground - 0.3
        self.draw_shadow(canvas, look.x, 0.2)
        canvas.bar(look.x, look.ground, look.x, top, 0.03, colours.tool)
        canvas.shape(_BOX, look.x, top, 0.07, colours.tool)
        for side, lit in ((-1, 1 - right), (1, right)):
            x, y = look.x + side * 0.17, top - 0.04 - look.size
            canvas.glow(x, y, 0.36, colours.light, 0.75 * lit * brightness)
            self.draw_object(
                canvas, x, y, size=look.size * (0.85 + 0.25 * lit * brightness), lit=0.8 * lit * brightness
            )

    def audio(self, synth: Synth) -> Floats:
        """Return the waveform of a sustained note that alternates between two pitches."""
        high = self._right(synth.times) if self._low == 0 else 1 - self._right(synth.times)
        return synth.sustain(0.75 * 2 ** (self._interval * high), self._brightness(synth.times) ** 1.5)
