"""Writing one recording as an MP4 file with H.264 pictures and AAC sound."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.errors import writing
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.scene import Scene

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
            encode(parameters, scene.frames(parameters.times), scene.sound(), draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def unfinished(path: Path, process: int | str | None = None) -> Path:
    """Where a process (the current one by default) writes the film ``path`` until it is whole."""
    return path.with_name(f".{path.stem}.{os.getpid() if process is None else process}{path.suffix}")


def encode(parameters: Parameters, pictures: Iterable[npt.NDArray[np.uint8]], sound: Floats, path: Path) -> None:
    """Write the pictures and the sound of a scene to an MP4 file; raises OSError."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=parameters.frame_rate, options=_VIDEO)
        video.height, video.width, video.pix_fmt = parameters.height, parameters.width, "yuv420p"
        audio = container.add_stream("aac", rate=parameters.sample_rate, layout="mono", options=_AUDIO)
        audio.bit_rate = _AUDIO_RATE
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_numpy_buffer(picture, format="yuv420p")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = parameters.sample_rate
        samples.pts = 0
        container.mux(audio.encode(samples))
        container.mux(audio.encode(None))
