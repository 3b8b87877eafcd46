"""A recording: frames and waveform of any time span, by presentation time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from avgdt.media.info import Info
from avgdt.media.picture import Frames, Picture
from avgdt.media.sound import Sound, Waveform
from avgdt.media.source import Source, tick


class Recording:
    """A media file, opened once, decoded by one thread.

    All times are seconds on one presentation timeline whose zero is where the first of the picture and the sound
    starts; edit lists are honoured. Raises the errors of ``avgdt.media.errors``, when opened and when read.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._source = Source(self.path)
        self._picture = Picture(self._source)
        self._sound = Sound(self._source)

    @cached_property
    def info(self) -> Info:
        """What the recording says of itself; decodes one frame, as only frames tell how they are turned.

        Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        zero, first = self._zero, self._picture.first() if self._source.video is not None else None
        video, audio = self._source.video, self._source.audio
        video_end = self._source.end(video) - zero if video is not None else None
        audio_end = self._source.end(audio) - zero if audio is not None else None
        return Info(
            path=self.path,
            duration=max((end for end in (video_end, audio_end) if end is not None), default=0.0),
            has_video=video is not None,
            has_audio=audio is not None,
            frame_rate=float(video.average_rate) if video is not None and video.average_rate else None,
            width=first.width if first is not None else None,
            height=first.height if first is not None else None,
            sample_rate=audio.sample_rate if audio is not None else None,
            channels=audio.channels if audio is not None else None,
            video_start=first.time - zero if first is not None else None,
            video_end=video_end,
            audio_start=self._starts["audio"] - zero if audio is not None else None,
            audio_end=audio_end,
        )

    def frames(self, times: Sequence[float], height: int, width: int, grey: bool = False) -> Frames:
        """The frame on screen at each of ``times``: the last that begins at or before it, else the first.

        Pixels are (time, height, width, channels) uint8, upright, scaled in one pass.
        Raises ``NoVideo``, ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        return self._picture.frames(times, self._zero, height, width, grey)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """``round(seconds * sample_rate)`` mono samples (mean of the channels) from ``start`` on.

        Gaps and what lies outside the sound are silent. The start is rounded to the grid of ``sample_rate``.
        Raises ``NoAudio``, ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        return self._sound.waveform(start, seconds, sample_rate, self._zero)

    @cached_property
    def _starts(self) -> dict[str, float]:
        """Container time in seconds at which picture and sound start, by ``"video"`` and ``"audio"``."""
        starts: dict[str, float] = {}
        for part, stream in ((self._picture, self._source.video), (self._sound, self._source.audio)):
            if stream is not None:
                if stream.start_time is not None and stream.start_time >= 0:
                    starts[stream.type] = float(stream.start_time * tick(stream))
                else:
                    # Codec delay, or a cut by an edit list: what lies before the first whole frame is not presented.
                    starts[stream.type] = part.first_time()
        return starts

    @property
    def _zero(self) -> float:
        """Container time of the timeline's zero."""
        return min(self._starts.values(), default=0.0)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
