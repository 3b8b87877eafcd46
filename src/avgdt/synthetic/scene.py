"""One recording before it is a file: frames and sound as pure functions of the seed and the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from avgdt.synthetic.actions import ACTIONS, Setting
from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.backdrop import paint_backdrop
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.life import draw_life
from avgdt.synthetic.nuisances import draw_look
from avgdt.synthetic.painting import Picture, patches
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.places import PLACES, place_of
from avgdt.synthetic.room import record
from avgdt.synthetic.synth import Synth

_AT_ONCE = 75  # frames whose strokes are computed together


class Scene:
    """The recording number ``index`` of a world."""

    def __init__(self, parameters: Parameters, index: int) -> None:
        recording = np.random.SeedSequence(parameters.seed, spawn_key=(0, index))
        looks, events, sounds, lives = (np.random.default_rng(stream) for stream in recording.spawn(4))
        self._parameters = parameters
        self._sounds = sounds
        height, width = parameters.height, parameters.width
        place = place_of(parameters.seed, int(looks.integers(PLACES)), looks)
        self.look = draw_look(looks, width / height, place)
        self.action = ACTIONS[index % len(ACTIONS)](Setting(events, self.look, parameters.seconds))
        self._backdrop, self._corner = paint_backdrop(self.look.place, self.look.camera.zoom, height, width)
        self._life = draw_life(lives, self.look.place, width / height)

    @property
    def label(self) -> str:
        """The name of the class."""
        return type(self.action).__name__.lower()

    def frames(self, times: Sequence[float]) -> Iterator[npt.NDArray[np.uint8]]:
        """The pictures at ``times`` (seconds), each (3 / 2 height, width): yuv420p, all luma above all blue and all red
        differences, which have half the resolution."""
        height, width = self._parameters.height, self._parameters.width
        picture = Picture(height, width)
        for first in range(0, len(times), _AT_ONCE):
            canvases = [self._drawn(time) for time in times[first : first + _AT_ONCE]]
            strokes = patches([stroke for canvas in canvases for stroke in canvas.strokes], height, width)
            for canvas in canvases:
                picture.paste(self._backdrop, *canvas.pixels_to(*self._corner))
                picture.paint(strokes[: len(canvas.strokes)])
                del strokes[: len(canvas.strokes)]
                yield picture.yuv420p()

    def _drawn(self, time: float) -> Canvas:
        canvas = Canvas(self._parameters.height, self._parameters.width)
        across, down = self.look.camera.place(time)
        canvas.aim(canvas.aspect / 2 + across, 0.5 + down, self.look.camera.zoom)
        self._life.draw(canvas, time)
        self.action.draw(canvas, time)
        return canvas

    def sound(self) -> Floats:
        """The sound of the whole recording, (samples,) within -1 to 1. Call it once: noise is drawn anew each time."""
        parameters = self._parameters
        synth = Synth(self.look.voice, parameters.seconds, parameters.sample_rate, self._sounds)
        look, sound = self.look, self.action.sound(synth)
        return record(sound, look.room, look.level, parameters.sample_rate, self._sounds)
