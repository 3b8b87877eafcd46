"""Reading of clips: the frames and the waveforms of several time windows of a recording."""

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
    """A time span of audio to read, and the sample rate of its waveform."""

    start: float
    """Start of the span on the timeline of the recording, in seconds."""
    samples: int
    """Number of samples to read."""
    sample_rate: int
    """Sample rate, in Hz."""

    @property
    def first_sample(self) -> int:
        """Index of the first sample: ``start`` in samples, rounded as in ``Recording.waveform``."""
        return round(self.start * self.sample_rate)

    @property
    def end(self) -> float:
        """End of the span on the timeline of the recording, in seconds."""
        return (self.first_sample + self.samples) / self.sample_rate


def read_waveforms(file: Recording | StoredRecording, spans: Sequence[AudioSpan]) -> list[Waveform]:
    """Return the waveform of each span, in order; raise ``MediaError`` if the audio cannot be read.

    If decoding the whole range of the spans requires no more samples than decoding each span separately, the spans are
    cut from one decoded waveform; the result is the same.
    """
    rates = {span.sample_rate for span in spans}
    begin, end = (
        min((s.first_sample for s in spans), default=0),
        max((s.first_sample + s.samples for s in spans), default=0),
    )
    if len(rates) != 1 or len(spans) < 2 or end - begin > sum(span.samples for span in spans):
        return [file.waveform(span.start, span.samples / span.sample_rate, span.sample_rate) for span in spans]
    (rate,) = rates
    joined = file.waveform(begin / rate, (end - begin) / rate, rate)

    def cut(span: AudioSpan) -> Waveform:
        end = joined.end if joined.end is not None and joined.end < span.end else None
        return Waveform(joined.samples[span.first_sample - begin :][: span.samples], span.first_sample / rate, end)

    return [cut(span) for span in spans]


@dataclass(frozen=True)
class Item:
    """The clips of one item of the data set (a recording or a segment), with their presentation times."""

    item: int
    """Index of the item in the data set."""
    recording: int
    """Index of the item's recording; segments of one recording share it."""
    epoch: int
    """Epoch for which the time windows of the clips were drawn."""
    video: NDArray[np.uint8] | None
    """(windows, channels, time, height, width) uint8: frames of the video clips."""
    audio: NDArray[np.float32] | None
    """(windows, samples) float32: waveforms of the audio clips, on the int16 scale."""
    video_times: NDArray[np.float64] | None
    """(windows, time) float64: presentation time of each frame in the recording, in seconds."""
    audio_start: NDArray[np.float64] | None
    """(windows,) float64: presentation time of the first audio sample of each clip, in seconds."""
    damage: str = ""
    """Error message for damage of the recording outside these clips; empty if no damage is known."""


@dataclass(frozen=True)
class ClipReader:
    """Reader of clips at the frame size, frame rate, sample rate and modalities of a recipe."""

    clip: Clip
    """Length, frame size, frame rate and sample rate of a clip."""
    modalities: tuple[str, ...]
    """Modalities to read: video, audio or both."""
    grey: bool
    """Whether frames are read with one grey channel instead of three colour channels."""
    store: Store | None = None
    """Cache of decoded recordings; if ``None``, every clip is decoded from its file."""

    def read(self, item: int, entry: Entry, windows: Sequence[Window], epoch: int = 0) -> Item:
        """Read the clips of all ``windows`` of a recording; raise ``MediaError`` if a clip cannot be read.

        ``Item.recording`` is set to ``item``. Raises ``EndsEarly``, a subclass of ``MediaError``, if a stream ends
        both before the end of a clip and before the end time recorded in ``entry``.
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
                    # Audio starts with the first frame, which may begin before the window.
                    start = float(frames.times[0])
                if "audio" in self.modalities:
                    at = start if window.audio is None else window.audio
                    # Samples at ``sample_rate / speed``, interpreted at ``sample_rate``, play at ``speed``.
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
        """Raise ``EndsEarly`` if a stream ends at ``end``, before both ``clip_end`` and the end recorded in ``entry``.

        A clip that extends beyond the recorded end is padded. If no end is recorded, the stream must reach the end of
        the clip. Up to two frames of the clip may be missing, as streams end at a frame or packet boundary.
        """
        known = entry.video_end if modality == "video" else entry.audio_end
        due = clip_end if known is None else min(clip_end, known)
        if end is None or end + 2 / self.clip.frame_rate >= due:
            return
        if known is None:
            raise EndsEarly(
                entry.path, f"its {modality} ends at {end:.1f} s, before the end of the clip at {clip_end:.1f} s"
            )
        raise EndsEarly(
            entry.path, f"its {modality} ends at {end:.1f} s, not at {known:.1f} s as when it was inspected; scan again"
        )
