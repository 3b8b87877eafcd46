"""Clips of recordings: frames and waveform of named windows, read in one opening of the file."""

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
    """A stretch of sound to read."""

    start: float
    """Seconds on the recording's timeline."""
    samples: int
    """How many samples."""
    rate: int
    """Samples per second."""

    @property
    def first(self) -> int:
        """Index of the first sample on the grid of ``rate``, where the recording's own reader puts it."""
        return round(self.start * self.rate)

    @property
    def end(self) -> float:
        """Seconds at which it ends."""
        return (self.first + self.samples) / self.rate


def read_waveforms(file: Recording | StoredRecording, spans: Sequence[AudioSpan]) -> list[Waveform]:
    """The waveform of each span, in order; raise ``MediaError`` where the sound cannot be read.

    A sample's value depends on its place alone: spans that overlap on the whole are cut from one reading.
    """
    rates = {span.rate for span in spans}
    begin, end = min((s.first for s in spans), default=0), max((s.first + s.samples for s in spans), default=0)
    if len(rates) != 1 or len(spans) < 2 or end - begin > sum(span.samples for span in spans):
        return [file.waveform(span.start, span.samples / span.rate, span.rate) for span in spans]
    (rate,) = rates
    whole = file.waveform(begin / rate, (end - begin) / rate, rate)

    def cut(span: AudioSpan) -> Waveform:
        ended = whole.end if whole.end is not None and whole.end < span.end else None
        return Waveform(whole.samples[span.first - begin :][: span.samples], span.first / rate, ended)

    return [cut(span) for span in spans]


@dataclass(frozen=True)
class Item:
    """What was read of one item of a list, a recording or a segment of one, with its true times."""

    item: int
    """Its index in the list of items."""
    recording: int
    """The recording that it is of."""
    epoch: int
    """The epoch whose draws these are."""
    video: NDArray[np.uint8] | None
    """(windows, channels, time, height, width)."""
    audio: NDArray[np.float32] | None
    """(windows, samples) on the int16 scale."""
    video_times: NDArray[np.float64] | None
    """(windows, time): presentation time of each frame in seconds."""
    audio_start: NDArray[np.float64] | None
    """(windows,): time of the first sample in seconds."""
    damage: str = ""
    """What of its recording, outside these windows, was found to be damaged."""


@dataclass(frozen=True)
class ClipReader:
    """Reads the windows of recordings as the networks take them."""

    clip: Clip
    modalities: tuple[str, ...]
    grey: bool
    store: Store | None = None
    """Where recordings are decoded to once; without it every clip is decoded anew."""

    def read(self, item: int, entry: Entry, windows: Sequence[Window], epoch: int = 0) -> Item:
        """Open the file once and read all ``windows``; raise ``MediaError`` where it cannot be.

        The item is a recording of its own. The streams must last as long as the entry says, or, where it does not say,
        as long as the windows.
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
                    start = float(frames.times[0])  # sound goes with the frame that is shown, not the one asked for
                if "audio" in self.modalities:
                    at = start if window.audio is None else window.audio
                    # As many samples at a lower rate last longer; taken for samples of the clip's own rate, as every
                    # clip is, they play faster and higher.
                    rate = round(self.clip.sample_rate / window.speed)
                    spans.append(AudioSpan(at, self.clip.samples, rate))
            sounds = read_waveforms(file, spans)
            for span, sound in zip(spans, sounds, strict=True):
                self._check_end(entry, "audio", sound.end, span.end)
        return Item(
            item=item,
            recording=item,
            epoch=epoch,
            video=np.stack(pixels).transpose(0, 4, 1, 2, 3) if pixels else None,
            audio=np.stack([sound.samples for sound in sounds]) if sounds else None,
            video_times=np.stack(times) if times else None,
            audio_start=np.array([sound.start for sound in sounds]) if sounds else None,
            damage=file.damage if isinstance(file, StoredRecording) else "",
        )

    def _check_end(self, entry: Entry, modality: Literal["video", "audio"], end: float | None, asked: float) -> None:
        """Raise ``EndsEarly`` if the stream ends at ``end`` although there should be more of it, up to ``asked``.

        A window may outlast the recording as it was inspected: what is missing there is padded. Of an entry that does
        not know where its streams end, all that is asked should be there. Files round their ends: two frames of the
        clip may always be missing.
        """
        known = entry.video_end if modality == "video" else entry.audio_end
        due = asked if known is None else min(asked, known)
        if end is None or end + 2 / self.clip.frame_rate >= due:
            return
        if known is None:
            raise EndsEarly(
                entry.path, f"its {modality} ends at {end:.1f} s, before the clip that ends at {asked:.1f} s"
            )
        raise EndsEarly(
            entry.path, f"its {modality} ends at {end:.1f} s, not at {known:.1f} s as when it was inspected; scan again"
        )
