"""Time windows of clips: the span of a recording in which clips may lie, and the choice of windows within it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from math import isfinite

import numpy as np

from avgdt.composition.composition import Composition
from avgdt.data.errors import DataError
from avgdt.data.manifest import SILENT, Entry
from avgdt.recipes.clip import Clip

SEGMENT = ("start", "end")
"""Names of the manifest columns with the start and end of a segment, in seconds on the timeline of the recording."""
ROUNDING = 0.1  # tolerance for rounded start and end times of segments in lists, in seconds

Seconds = tuple[float, float]
"""Start and end of a segment on the timeline of the recording, in seconds."""


@dataclass(frozen=True)
class Span:
    """A time span of a recording from ``start`` to ``end``, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Duration of the span, in seconds."""
        return self.end - self.start


def common_span(entry: Entry, modalities: tuple[str, ...]) -> Span:
    """Return the span of a scanned recording in which all ``modalities`` are present."""
    starts = [_known(getattr(entry, f"{modality}_start")) for modality in modalities]
    ends = [_known(getattr(entry, f"{modality}_end")) for modality in modalities]
    return Span(max(starts), min(ends))


def segment_columns(present: Collection[str], label: str | None = None) -> tuple[str, str] | None:
    """Return the columns of ``present`` with the start and end of a segment, or ``None`` if there are no such columns.

    The columns are named ``LABEL_start`` and ``LABEL_end`` if a label is given and has such columns, else ``start`` and
    ``end``, in any capitalisation. Raises :class:`DataError` if only one of the two columns exists.
    """
    pairs = [SEGMENT] if label is None else [(f"{label}_start", f"{label}_end"), SEGMENT]
    folded = {name.lower(): name for name in present} | {name: name for name in present}
    for start, end in pairs:
        present_pair = [folded.get(name) or folded.get(name.lower()) for name in (start, end)]
        if present_pair[0] and present_pair[1]:
            return present_pair[0], present_pair[1]
        if single := present_pair[0] or present_pair[1]:
            missing = end if present_pair[0] else start
            raise DataError(f"{missing}: the data has a column '{single}' but no '{missing}'; add the missing column")
    return None


def segment_of(entry: Entry, columns: tuple[str, str] | None) -> Seconds | None:
    """Return the start and end of a row's segment, in seconds; ``None`` for the whole recording.

    A row without ``columns``, or with two empty cells, denotes the whole recording. Raises :class:`DataError` if a cell
    is not a number, only one cell is empty, or the start is not less than the end.
    """
    if columns is None:
        return None
    cells = [entry.extra.get(name, "").strip() for name in columns]
    if not any(cells):
        return None
    try:
        start, end = (float(cell) for cell in cells)
    except ValueError:
        raise DataError(
            f"{entry.path}: {columns[0]} '{cells[0]}' and {columns[1]} '{cells[1]}' must be seconds, such as 1.5"
        ) from None
    if not (isfinite(start) and isfinite(end) and start < end):
        raise DataError(f"{entry.path}: {columns[0]} ({start:g}) must be less than {columns[1]} ({end:g})")
    return start, end


def segment(entry: Entry) -> Seconds | None:
    """Return the segment in the columns ``start`` and ``end`` of a row, in seconds; ``None`` for the whole recording.

    Raises :class:`DataError` if the segment is invalid or only one of the columns exists.
    """
    return segment_of(entry, segment_columns(entry.extra))


def reaches_beyond(entry: Entry) -> bool:
    """Return whether a row's segment exceeds the recording at either end by more than ``ROUNDING`` seconds."""
    within = segment(entry)
    return within is not None and (within[0] < -ROUNDING or within[1] > (entry.duration or 0.0) + ROUNDING)


def clip_span(entry: Entry, modalities: tuple[str, ...]) -> Span:
    """Return the span in which clips of a row may lie: inside its segment, with all ``modalities`` present."""
    span, within = common_span(entry, modalities), segment(entry)
    return span if within is None else Span(max(span.start, within[0]), min(span.end, within[1]))


def unusable(entry: Entry, modalities: Collection[str]) -> str:
    """Return the reason why a recording is unusable for ``modalities``; an empty string if it is usable."""
    if entry.error:
        return entry.error
    for modality in ("video", "audio"):
        if modality in modalities and not getattr(entry, f"has_{modality}"):
            return f"has no {modality}"
    return SILENT if "audio" in modalities and entry.silent else ""


