"""Small videos of a single colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.helpers.media_files import evenly, write_media


def write_coloured(path: Path, colour: int, seed: int, frames: int) -> Path:
    """Write an AVI file of 25 frames per second in the grey level 60 * ``colour``, with noise drawn from ``seed``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([colour, seed])
    shades = generator.integers(-10, 10, (frames, 32, 48, 3)) + 60 * colour
    images = list(np.clip(shades, 0, 255).astype(np.uint8))
    return write_media(path, evenly(frames), size=(32, 48), video_codec="mpeg4", b_frames=0, images=images)
