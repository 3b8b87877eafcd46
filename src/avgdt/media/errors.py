"""The errors of media files; each names the file and the reason."""

from __future__ import annotations

from pathlib import Path

from avgdt.errors import AvgdtError


class MediaError(AvgdtError):
    """A media file that cannot be read as requested."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[MediaError], tuple[Path, str]]:
        # Errors travel between processes; the default would call __init__ with the message alone.
        return type(self), (self.path, self.reason)


class NotAFile(MediaError):
    """The path is not a regular file, or the file may not be read."""


class Unreadable(MediaError):
    """The content is not that of a recording in any known container."""


class NoVideo(MediaError):
    """The recording has no video."""


class NoAudio(MediaError):
    """The recording has no audio."""


class Unsupported(MediaError):
    """No decoder for this codec, or a kind of file that is not a recording (a playlist, a still image)."""


class Encrypted(MediaError):
    """The streams are encrypted."""


class RecordingTooLarge(MediaError):
    """The frame size, sample rate, duration or memory of a recording exceeds the limit."""


class Corrupt(MediaError):
    """A recording of which nothing can be decoded, a damaged part of one, or values that are not numbers."""


class EndsEarly(MediaError):
    """The streams end before the time at which they should: the file was cut off or replaced since it was inspected."""


class TimedOut(MediaError):
    """Decoding did not end within the time allowed."""


class Crashed(MediaError):
    """The decoder crashed its process."""
