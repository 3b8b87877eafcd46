"""Playable retrieval examples: queries of one modality and the nearest recordings in the other modality."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.data.selection import Progress
from avgdt.data.windows import clip_span
from avgdt.media.errors import MediaError
from avgdt.media.recording import Recording
from avgdt.recipes.recipe import Recipe
from avgdt.report.images import data_uri, jpeg, png, spectrogram

if TYPE_CHECKING:
    from avgdt.transforms.log_mel import LogMelSpectrogram

SECONDS = 2.0
"""Maximum length of a snippet, in seconds."""
FRAME_RATE = 15
SAMPLE_RATE = 24000
MAX_SIZE = (144, 192)
"""Maximum height and width of a snippet, in pixels."""
# The bit rate is limited, so that noisy recordings do not inflate the page.
_VIDEO = {"preset": "veryfast", "crf": "30", "threads": "1", "maxrate": "160k", "bufsize": "160k"}
_AUDIO_BITS = 40000

Match = Literal["recording", "class", ""]


@dataclass(frozen=True)
class Snippet:
    """An excerpt of at most :data:`SECONDS` from a recording, as data URIs."""

    mp4: str
    """MP4 file with H.264 video and AAC audio."""
    frame: str
    """Middle frame as JPEG."""
    spectrogram: str


@dataclass(frozen=True)
class Tile:
    """One recording of a retrieval example: the query or a retrieved recording."""

    name: str
    """File name of the recording."""
    label: str
    """Class of the recording; empty if it has none."""
    snippet: Snippet | None
    """Snippet of the recording; None if the recording cannot be read."""
    cosine: float
    match: Match
    """Relation to the query: ``recording`` for the same recording, ``class`` for another recording of the same class,
    empty otherwise."""


@dataclass(frozen=True)
class Query:
    """A query and its nearest recordings in the other modality."""

    tile: Tile
    nearest: tuple[Tile, ...]
    rank: int
    """Rank of the query's own recording in the gallery, from 1."""


@dataclass(frozen=True)
class Gallery:
    """Retrieval examples with queries of one modality."""

    modality: Literal["video", "audio"]
    queries: tuple[Query, ...]


def galleries(examples: Mapping[str, Any], recipe: Recipe, progress: Progress) -> tuple[Gallery, Gallery]:
    """Return the retrieval examples of a run, with video queries and with audio queries.

    ``examples`` is the field ``retrieval`` of ``results/examples.json``.
    """
    from avgdt.transforms.log_mel import LogMelSpectrogram  # imported here, since it loads torch

    log_mel = LogMelSpectrogram(recipe.log_mel, recipe.clip.sample_rate)
    recordings, cosines = examples["recordings"], np.array(examples["similarity"]["pretrained"])
    queries = [query for modality in ("video", "audio") for query in examples["queries"][modality]]
    needed = sorted({index for query in queries for index in (query["query"], *query["nearest"])})

    @cache
    def cut(index: int) -> Snippet | None:
        try:
            return snippet(entry_of(recordings[index]["row"]), recordings[index]["time"], log_mel)
        except MediaError:
            return None

    for done, index in enumerate(needed):
        cut(index)
        progress(done + 1, len(needed))

    def tile(index: int, query: int, cosine: float) -> Tile:
        label = recordings[index]["class"]
        match: Match = "recording" if index == query else ""
        if not match and label and label == recordings[query]["class"]:
            match = "class"
        return Tile(Path(recordings[index]["row"]["path"]).name, label, cut(index), cosine, match)

    def gallery(modality: Literal["video", "audio"], similarity: NDArray[np.float64]) -> Gallery:
        return Gallery(
            modality,
            tuple(
                Query(
                    tile(row["query"], row["query"], float(similarity[row["query"], row["query"]])),
                    tuple(tile(i, row["query"], float(similarity[row["query"], i])) for i in row["nearest"]),
                    row["rank"],
                )
                for row in examples["queries"][modality]
            ),
        )

    return gallery("video", cosines), gallery("audio", cosines.T)


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Return the manifest entry of a row in ``results/examples.json``."""
    return Entry(**{**row, "path": Path(row["path"])})


def snippet(entry: Entry, centre: float, log_mel: LogMelSpectrogram) -> Snippet:
    """Return a snippet of at most :data:`SECONDS` around the time ``centre`` (seconds).

    Raises ``MediaError`` if the recording cannot be read.
    """
    span = clip_span(entry, ("video", "audio"))
    seconds = min(SECONDS, span.seconds)
    start = float(np.clip(centre - seconds / 2, span.start, span.end - seconds))
    height, width = _size(entry)
    times = start + np.arange(max(1, round(seconds * FRAME_RATE))) / FRAME_RATE
    with Recording(entry.path, downmix=entry.downmix or "auto") as recording:
        frames = recording.frames(times.tolist(), height, width).pixels
        waveform = recording.waveform(start, seconds, SAMPLE_RATE).samples
        resampled = recording.waveform(start, seconds, log_mel.sample_rate).samples
    image = spectrogram(log_mel.of_array(resampled))
    rows, columns = (np.arange(side) * of // side for side, of in zip((height, width), image.shape, strict=True))
    return Snippet(
        data_uri(encode_mp4(frames, waveform), "video/mp4"),
        jpeg(frames[len(frames) // 2]),
        png(image[rows][:, columns]),
    )


def encode_mp4(frames: NDArray[np.uint8], waveform: NDArray[np.float32]) -> bytes:
    """Encode frames (time, height, width, 3) and a waveform (samples,), scaled to the int16 range, as an MP4 file.

    The frame rate is :data:`FRAME_RATE`, the sample rate is :data:`SAMPLE_RATE`.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("libx264", rate=FRAME_RATE, options=_VIDEO)
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        audio = output.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = _AUDIO_BITS
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(waveform[None] / np.float32(32768), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        output.mux(audio.encode(block))
        output.mux(audio.encode(None))
    return file.getvalue()


def _size(entry: Entry) -> tuple[int, int]:
    """Return an even height and width of at most :data:`MAX_SIZE`, with the aspect ratio of the recording."""
    height, width = entry.height or MAX_SIZE[0], entry.width or MAX_SIZE[1]
    factor = min(MAX_SIZE[0] / height, MAX_SIZE[1] / width, 1.0)
    even = [max(2, 2 * round(side * factor / 2)) for side in (height, width)]
    return even[0], even[1]
