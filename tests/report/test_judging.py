from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.report.judging import judge, places_counted
from avgdt.report.run_folder import RunFolder
from tests.helpers.recipes import tiny


def told(accuracy: float, r10: float | None, candidates: int = 60) -> RunFolder:
    train = [{"step": step, "epoch": step / 10, "accuracy": accuracy if step > 90 else 0.0} for step in range(1, 101)]
    return RunFolder(Path("run"), tiny(), train, [] if r10 is None else [ways(r10, candidates)], [], [], [])


def ways(r10: float, candidates: int = 60) -> dict[str, Any]:
    way = {"r1": r10, "r5": r10, "r10": r10, "gallery": candidates}
    return {"video_to_audio": way, "audio_to_video": way}


@pytest.mark.parametrize(
    ("accuracy", "r10", "standing"),
    [
        (0.9, 0.6, "holds"),
        (0.1, 0.35, "holds"),
        (0.9, 0.17, "shortcut"),
        (0.9, 0.05, "shortcut"),
        (0.1, 0.17, "chance"),
        (0.1, 0.25, "chance"),  # 15 of 60 where 10 are due: the interval reaches down to chance
        (0.9, None, "unknown"),
    ],
)
def test_standing(accuracy: float, r10: float | None, standing: str) -> None:
    judgement = judge(told(accuracy, r10), None)
    assert judgement.standing == standing
    assert judgement.trained == pytest.approx(accuracy)  # the last tenth of the steps
    assert judgement.trained_chance == pytest.approx(1 / 11)


def test_what_the_page_measured_goes_before_what_the_run_saw() -> None:
    assert judge(told(0.9, 0.1), ways(0.9)).standing == "holds"


def test_more_recordings_tell_smaller_differences_apart() -> None:
    few, many = (judge(told(0.1, 1.25 * 10 / count, count), None).standing for count in (60, 6000))
    assert few == "chance"
    assert many == "chance"  # 10 of 6000 are still few
    assert judge(replace(told(0.1, None), heldout=[ways(4 * 10 / 6000, 6000)]), None).standing == "holds"


@pytest.mark.parametrize(("candidates", "first"), [(2, 1), (19, 1), (20, 5), (39, 5), (40, 10), (5000, 10)])
def test_places_counted(candidates: int, first: int) -> None:
    assert places_counted(candidates) == first
