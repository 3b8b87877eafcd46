"""A small version of DCASE2014 in its official layout: stereo recordings, with a different pitch for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avgdt.data.benchmarks.dcase2014 import CLASSES
from tests.helpers.media_files import tone, write_wav

NUMBERS = {"scenes_stereo": (1, 4, 5), "scenes_stereo_testset": (2, 10)}
"""File numbers of the recordings of each class; as in the original data set, some numbers are missing."""


def write_dcase2014(folder: Path, classes: Sequence[str] = CLASSES, seconds: float = 1.5) -> Path:
    """Write the train and test recordings; those of class index c are tones near 300 * 1.3 ** c Hz with noise."""
    for part, (home, numbers) in enumerate(NUMBERS.items()):
        (folder / home).mkdir(parents=True)
        for place, label in enumerate(classes):
            for number in numbers:
                generator = np.random.default_rng([part, place, number])
                waveform = tone(seconds, 8000, 300 * 1.3**place * generator.uniform(0.97, 1.03)).repeat(2, axis=0)
                noisy = (waveform + generator.integers(-900, 900, waveform.shape)).astype(np.int16)
                write_wav(folder / home / f"{label}{number:02d}.wav", noisy, 8000)
    return folder
