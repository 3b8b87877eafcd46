"""Accuracy of linear probes on features of the synthetic data set that ignore time.

    python benchmarks/synthetic_probes.py [FOLDER] [--recordings 576] [--seed 0]

The script renders the data set into FOLDER (or reuses it; by default a temporary folder) and prints the recall of each
class for a linear probe on each kind of features, cross-validated over all recordings. A class is near chance if its
recall is at most twice the chance level. The mean of the *logarithm* of the spectrum is included for comparison: it
also depends on the fraction of time that is silent.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avgdt.synthetic.dataset import render_dataset
from avgdt.synthetic.parameters import Parameters

Floats = npt.NDArray[np.float64]
BINS = 8  # number of bins per colour channel
WINDOW, STEP, BANDS = 1024, 256, 64
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # inverse regularisation strengths; the best result is reported


class Description(NamedTuple):
    """Features of a recording that do not depend on time, and the amount of motion."""

    colours: Floats
    """Square root of the fraction of pixels in each of 512 colours."""
    log_mean_spectrum: Floats
    """Logarithm of the mean power in each of 64 mel bands."""
    mean_log_spectrum: Floats
    """Mean of the logarithm of the power in each of 64 mel bands."""
    motion: float
    """Mean absolute change of a pixel from frame to frame (printed per class; no probe is trained on it)."""


def describe(path: Path) -> Description:
    with av.open(str(path)) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with av.open(str(path)) as container:
        waveform = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(np.float64)
        sample_rate = container.streams.audio[0].rate
    red, green, blue = np.moveaxis(frames.astype(np.int64) * BINS // 256, -1, 0)
    counts = np.bincount((red * BINS**2 + green * BINS + blue).ravel(), minlength=BINS**3)
    windows = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::STEP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows)) ** 2 @ mel_bands(sample_rate) + 1e-9
    motion = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean()
    return Description(
        np.sqrt(counts / counts.sum()), np.log(power.mean(axis=0)), np.log(power).mean(axis=0), float(motion)
    )


def mel_bands(sample_rate: int) -> Floats:
    """Return triangular mel filters (frequencies, bands), evenly spaced in mel, for a sample rate in Hz."""
    edges = 700 * (10 ** (np.linspace(0, np.log10(1 + sample_rate / 2 / 700), BANDS + 2)) - 1)
    frequencies = np.fft.rfftfreq(WINDOW, 1 / sample_rate)[:, None]
    rising = (frequencies - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], sample_rate / WINDOW)
    falling = (edges[2:] - frequencies) / np.maximum(edges[2:] - edges[1:-1], sample_rate / WINDOW)
    return np.clip(np.minimum(rising, falling), 0, None) + 1e-12


def recalls(features: Floats, labels: list[str]) -> dict[str, float]:
    """Return the recall of each class, for the value of C with the highest accuracy."""
    truth = np.array(labels)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    best: npt.NDArray[np.str_] | None = None
    for strength in STRENGTHS:
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        predictions = cross_val_predict(probe, features, truth, cv=folds)
        if best is None or np.mean(predictions == truth) > np.mean(best == truth):
            best = predictions
    return {label: float(np.mean(best[truth == label] == label)) for label in sorted(set(labels))}  # type: ignore[index]


def report(name: str, recalled: dict[str, float], out: Callable[[str], object] = print) -> int:
    """Print a table row, and return the number of classes near chance."""
    limit = 2 / len(recalled)
    near = sum(recall <= limit + 1e-9 for recall in recalled.values())
    cells = " ".join(f"{100 * recall:>8.0f}" for recall in recalled.values())
    mean = 100 * np.mean(list(recalled.values()))
    out(f"{name:<20}{mean:>6.1f} {cells}   {near:>2} of {len(recalled)} (up to {limit:.0%})")
    return int(near)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--recordings", type=int, default=576)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "dataset"
        manifest = render_dataset(folder, options.recordings, parameters=Parameters(seed=options.seed))
        rows = list(csv.DictReader(manifest.open(newline="")))
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            descriptions = list(pool.map(describe, [folder / row["path"] for row in rows], chunksize=8))
    labels = [row["label"] for row in rows]
    classes = sorted(set(labels))
    print(f"{len(rows)} recordings, {len(classes)} classes, chance {100 / len(classes):.1f} %; recall in % per class")
    print(f"{'':<20}{'mean':>6} {' '.join(f'{label:>8}' for label in classes)}   near chance")
    near = [
        report(
            name.replace("_", " "),
            recalls(np.stack([getattr(description, name) for description in descriptions]), labels),
        )
        for name in ("colours", "log_mean_spectrum", "mean_log_spectrum")
    ]
    motion = [
        np.mean([d.motion for d, actual in zip(descriptions, labels, strict=True) if actual == label])
        for label in classes
    ]
    print(f"{'motion (0-255)':<20}{np.mean(motion):>6.2f} {' '.join(f'{value:>8.2f}' for value in motion)}")
    return 0 if min(near[:2]) >= len(classes) / 2 else 1


if __name__ == "__main__":
    sys.exit(main())
