"""Errors of media files; each message names the file and the reason."""

from __future__ import annotations

from pathlib import Path

from avgdt.errors import AvgdtError


class MediaError(AvgdtError):
    """Error of a media file that cannot be read as requested."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[MediaError], tuple[Path, str]]:
        # Errors are sent between processes; by default, unpickling would call __init__ with the message alone.
        return type(self), (self.path, self.reason)


class NotAFile(MediaError):
    """Error of a path that is not a regular file or cannot be opened."""


class Unreadable(MediaError):
    """Error of a file whose content is not a recording in a known container format."""


class NoVideo(MediaError):
    """Error of a recording that has no video."""


class NoAudio(MediaError):
    """Error of a recording that has no audio."""


class Unsupported(MediaError):
    """Error of a recording whose codec or pixel format is not supported, or of a still image."""


class Encrypted(MediaError):
    """Error of a recording with an encrypted stream."""


class RecordingTooLarge(MediaError):
    """Error of a recording whose frame size, sample rate, duration or memory use exceeds a limit."""


class Corrupt(MediaError):
    """Error of damaged data: nothing can be decoded, a requested part is damaged, or samples are not finite numbers."""


class EndsEarly(MediaError):
    """Error of a stream that ends early, as its file was truncated or replaced after its inspection."""


class TimedOut(MediaError):
    """Error of a recording whose decoding exceeds the time limit."""


class Crashed(MediaError):
    """Error of a recording whose decoding crashed the process."""
