"""Two seconds of a recording as a small film that any browser plays."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.data.windows import clip_span
from avgdt.media.recording import Recording
from avgdt.report.images import data_uri, jpeg, png
from avgdt.report.spectrogram import spectrogram
from avgdt.transforms.log_mel import LogMelSpectrogram

SECONDS = 2.0
RATE = 15
"""Frames per second."""
BOX = (144, 192)
"""Most pixels, height and width."""
SAMPLE_RATE = 24000
# The rate is capped so that a page of noisy recordings stays as light as any.
_VIDEO = {"preset": "veryfast", "crf": "30", "threads": "1", "maxrate": "160k", "bufsize": "160k"}
_AUDIO_BITS = 40000


@dataclass(frozen=True)
class Snippet:
    """A film with the two pictures that stand for it before it plays."""

    film: str
    """MP4 (H.264, AAC) as a data URI."""
    picture: str
    """The frame in its middle, a data URI."""
    sound: str
    """Its spectrogram, a data URI."""
    seconds: float


def snippet(entry: Entry, centre: float, bank: LogMelSpectrogram) -> Snippet:
    """Cut at most :data:`SECONDS` around ``centre``; raises ``MediaError`` for a file that cannot be read."""
    span = clip_span(entry, ("video", "audio"))
    seconds = min(SECONDS, span.seconds)
    start = float(np.clip(centre - seconds / 2, span.start, span.end - seconds))
    height, width = _size(entry)
    times = start + np.arange(max(1, round(seconds * RATE))) / RATE
    with Recording(entry.path, downmix=entry.downmix or "auto") as recording:
        pixels = recording.frames(times.tolist(), height, width).pixels
        sound = recording.waveform(start, seconds, SAMPLE_RATE).samples
        heard = recording.waveform(start, seconds, bank.sample_rate).samples
    shown = spectrogram(bank(torch.from_numpy(heard)).numpy())
    rows, columns = (np.arange(side) * of // side for side, of in zip((height, width), shown.shape, strict=True))
    return Snippet(
        data_uri(film(pixels, sound), "video/mp4"),
        jpeg(pixels[len(pixels) // 2]),
        png(shown[rows][:, columns]),
        seconds,
    )


def film(pixels: NDArray[np.uint8], sound: NDArray[np.float32]) -> bytes:
    """(time, height, width, 3) frames and (samples,) of int16 scale as MP4."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("libx264", rate=RATE, options=_VIDEO)
        video.height, video.width, video.pix_fmt = pixels.shape[1], pixels.shape[2], "yuv420p"
        audio = output.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = _AUDIO_BITS
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(sound[None] / np.float32(32768), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        output.mux(audio.encode(block))
        output.mux(audio.encode(None))
    return file.getvalue()


def _size(entry: Entry) -> tuple[int, int]:
    """Even height and width of the recording's shape, no larger than :data:`BOX`."""
    height, width = entry.height or BOX[0], entry.width or BOX[1]
    factor = min(BOX[0] / height, BOX[1] / width, 1.0)
    even = [max(2, 2 * round(side * factor / 2)) for side in (height, width)]
    return even[0], even[1]
