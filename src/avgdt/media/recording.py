"""A recording: frames and waveform of any time span of a media file, by presentation time."""

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
    """A recording's streams on one presentation timeline, in seconds, whose zero is where presentation starts."""

    path: Path
    """The file."""
    duration: float
    """Seconds from zero to where the last stream ends."""
    has_video: bool
    """Whether there is a video stream."""
    has_audio: bool
    """Whether there is an audio stream."""
    frame_rate: float | None = None
    """Average frames per second (frames need not be evenly spaced)."""
    width: int | None = None
    """Width of the upright frames in pixels."""
    height: int | None = None
    """Height of the upright frames in pixels."""
    sample_rate: int | None = None
    """Native samples per second."""
    channels: int | None = None
    """Number of audio channels."""
    video_start: float | None = None
    """When the first frame appears."""
    video_end: float | None = None
    """When the last frame disappears."""
    audio_start: float | None = None
    """When the first sample is played."""
    audio_end: float | None = None
    """When the audio ends."""


class Recording:
    """A media file, opened once, decoded by one thread.

    All times are seconds on one presentation timeline whose zero is the earlier of the starts of video and
    audio; edit lists are honoured. Raises the errors of ``avgdt.media.errors``, when opened and when read.
    """

    def __init__(self, path: Path | str, video: bool = True, audio: bool = True, downmix: Downmix = "auto") -> None:
        """Open ``path``; a stream is ignored if ``video`` or ``audio`` is False.

        ``downmix`` is the way to mono; "auto" is the mean of the channels or, where that cancels, the loudest channel.
        """
        self.path = Path(path)
        self._container = Container(self.path, video, audio)
        self._video = VideoReader(self._container)
        self._audio = AudioReader(self._container, None if downmix == "auto" else downmix)

    @property
    def has_video(self) -> bool:
        """Whether there is a video stream."""
        return self._container.video is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is an audio stream."""
        return self._container.audio is not None

    @cached_property
    def info(self) -> Info:
        """Duration, rates, sizes and times from the headers; decodes one frame for its orientation.

        Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
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
        """The frame on screen at each of ``times``: the last that begins at or before it, else the first.

        Pixels are (time, height, width, channels) uint8, upright, scaled in one pass. ``Frames.end`` says where the
        video ended before the last of ``times``. A damaged frame raises ``Corrupt``; the result does not
        depend on earlier reads.
        Raises ``NoVideo``, ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        return self._video.frames(times, self._zero, height, width, grey)

    def all_frames(self, height: int, width: int, grey: bool = False) -> AllFrames:
        """Every frame, decoded once from the first to the last; raises as :meth:`frames` does."""
        return self._video.all_frames(self._zero, height, width, grey)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """``round(seconds * sample_rate)`` mono samples from ``start`` on.

        It is silent in gaps, before and after the audio; ``Waveform.end`` is its end, if before the last sample.
        The start is rounded to the grid of ``sample_rate``.
        Raises ``NoAudio``, ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        return self._audio.waveform(start, seconds, sample_rate, self._zero)

    @property
    def downmix(self) -> Downmix:
        """How channels are downmixed to mono; raises ``NoAudio``, ``Unsupported``, ``Encrypted``, ``Corrupt``."""
        return self._audio.downmix

    def silent(self) -> bool:
        """Whether all channels of its audio are digital silence; decodes all of it if a few positions are silent.

        Raises ``NoAudio``, ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        return self._audio.silent()

    @cached_property
    def _starts(self) -> dict[Kind, float]:
        """Container time in seconds at which video and audio start, video first."""
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
        # Codec delay, or a cut by an edit list: what lies before the first whole frame is not presented.
        try:
            return decoded()
        except MediaError:
            return 0.0  # raised again when the stream is read

    @property
    def _zero(self) -> float:
        """Container time of the timeline's zero."""
        return min(self._starts.values(), default=0.0)

    def true_ends(self) -> tuple[float | None, float | None]:
        """When the last frame and the last sample that can be decoded end, regardless of the headers.

        Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        zero = self._zero
        video = self._video.last_end() - zero if self.has_video else None
        return video, self._audio.last_end() - zero if self.has_audio else None

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
