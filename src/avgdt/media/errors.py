"""Exceptions raised for media files; each message names the file and the reason."""

from __future__ import annotations

from pathlib import Path

from avgdt.errors import AvgdtError


class MediaError(AvgdtError):
    """Raised if a media file cannot be read as requested."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[MediaError], tuple[Path, str]]:
        # Errors are sent between processes; by default, unpickling would call __init__ with the message alone.
        return type(self), (self.path, self.reason)


class NotAFile(MediaError):
    """Raised if a path is not a regular file, or if a file or folder cannot be opened."""


class Unreadable(MediaError):
    """Raised if the content of a file is not a recording in a known container format."""


class NoVideo(MediaError):
    """Raised if a recording has no video."""


class NoAudio(MediaError):
    """Raised if a recording has no audio."""


class Unsupported(MediaError):
    """Raised if the codec or pixel format of a recording is not supported, or if a file is a still image."""


class Encrypted(MediaError):
    """Raised if a stream of a recording is encrypted."""


class RecordingTooLarge(MediaError):
    """Raised if the frame size, sample rate, duration or memory use of a recording exceeds a limit."""


class Corrupt(MediaError):
    """Raised if nothing can be decoded, a requested part is damaged, or samples are not finite numbers."""


class EndsEarly(MediaError):
    """Raised if a stream ends before a clip, for example because its file was truncated after its inspection."""


class TimedOut(MediaError):
    """Reported for a recording whose decoding exceeds the time limit."""


class Crashed(MediaError):
    """Reported for a recording whose decoding crashed the process."""
