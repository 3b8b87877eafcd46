from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.windows import Span
from avgdt.evaluation.plans import Skipped, plan, span_of, unusable_segment, windows
from avgdt.evaluation.segments import Segment
from avgdt.recipes.clip import Clip
from tests.evaluation.rows import row

CLIP = Clip(frames=10, frame_rate=20.0, audio_seconds=1.0)  # half a second of video, one second of audio
SPAN = Span(0.0, 3.0)


def starts(segment: Segment, clip: Clip = CLIP, clips: int = 4, span: Span = SPAN) -> list[float]:
    return [window.video for window in windows(segment, span, clip, clips)]


def test_whole_recordings_get_equally_spaced_clips() -> None:
    assert starts(Segment(0, "test")) == pytest.approx([0, 2 / 3, 4 / 3, 2])
    assert starts(Segment(0, "test"), clips=1) == [1.0]
    assert starts(Segment(0, "test"), span=Span(0.2, 0.7), clips=2) == pytest.approx([0.2, 0.2])


def test_a_short_segment_gets_one_clip_around_its_middle() -> None:
    assert starts(Segment(0, "test", "", 1.64, 1.89)) == pytest.approx([1.64 + 0.125 - 0.5])
    assert starts(Segment(0, "test", "", 0.0, 0.2)) == [0.0]  # moved to lie inside the recording
    assert starts(Segment(0, "test", "", 2.9, 3.2)) == [2.0]
    assert starts(Segment(0, "test", "", 1.1, 2.1)) == pytest.approx([1.1])  # as long as a clip, up to rounding


def test_the_number_of_clips_of_a_long_segment_is_limited() -> None:
    assert starts(Segment(0, "test", "", 0.5, 2.0)) == pytest.approx([0.5, 1.0])
    assert starts(Segment(0, "test", "", 0.0, 9.0), clips=3) == pytest.approx([0.0, 1.0, 2.0])
    assert starts(Segment(0, "test", "", 0.0, 3.0), clips=1) == [1.0]


def test_a_single_modality_is_centred_with_its_own_length() -> None:
    assert span_of(CLIP, ("video", "audio")).seconds == 1.0
    assert span_of(CLIP, ("audio",)).seconds == 1.0
    assert span_of(CLIP, ("video",)).seconds == 0.5
    assert span_of(replace(CLIP, frames=60), ("audio",)).seconds == 1.0
    segment = Segment(0, "test", "", 1.0, 1.2)
    (one,), _ = plan([segment], [row()], CLIP, ("video",), 4)
    assert one.windows[0].video == pytest.approx(1.1 - 0.25)


def test_unusable_recordings_have_a_reason() -> None:
    whole = Segment(0, "test")
    deaf = replace(row(), has_audio=False, audio_start=None, audio_end=None)
    blind = replace(row(), has_video=False, video_start=None, video_end=None)
    assert unusable_segment(whole, row(), ("video", "audio")) == ""
    assert unusable_segment(whole, replace(row(), error="broken"), ("video",)) == "broken"
    assert unusable_segment(whole, deaf, ("video",)) == ""
    assert unusable_segment(whole, deaf, ("video", "audio")) == "has no audio"
    assert unusable_segment(whole, blind, ("video",)) == "has no video"
    assert "overlap in time" in unusable_segment(
        whole, replace(row(), audio_start=4.0, audio_end=5.0), ("video", "audio")
    )
    assert "4 - 5 s lies outside" in unusable_segment(Segment(0, "test", "", 4.0, 5.0), row(), ("video",))


def test_unusable_recordings_are_listed() -> None:
    rows = [row("a.mp4"), replace(row("b.mp4"), error="broken"), row("c.mp4")]
    plans, skipped = plan([Segment(i, "test") for i in range(3)], rows, CLIP, ("video",), 2)
    assert [one.segment.entry for one in plans] == [0, 2]
    assert skipped == [Skipped(Path("b.mp4"), "broken")]
