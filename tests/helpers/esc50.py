"""A small version of ESC-50 in its official layout: short recordings, with a different pitch for each class."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.helpers.media_files import tone, write_media, write_wav

CODECS = {"flac": "flac", "ogg": "libopus"}


def write_esc50(
    folder: Path,
    classes: Sequence[str] = ("dog", "rain", "clock"),
    folds: Sequence[int] = (1, 2, 3),
    per_class: int = 2,
    esc10: Sequence[str] = ("dog", "rain"),
    seconds: float = 2.5,
    sample_rate: int = 8000,
) -> Path:
    """Write ``folder/meta/esc50.csv`` and ``folder/audio``, with ``per_class`` recordings per class and fold.

    Recordings of class index c are tones near 300 * 2 ** c Hz with noise. They are alternately WAV, FLAC and Ogg Opus.
    """
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    rows = []
    for fold in folds:
        for target, category in enumerate(classes):
            for take in range(per_class):
                ending = ("wav", "flac", "ogg")[len(rows) % 3]
                name = f"{fold}-{1000 + len(rows)}-A-{target}.{ending}"
                generator = np.random.default_rng([fold, target, take])
                waveform = tone(seconds, sample_rate, 300 * 2**target * generator.uniform(0.95, 1.05))
                waveform = (waveform + generator.integers(-900, 900, waveform.shape)).astype(np.int16)
                path = folder / "audio" / name
                if ending == "wav":
                    write_wav(path, waveform, sample_rate)
                else:
                    write_media(
                        path, waveform=waveform, sample_rate=sample_rate, audio_codec=CODECS[ending], container=ending
                    )
                rows.append([name, fold, target, category, category in esc10, 1000 + len(rows), "A"])
    write_list(folder, rows)
    return folder


def write_list(folder: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write ``meta/esc50.csv``."""
    with (folder / "meta" / "esc50.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "fold", "target", "category", "esc10", "src_file", "take"])
        writer.writerows(rows)


def read_list(folder: Path) -> list[list[str]]:
    """Return the rows of ``meta/esc50.csv`` without the header."""
    with (folder / "meta" / "esc50.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]
