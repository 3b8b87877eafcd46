"""Tests that rotated and mirrored videos are returned upright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.media.recording import Recording
from tests.helpers.media_files import MIRRORED, TURNED_LEFT, TURNED_RIGHT, UPSIDE_DOWN, evenly, turn, write_media

STORED = np.zeros((48, 64, 3), dtype=np.uint8)
STORED[:24, :32] = (220, 30, 30)  # the corners distinguish all rotations and reflections
STORED[:24, 32:] = (30, 220, 30)
STORED[24:, :32] = (30, 30, 220)
STORED[24:, 32:] = (220, 220, 220)

UPRIGHT = {
    TURNED_RIGHT: np.rot90(STORED, -1),  # as players apply the matrix (0, 1, -1, 0)
    TURNED_LEFT: np.rot90(STORED, 1),
    UPSIDE_DOWN: np.rot90(STORED, 2),
    MIRRORED: STORED[:, ::-1],
    (1, 0, 0, -1): STORED[::-1],
    (0, 1, 1, 0): STORED.transpose(1, 0, 2),
    (1, 3, 0, 1): STORED,  # a shear, as in a damaged file: players use the nearest rotation
}


@pytest.mark.parametrize("matrix", UPRIGHT)
def test_frames_are_upright_for_any_display_matrix(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = turn(write_media(tmp_path / "a.mp4", evenly(3), images=[STORED] * 3), matrix)
    expected = UPRIGHT[matrix]
    height, width, _ = expected.shape
    with Recording(path) as recording:
        assert (recording.info.height, recording.info.width) == (height, width)
        pixels = recording.frames([0], height, width).pixels[0]
        half = recording.frames([0], height // 2, width // 2).pixels[0]
    assert np.abs(pixels.astype(int) - expected).mean() < 8
    assert np.abs(half.astype(int) - expected[::2, ::2]).mean() < 12
