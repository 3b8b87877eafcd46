"""A small version of HMDB51 in its official layout: short videos, with a different colour for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.helpers.coloured_videos import write_coloured

CLASSES = ("brush_hair", "cartwheel", "wave")


def write_hmdb51(
    folder: Path, classes: Sequence[str] = CLASSES, per_class: int = 4, subfolder: str = "", frames: int = 3
) -> Path:
    """Write ``testTrainMulti_7030_splits`` and the class folders in ``subfolder`` of ``folder``.

    In each class, split n (1, 2 or 3) tests on video n, does not use the next video, and trains on all others.
    """
    lists = folder / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for number, name in enumerate(classes):
        videos = [f"#4_Film_(2)_{name}_u_cm_np1_fr_med_{take}.avi" for take in range(per_class)]
        for take, video in enumerate(videos):
            write_coloured(folder / subfolder / name / video, number + 1, take, frames)
        for split in (1, 2, 3):
            parts = {split - 1: 2, split % per_class: 0}
            lines = [f"{video} {parts.get(take, 1)} \n" for take, video in enumerate(videos)]
            (lists / f"{name}_test_split{split}.txt").write_text("".join(lines))
    return folder
