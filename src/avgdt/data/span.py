"""The stretch of a recording in which clips may lie."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.media.entry import SILENT
from avgdt.media.manifest import Entry
from avgdt.recipes.clip import Clip
from avgdt.recipes.composition import Composition


@dataclass(frozen=True)
class Span:
    """From ``start`` to ``end``, in seconds: where every modality that is used is present."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def common_span(entry: Entry, modalities: tuple[str, ...]) -> Span:
    """Where all ``modalities`` of a scanned, good entry are present at once."""
    starts = [_known(getattr(entry, f"{modality}_start")) for modality in modalities]
    ends = [_known(getattr(entry, f"{modality}_end")) for modality in modalities]
    return Span(max(starts), min(ends))


def unfit(entry: Entry, composition: Composition, clip: Clip) -> str:
    """Why the recording cannot give the windows of the composition; "" if it can."""
    if entry.error:
        return entry.error
    for modality, name in (("video", "picture"), ("audio", "sound")):
        if modality in composition.modalities and not getattr(entry, f"has_{modality}"):
            return f"has no {name}"
    if "audio" in composition.modalities and entry.silent:
        return SILENT
    span = common_span(entry, composition.modalities)
    least = clip.seconds * composition.fastest + composition.shift
    # Files round their ends to a frame or a packet: a clip may outlast the recording by less than two frames.
    if span.seconds + 2 / clip.frame_rate < least:
        return f"too short: {max(span.seconds, 0):.2f} s with all that is used, {least:.2f} s needed"
    return ""


def _known(value: float | None) -> float:
    assert value is not None, "a scanned entry knows its times"
    return value
