"""One recording of a data set, as a manifest lists it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from avgdt.media.downmix import Downmix
from avgdt.media.info import Info

SILENT = "its sound is silent throughout"


@dataclass(frozen=True)
class Entry:
    """One line of a manifest; what is not known of the recording is ``None``."""

    path: Path
    """The file, as it can be opened."""
    duration: float | None = None
    """Seconds from the start of the presentation to its end."""
    frame_rate: float | None = None
    """Average frames per second."""
    width: int | None = None
    """Width of the upright picture in pixels."""
    height: int | None = None
    """Height of the upright picture in pixels."""
    sample_rate: int | None = None
    """Native samples per second."""
    has_video: bool | None = None
    """Whether there is a picture that can be decoded."""
    has_audio: bool | None = None
    """Whether there is sound that can be decoded."""
    video_start: float | None = None
    """When the first frame appears, in seconds on the presentation timeline."""
    video_end: float | None = None
    """When the last frame disappears."""
    audio_start: float | None = None
    """When the first sample sounds."""
    audio_end: float | None = None
    """When the sound ends."""
    downmix: Downmix | None = None
    """How the channels of its audio become one: "mean", or where that cancels "first", "channel 2" ..."""
    silent: bool | None = None
    """Whether all of its audio is digital silence."""
    size: int | None = None
    """Bytes of the file when it was inspected."""
    modified: int | None = None
    """Time of the file's last change when it was inspected, in nanoseconds since 1970."""
    content: str = ""
    """Digest of the file's content when it was inspected (see ``avgdt.data.fingerprint``)."""
    error: str = ""
    """Why the file gives no clips; empty when it does."""
    extra: dict[str, str] = field(default_factory=dict)
    """All other columns, such as split and label."""

    @classmethod
    def of(cls, info: Info, extra: dict[str, str] | None = None) -> Entry:
        """The entry of a good recording."""
        known = {f.name: getattr(info, f.name) for f in fields(cls) if hasattr(info, f.name)}
        return cls(**known, extra=dict(extra or {}))

    @property
    def scanned(self) -> bool:
        """Whether the file was looked into: all is known that clips are placed by, or why there are none."""
        present = [modality for modality in ("video", "audio") if getattr(self, f"has_{modality}")]
        times = [getattr(self, f"{modality}_{end}") for modality in present for end in ("start", "end")]
        return bool(self.error) or None not in (self.duration, self.has_video, self.has_audio, *times)
