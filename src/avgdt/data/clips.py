"""Clips of recordings: frames and waveform of all windows, read from a file opened once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.data.store import Store, StoredRecording, open_recording
from avgdt.data.windows import Window
from avgdt.media.audio import Waveform
from avgdt.media.errors import EndsEarly
from avgdt.media.recording import Recording
from avgdt.recipes.clip import Clip


@dataclass(frozen=True)
class AudioSpan:
    """A span of audio to read."""

    start: float
    """Seconds on the recording's timeline."""
    samples: int
    """Number of samples."""
    sample_rate: int
    """Samples per second."""

    @property
    def first(self) -> int:
        """Index of the first sample on the grid of ``sample_rate``, as ``Recording.waveform`` rounds it."""
        return round(self.start * self.sample_rate)

    @property
    def end(self) -> float:
        """End of the span in seconds."""
        return (self.first + self.samples) / self.sample_rate


def read_waveforms(file: Recording | StoredRecording, spans: Sequence[AudioSpan]) -> list[Waveform]:
    """The waveform of each span, in order; raise ``MediaError`` where the audio cannot be read.

    Spans that overlap much are cut from one decoded waveform, which gives the same samples.
    """
    rates = {span.sample_rate for span in spans}
    begin, end = min((s.first for s in spans), default=0), max((s.first + s.samples for s in spans), default=0)
    if len(rates) != 1 or len(spans) < 2 or end - begin > sum(span.samples for span in spans):
        return [file.waveform(span.start, span.samples / span.sample_rate, span.sample_rate) for span in spans]
    (rate,) = rates
    whole = file.waveform(begin / rate, (end - begin) / rate, rate)

    def cut(span: AudioSpan) -> Waveform:
        end = whole.end if whole.end is not None and whole.end < span.end else None
        return Waveform(whole.samples[span.first - begin :][: span.samples], span.first / rate, end)

    return [cut(span) for span in spans]


@dataclass(frozen=True)
class Item:
    """The clips of one item of the data set (a recording or a segment of one), with their true times."""

    item: int
    """Index in the list of items."""
    recording: int
    """Number of the recording that the item belongs to."""
    epoch: int
    """Epoch for which the windows were drawn."""
    video: NDArray[np.uint8] | None
    """(windows, channels, time, height, width)."""
    audio: NDArray[np.float32] | None
    """(windows, samples) on the int16 scale."""
    video_times: NDArray[np.float64] | None
    """(windows, time): presentation time of each frame in seconds."""
    audio_start: NDArray[np.float64] | None
    """(windows,): time of the first sample in seconds."""
    damage: str = ""
    """Damage of the recording outside these windows; empty where none is known."""


@dataclass(frozen=True)
class ClipReader:
    """Reads clips of recordings at the size, rates and modalities of a recipe."""

    clip: Clip
    modalities: tuple[str, ...]
    grey: bool
    store: Store | None = None
    """Cache of decoded recordings; without it, every clip is decoded from its file."""

    def read(self, item: int, entry: Entry, windows: Sequence[Window], epoch: int = 0) -> Item:
        """Open the file once and read all ``windows``; raise ``MediaError`` where one cannot be read.

        ``Item.recording`` is ``item``; the data set replaces it. The streams must reach the ends recorded in ``entry``
        or, if these are unknown, the ends of the windows.
        """
        pixels, times, spans = [], [], list[AudioSpan]()
        steps = np.arange(self.clip.frames) / self.clip.frame_rate
        with open_recording(entry) if self.store is None else self.store.open(entry) as file:
            for window in windows:
                start = window.video
                if "video" in self.modalities:
                    frames = file.frames(
                        (window.video + window.speed * steps).tolist(),
                        self.clip.height,
                        self.clip.width,
                        grey=self.grey,
                    )
                    self._check_end(entry, "video", frames.end, window.video + window.speed * float(steps[-1]))
                    pixels.append(frames.pixels)
                    times.append(frames.times)
                    start = float(frames.times[0])  # audio starts with the frame, whose time may be earlier
                if "audio" in self.modalities:
                    at = start if window.audio is None else window.audio
                    # The same number of samples at a lower rate spans more of the recording: it plays faster.
                    rate = round(self.clip.sample_rate / window.speed)
                    spans.append(AudioSpan(at, self.clip.samples, rate))
            waveforms = read_waveforms(file, spans)
            for span, waveform in zip(spans, waveforms, strict=True):
                self._check_end(entry, "audio", waveform.end, span.end)
        return Item(
            item=item,
            recording=item,
            epoch=epoch,
            video=np.stack(pixels).transpose(0, 4, 1, 2, 3) if pixels else None,
            audio=np.stack([waveform.samples for waveform in waveforms]) if waveforms else None,
            video_times=np.stack(times) if times else None,
            audio_start=np.array([waveform.start for waveform in waveforms]) if waveforms else None,
            damage=file.damage if isinstance(file, StoredRecording) else "",
        )

    def _check_end(self, entry: Entry, modality: Literal["video", "audio"], end: float | None, clip_end: float) -> None:
        """Raise ``EndsEarly`` if the stream ends at ``end`` before ``clip_end`` and before the end in ``entry``.

        A window may outlast the recording as it was inspected: the rest is padded. If the entry does not know the ends
        of its streams, they must reach the end of the clip. Streams end at a frame or packet boundary: two frames of
        the clip may be missing.
        """
        known = entry.video_end if modality == "video" else entry.audio_end
        due = clip_end if known is None else min(clip_end, known)
        if end is None or end + 2 / self.clip.frame_rate >= due:
            return
        if known is None:
            raise EndsEarly(
                entry.path, f"its {modality} ends at {end:.1f} s, before the clip that ends at {clip_end:.1f} s"
            )
        raise EndsEarly(
            entry.path, f"its {modality} ends at {end:.1f} s, not at {known:.1f} s as when it was inspected; scan again"
        )
