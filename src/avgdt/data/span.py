"""The stretch of a recording in which clips may lie."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.composition.composition import Composition
from avgdt.data.entry import SILENT
from avgdt.data.manifest import Entry
from avgdt.data.rows import Seconds, segment_columns, segment_of
from avgdt.recipes.clip import Clip

ROUNDING = 0.1  # seconds: lists round the ends of segments


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


def segment(entry: Entry) -> Seconds | None:
    """The row's segment by its columns ``start`` and ``end``; None for the whole recording.

    Raises ``DataError`` for half a segment and for seconds that are no numbers or run backwards.
    """
    return segment_of(entry, segment_columns(entry.extra))


def reaches_beyond(entry: Entry) -> bool:
    """Whether the row's segment begins before its recording or ends after it, by more than rounding."""
    within = segment(entry)
    return within is not None and (within[0] < -ROUNDING or within[1] > (entry.duration or 0.0) + ROUNDING)


def clip_span(entry: Entry, modalities: tuple[str, ...]) -> Span:
    """Where clips of a row may lie: all ``modalities`` are present, and it is inside the row's segment."""
    span, within = common_span(entry, modalities), segment(entry)
    return span if within is None else Span(max(span.start, within[0]), min(span.end, within[1]))


def unfit(entry: Entry, composition: Composition, clip: Clip) -> str:
    """Why the row's segment, or its whole recording, cannot give the windows of the composition; "" if it can."""
    if entry.error:
        return entry.error
    for modality, name in (("video", "picture"), ("audio", "sound")):
        if modality in composition.modalities and not getattr(entry, f"has_{modality}"):
            return f"has no {name}"
    if "audio" in composition.modalities and entry.silent:
        return SILENT
    span, within = clip_span(entry, composition.modalities), segment(entry)
    least = clip.seconds * composition.fastest + composition.shift
    # Files round their ends to a frame or a packet: a clip may outlast the recording by less than two frames, but not
    # the segment, whose end was given (to a hair's breadth of rounding: 0.8 - 0.3).
    latest = common_span(entry, composition.modalities).end + 2 / clip.frame_rate
    if within is not None:
        latest = min(latest, within[1] + 1e-6)
    if latest - span.start < least:
        where = "" if within is None else f"segment {within[0]:g} - {within[1]:g} s: "
        return f"too short: {where}{max(span.seconds, 0):.2f} s with all that is used, {least:.2f} s needed"
    return ""


def _known(value: float | None) -> float:
    assert value is not None, "a scanned entry knows its times"
    return value
