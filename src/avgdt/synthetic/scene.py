"""Frames and waveform of a recording, determined by the parameters of the data set and the index of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.actions.action import Setting
from avgdt.synthetic.audio import Synth, record
from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.colours import Pixels, interpolate
from avgdt.synthetic.distractors import draw_distractor
from avgdt.synthetic.nuisances import BACKGROUNDS, Background, Palette, draw_background, draw_look
from avgdt.synthetic.outlines import DISC
from avgdt.synthetic.painting import Image, patches
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.timeline import Floats

Corner: TypeAlias = tuple[float, float]
"""Left and top coordinates, in units of the frame height."""

_BACKGROUND_ACTION = 0.7  # size of the background actions relative to the action of the recording
_MARGIN = 0.4  # margin of the background in frame heights, larger than the motion of the camera
_AT_ONCE = 75  # number of frames whose strokes are computed together


class Scene:
    """Recording ``index`` of the synthetic data set with the given parameters, before encoding."""

    def __init__(self, parameters: Parameters, index: int) -> None:
        recording = np.random.SeedSequence(parameters.seed, spawn_key=(0, index))
        look_rng, event_rng, self._audio_rng, distractor_rng = map(np.random.default_rng, recording.spawn(4))
        self._parameters = parameters
        height, width = parameters.height, parameters.width
        background = draw_background(parameters.seed, int(look_rng.integers(BACKGROUNDS)), look_rng)
        self.look = draw_look(look_rng, width / height, background)
        self.action = ACTIONS[index % len(ACTIONS)](Setting(event_rng, self.look, parameters.seconds))
        self._background, self._corner = paint_background(self.look.background, self.look.camera.zoom, height, width)
        self._distractor = draw_distractor(distractor_rng, self.look.background, width / height)

    @property
    def label(self) -> str:
        """Name of the recording's class."""
        return type(self.action).__name__.lower()

    def frames(self, times: Sequence[float]) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield the frames at ``times`` (seconds), each (height * 3 / 2, width) uint8 in yuv420p.

        The rows hold the luma, then the chroma planes Cb and Cr at half the resolution.
        """
        height, width = self._parameters.height, self._parameters.width
        image = Image(height, width)
        for first in range(0, len(times), _AT_ONCE):
            canvases = [self._drawn(time) for time in times[first : first + _AT_ONCE]]
            strokes = patches([stroke for canvas in canvases for stroke in canvas.strokes], height, width)
            for canvas in canvases:
                image.paste(self._background, *canvas.pixels_to(*self._corner))
                image.paint(strokes[: len(canvas.strokes)])
                del strokes[: len(canvas.strokes)]
                yield image.yuv420p()

    def _drawn(self, time: float) -> Canvas:
        canvas = Canvas(self._parameters.height, self._parameters.width)
        across, down = self.look.camera.offset(time)
        canvas.aim(canvas.aspect / 2 + across, 0.5 + down, self.look.camera.zoom)
        self._distractor.draw(canvas, time)
        self.action.draw(canvas, time)
        return canvas

    def audio(self) -> Floats:
        """Return the waveform of the recording, (samples,) from -1 to 1.

        Call this method only once, since each call draws new noise.
        """
        parameters = self._parameters
        synth = Synth(self.look.timbre, parameters.seconds, parameters.sample_rate, self._audio_rng)
        look, clean = self.look, self.action.audio(synth)
        return record(clean, look.room, look.level, parameters.sample_rate, self._audio_rng)


def paint_background(background: Background, zoom: float, height: int, width: int) -> tuple[Pixels, Corner]:
    """Return the image of the static part of the scene, and the position of its top left corner.

    The background has a sky with a light, hills, the ground and two faded static actions of random classes, so that a
    single frame reveals little about the class. The image (3, rows, columns) has a margin on all sides of the frame.
    """
    generator = np.random.default_rng(background.scenery)
    margin = round(_MARGIN * height)
    tall, wide = height + 2 * margin, width + 2 * margin
    canvas, image = Canvas(tall, wide), Image(tall, wide)
    aspect = width / height
    corner = canvas.aim(aspect / 2, 0.5, zoom * height / tall)
    _sky(image.pixels, background, height, margin)
    colours = background.palette
    canvas.shape(
        DISC,
        generator.uniform(0, aspect),
        generator.uniform(0.05, 0.4),
        generator.uniform(0.05, 0.1),
        interpolate(colours.haze, colours.light, 0.5),
    )
    for _ in range(4):
        radius = generator.uniform(0.2, 0.5)
        x = generator.uniform(-0.2, aspect + 0.2)
        y = background.ground + radius * generator.uniform(0.3, 0.7)
        canvas.shape(DISC, x, y, radius, interpolate(colours.haze, colours.ground, generator.uniform(0.2, 0.6)))
    left, right = -0.3, aspect + 0.3
    canvas.bar(left, background.ground + 1, right, background.ground + 1, 1.0, colours.ground)
    canvas.bar(left, background.ground, right, background.ground, 0.004, interpolate(colours.ground, colours.tool, 0.5))
    faded = replace(background, palette=_faded(colours))
    for x in (generator.uniform(0.05, 0.4), generator.uniform(0.6, 0.95)):
        look = replace(draw_look(generator, aspect, faded), x=float(x * aspect))
        action = ACTIONS[generator.integers(len(ACTIONS))](Setting(generator, look, 1.0))
        _shrink(canvas, look.x, background.ground, aspect, zoom * height / tall)
        action.draw(canvas, generator.uniform(0, 1))
    image.paint(patches(canvas.strokes, tall, wide))
    return image.pixels, corner


def _sky(pixels: Pixels, background: Background, height: int, margin: int) -> None:
    rows = (np.arange(pixels.shape[1]) + 0.5 - margin) / height / background.ground
    fraction = np.clip(rows, 0, 1).astype(np.float32)[:, None]
    colours = background.palette
    sky, haze = (np.array(colour, np.float32).reshape(3, 1, 1) for colour in (colours.sky, colours.haze))
    pixels[:] = sky + fraction * (haze - sky)


def _faded(colours: Palette) -> Palette:
    """Return the palette blended towards the haze, for the static actions in the background."""
    return replace(
        colours,
        **{name: interpolate(getattr(colours, name), colours.haze, 0.6) for name in ("object", "tool", "light")},
    )


def _shrink(canvas: Canvas, x: float, y: float, aspect: float, zoom: float) -> None:
    """Scale the canvas down about the point (x, y), to the size of the static actions in the background."""
    canvas.aim(x - (x - aspect / 2) / _BACKGROUND_ACTION, y - (y - 0.5) / _BACKGROUND_ACTION, zoom * _BACKGROUND_ACTION)