def unfit(entry: Entry, composition: Composition, clip: Clip) -> str:
    """Return the reason why a row is unusable for a composition; an empty string if it is usable."""
    if reason := unusable(entry, composition.modalities):
        return reason
    span, within = clip_span(entry, composition.modalities), segment(entry)
    least = clip.seconds * composition.fastest + composition.shift
    # A clip may extend beyond the recording by up to two frames, as streams end at a frame or packet boundary. It may
    # not extend beyond the segment, whose end is exact except for floating-point rounding.
    latest = common_span(entry, composition.modalities).end + 2 / clip.frame_rate
    if within is not None:
        latest = min(latest, within[1] + 1e-6)
    if latest - span.start < least:
        where = "" if within is None else f"segment {within[0]:g} - {within[1]:g} s: "
        return f"too short: {where}{max(span.seconds, 0):.2f} s with all modalities, {least:.2f} s needed"
    return ""


def _known(value: float | None) -> float:
    assert value is not None, "a scanned entry has times"
    return value


@dataclass(frozen=True)
class Window:
    """Start times of the video and audio of one clip on the timeline of the recording, and its playback speed."""

    video: float
    """Start of the video clip, in seconds."""
    audio: float | None = None
    """Start of the audio clip, in seconds; if ``None``, audio starts with the first frame."""
    speed: float = 1.0
    """Playback speed: number of seconds of the recording in one second of the clip."""


def draw_windows(
    composition: Composition, clip: Clip, span: Span, seed: int, epoch: int, item: int
) -> tuple[Window, ...]:
    """Draw one window for each of ``composition.clips``; the result depends only on (seed, epoch, item).

    Without temporal jittering, all epochs have the windows of epoch 0. Two windows of different names are drawn
    uniformly among all pairs that start at least ``composition.shift`` seconds apart. Windows of the same name and
    different speeds have the same start.
    """
    time = composition.time
    rng = np.random.default_rng([seed, epoch if time.jitter else 0, item, 0xC11B])
    room = max(span.seconds - clip.seconds * composition.fastest, 0.0)

    def starts() -> dict[str, float]:
        names = composition.windows
        offsets = [rng.uniform(0, room)] if len(names) == 1 else _apart(room, composition.shift, rng)
        return {name: span.start + offset for name, offset in zip(names, offsets, strict=True)}

    video_starts = starts()
    audio_starts = {} if time.synchronous else starts()
    return tuple(Window(video_starts[name], audio_starts.get(name), speed) for name, speed in composition.clips)


def _apart(room: float, least: float, rng: np.random.Generator) -> tuple[float, float]:
    """Draw two start times from 0 to ``room``, uniformly among all pairs at least ``least`` seconds apart.

    If ``room`` is smaller than ``least``, the start times are 0 and ``least`` in random order, and the later clip
    extends beyond the recording, as far as :func:`unfit` allows.
    """
    room = max(room, least)
    first, second = np.sort(rng.uniform(0, room - least, size=2))
    pair = (float(first), float(second + least))
    return pair if rng.random() < 0.5 else pair[::-1]


def uniform(clip: Clip, span: Span, count: int) -> tuple[Window, ...]:
    """Return ``count`` windows equally spaced over the span; a single window lies in the middle of the span."""
    room = max(span.seconds - clip.seconds, 0.0)
    offsets = np.linspace(0, room, count) if count > 1 else [room / 2]
    return tuple(Window(span.start + float(offset)) for offset in offsets)


def every(span: Span, length: float, seconds: float) -> tuple[Window, ...]:
    """Return the windows of ``length`` seconds inside the span at intervals of ``seconds``; there is at least one."""
    count = 1 + max(0, math.floor((span.seconds - length) / seconds + 1e-6))
    return tuple(Window(span.start + index * seconds) for index in range(count))


def centred(clip: Clip, span: Span, start: float, end: float) -> Window:
    """Return the window centred on the segment from ``start`` to ``end``, shifted to lie inside the span."""
    latest = max(span.end - clip.seconds, span.start)
    return Window(float(np.clip((start + end - clip.seconds) / 2, span.start, latest)))
