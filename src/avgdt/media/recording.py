"""Recordings: frames and waveform of any time span of a media file, by presentation time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from avgdt.media.audio import AudioReader, Waveform
from avgdt.media.container import Container, Kind
from avgdt.media.downmix import Downmix
from avgdt.media.errors import MediaError
from avgdt.media.video import AllFrames, Frames, VideoReader


@dataclass(frozen=True)
class Info:
    """Properties of the streams of a recording; times are in seconds from the start of the presentation."""

    path: Path
    """Path of the media file."""
    duration: float
    """Time at which the last stream ends, in seconds."""
    has_video: bool
    """Whether the recording has a video stream."""
    has_audio: bool
    """Whether the recording has an audio stream."""
    frame_rate: float | None = None
    """Average frame rate, in Hz; the intervals between frames may differ."""
    width: int | None = None
    """Width of the upright frames, in pixels."""
    height: int | None = None
    """Height of the upright frames, in pixels."""
    sample_rate: int | None = None
    """Native sample rate of the audio, in Hz."""
    channels: int | None = None
    """Number of audio channels."""
    video_start: float | None = None
    """Start time of the first frame, in seconds."""
    video_end: float | None = None
    """End time of the last frame (its time stamp plus its duration), in seconds."""
    audio_start: float | None = None
    """Time of the first audio sample, in seconds."""
    audio_end: float | None = None
    """Time at which the audio ends, in seconds."""


class Recording:
    """An open media file, decoded by one thread.

    All times are in seconds on one presentation timeline, whose zero is the start of the video or of the audio,
    whichever is earlier. Edit lists are applied. Opening and reading raise the errors of ``avgdt.media.errors``.
    """

    def __init__(self, path: Path | str, video: bool = True, audio: bool = True, downmix: Downmix = "auto") -> None:
        """Open ``path``, ignoring the video or audio stream if ``video`` or ``audio`` is False.

        ``downmix`` is the downmix to mono; "auto" is the mean of the channels, or the loudest channel if the channels
        cancel each other.
        """
        self.path = Path(path)
        self._container = Container(self.path, video, audio)
        self._video = VideoReader(self._container)
        self._audio = AudioReader(self._container, None if downmix == "auto" else downmix)

    @property
    def has_video(self) -> bool:
        """Whether the recording has a video stream that is not ignored."""
        return self._container.video is not None

    @property
    def has_audio(self) -> bool:
        """Whether the recording has an audio stream that is not ignored."""
        return self._container.audio is not None

    @cached_property
    def info(self) -> Info:
        """Duration, rates, sizes and times of the streams, mostly from the headers.

        The first access decodes the first frame, for its orientation, and the first audio block. Raises
        ``Unsupported``, ``Encrypted`` or ``Corrupt``.
        """
        first = self._video.first() if self.has_video else None
        ends = [self._container.end(kind) - self._zero for kind in self._starts]
        video = self._video.stream if self.has_video else None
        audio = self._audio.stream if self.has_audio else None
        rate = (video.average_rate or video.guessed_rate) if video is not None else None
        return Info(
            path=self.path,
            duration=max(ends, default=0.0),
            has_video=self.has_video,
            has_audio=self.has_audio,
            frame_rate=float(rate) if rate else None,
            width=first.width if first is not None else None,
            height=first.height if first is not None else None,
            sample_rate=audio.sample_rate if audio is not None else None,
            channels=audio.channels if audio is not None else None,
            video_start=first.time - self._zero if first is not None else None,
            video_end=ends[0] if video is not None else None,
            audio_start=max(self._starts["audio"], self._audio.first_time()) - self._zero
            if audio is not None
            else None,
            audio_end=ends[-1] if audio is not None else None,
        )

    def frames(self, times: Sequence[float], height: int, width: int, grey: bool = False) -> Frames:
        """Return the frame on screen at each of ``times``.

        This is the last frame that starts at or before the time, or the first frame if there is none. ``Frames.pixels``
        are upright and scaled to ``height`` and ``width``. The result does not depend on earlier reads. Raises
        ``NoVideo``, ``Unsupported`` or ``Encrypted``, and ``Corrupt`` if a frame is damaged or missing.
        """
        return self._video.frames(times, self._zero, height, width, grey)

    def all_frames(self, height: int, width: int, grey: bool = False) -> AllFrames:
        """Decode all frames in presentation order; raise the same errors as :meth:`frames`."""
        return self._video.all_frames(self._zero, height, width, grey)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """Return ``round(seconds * sample_rate)`` mono samples from ``start`` on.

        ``start`` is rounded to a multiple of ``1 / sample_rate``. Samples before and after the audio and in its gaps
        are zero. Raises ``NoAudio``, ``Unsupported``, ``Encrypted`` or ``Corrupt``.
        """
        return self._audio.waveform(start, seconds, sample_rate, self._zero)

    @property
    def downmix(self) -> Downmix:
        """Downmix of the channels to mono; raises ``NoAudio``, ``Unsupported``, ``Encrypted`` or ``Corrupt``."""
        return self._audio.downmix

    def silent(self) -> bool:
        """Return whether all channels are digital silence.

        The whole stream is decoded only if the audio is silent at a few sampled positions. Raises ``NoAudio``,
        ``Unsupported``, ``Encrypted`` or ``Corrupt``.
        """
        return self._audio.silent()

    @cached_property
    def _starts(self) -> dict[Kind, float]:
        """Container times at which video and audio start, in seconds, with video first."""
        starts: dict[Kind, float] = {}
        if self.has_video:
            starts["video"] = self._start("video", self._video.first_time)
        if self.has_audio:
            starts["audio"] = self._start("audio", self._audio.first_time)
        return starts

    def _start(self, kind: Kind, decoded: Callable[[], float]) -> float:
        start = self._container.start(kind)
        if start is not None and start >= 0:
            return start
        # Because of a codec delay or an edit list, data before the first whole frame is not presented.
        try:
            return decoded()
        except MediaError:
            return 0.0  # the error is raised again when the stream is read

    @property
    def _zero(self) -> float:
        """Container time at which the timeline of the recording begins, in seconds."""
        return min(self._starts.values(), default=0.0)

    def true_ends(self) -> tuple[float | None, float | None]:
        """Return the times at which the last decodable frame and sample end, in seconds, regardless of the headers.

        Raises ``Unsupported``, ``Encrypted`` or ``Corrupt``.
        """
        zero = self._zero
        video = self._video.last_end() - zero if self.has_video else None
        return video, self._audio.last_end() - zero if self.has_audio else None

    def close(self) -> None:
        """Close the media file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
