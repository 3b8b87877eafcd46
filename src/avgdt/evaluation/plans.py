"""Selection of the time windows that are read for each evaluated segment of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped
from avgdt.data.windows import Span, Window, centred, common_span, uniform, unusable
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment
from avgdt.recipes.clip import Clip


@dataclass(frozen=True)
class Plan:
    """Segment of a recording, and the time windows that are read for it."""

    segment: Segment
    windows: tuple[Window, ...]


def unusable_segment(segment: Segment, entry: Entry, modalities: Sequence[str]) -> str:
    """Return the reason why no clip of ``modalities`` can be read from a segment of a scanned recording.

    The reason is empty if a clip can be read.
    """
    if reason := unusable(entry, modalities):
        return reason
    span = common_span(entry, tuple(modalities))
    if span.seconds <= 0:
        return "its video and audio do not overlap in time"
    start, end = segment.start, segment.end
    if start is not None and end is not None and (start >= span.end or end <= span.start):
        return f"{start:g} - {end:g} s lies outside the recording ({span.start:g} - {span.end:g} s)"
    return ""


def windows(segment: Segment, span: Span, clip: Clip, clips: int) -> tuple[Window, ...]:
    """Return the windows of a segment.

    A whole recording has ``clips`` windows. A segment no longer than a clip has one window, centred on the segment. A
    longer segment has enough equally spaced windows to cover it, but at most ``clips``.
    """
    if segment.start is None or segment.end is None:
        return uniform(clip, span, clips)
    within = Span(max(segment.start, span.start), min(segment.end, span.end))
    # Rounding (0.5 - 0.3) must not add a second window.
    count = min(clips, ceil(within.seconds / clip.seconds - 1e-6))
    return uniform(clip, within, count) if count > 1 else (centred(clip, span, segment.start, segment.end),)


def draw_window(segment: Segment, span: Span, clip: Clip, rng: np.random.Generator) -> Window:
    """Draw a random window of a segment.

    The window lies inside the segment, or contains it if the segment is shorter than a clip.
    """
    latest = max(span.end - clip.seconds, span.start)
    if segment.start is None or segment.end is None:
        first, last = span.start, latest
    else:
        first, last = sorted((segment.start, segment.end - clip.seconds))
    return Window(float(np.clip(rng.uniform(first, last), span.start, latest)))


def span_of(clip: Clip, modalities: Sequence[str]) -> Clip:
    """Return the clip settings with the clip length that ``modalities`` require.

    If only one modality is read, its windows are placed according to the clip length of that modality alone.
    """
    if "audio" not in modalities:
        return replace(clip, audio_seconds=clip.video_seconds)
    # With one frame, the audio determines the length of the clip, since it is longer than a frame.
    return clip if "video" in modalities else replace(clip, frames=1)


def check_clips(clips: int) -> None:
    """Raise :class:`EvaluationError` if ``clips`` is below 1."""
    if clips < 1:
        raise EvaluationError(f"clips: {clips} is too few; use 1 or more")


def plan(
    segments: Sequence[Segment], entries: Sequence[Entry], clip: Clip, modalities: Sequence[str], clips: int
) -> tuple[list[Plan], list[Skipped]]:
    """Select up to ``clips`` windows for every usable segment; return the plans and the skipped recordings."""
    plans, skipped, placed = list[Plan](), list[Skipped](), span_of(clip, modalities)
    for segment in segments:
        entry = entries[segment.entry]
        if reason := unusable_segment(segment, entry, modalities):
            skipped.append(Skipped(entry.path, reason))
        else:
            span = common_span(entry, tuple(modalities))
            plans.append(Plan(segment, windows(segment, span, placed, clips)))
    return plans, skipped


def count_padded(
    segments: Sequence[Segment], entries: Sequence[Entry], clip: Clip, modalities: Sequence[ModalityName]
) -> int:
    """Count the segments whose recording is shorter than a clip and thus padded with its last frame and silence."""
    clip = span_of(clip, modalities)
    # As in training, a recording that is less than two frames too short is not counted, since durations are rounded.
    least = clip.seconds - 2 / clip.frame_rate
    return sum(common_span(entries[segment.entry], tuple(modalities)).seconds < least for segment in segments)
