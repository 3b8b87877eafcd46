"""Writing one recording as an MP4 file with H.264 pictures and AAC sound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from avgdt.data.worlds.errors import writing
from avgdt.data.worlds.parameters import Parameters
from avgdt.data.worlds.scene import Scene

# one thread, no macroblock tree: the bits depend neither on the machine's cores nor on what memory held before (one
# small film in ten, in one process of three, came out otherwise); a key frame each second: quick seeking; ultrafast
# takes a third of the time that veryfast takes at equal quality, and half of the time to decode, for twice the bytes
_VIDEO = {"preset": "ultrafast", "crf": "21", "threads": "1", "mbtree": "0", "g": "25", "bf": "0"}
_AUDIO_RATE = 64000  # bits per second
_AUDIO = {"aac_coder": "fast"}


def film(parameters: Parameters, index: int, path: Path) -> None:
    """Render recording ``index`` to ``path``, which appears only once it is whole; WorldError where it cannot be
    written."""
    scene = Scene(parameters, index)
    draft = unfinished(path)
    with writing(path):
        try:
            with av.open(str(draft), "w", options={"movflags": "+faststart"}) as container:
                video = container.add_stream("libx264", rate=parameters.frame_rate, options=_VIDEO)
                video.height, video.width, video.pix_fmt = parameters.height, parameters.width, "yuv420p"
                audio = container.add_stream("aac", rate=parameters.sample_rate, layout="mono", options=_AUDIO)
                audio.bit_rate = _AUDIO_RATE
                for frame in _frames(scene, parameters):
                    container.mux(video.encode(frame))
                container.mux(video.encode(None))
                container.mux(audio.encode(_sound(scene, parameters)))
                container.mux(audio.encode(None))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def unfinished(path: Path, process: int | str | None = None) -> Path:
    """Where a process (the current one by default) writes the film ``path`` until it is whole."""
    return path.with_name(f".{path.stem}.{os.getpid() if process is None else process}{path.suffix}")


def _frames(scene: Scene, parameters: Parameters) -> Iterator[av.VideoFrame]:
    times = [number / parameters.frame_rate for number in range(round(parameters.seconds * parameters.frame_rate))]
    for number, picture in enumerate(scene.frames(times)):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        yield frame


def _sound(scene: Scene, parameters: Parameters) -> av.AudioFrame:
    samples = scene.sound().astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate = parameters.sample_rate
    frame.pts = 0
    return frame
