"""Benchmark of opening an MP4 file and reading one clip of 30 frames and one second of audio, with one thread.

    python benchmarks/clip_decoding.py [FILE]

Without a file, one recording of the synthetic data set is rendered and read.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from avgdt.data.clips import ClipReader
from avgdt.data.inspection import inspect
from avgdt.data.windows import Window
from avgdt.recipes.clip import Clip
from avgdt.synthetic.dataset import render_dataset

CLIPS = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            path = Path(sys.argv[1])
        else:
            render_dataset(Path(folder), recordings=1, workers=0)
            path = next(Path(folder).rglob("*.mp4"))
        entry = inspect(path)
        duration = entry.duration or 0.0
        reader = ClipReader(Clip(), ("video", "audio"), grey=False)
        seconds = []
        for start in np.random.default_rng(0).uniform(0, max(duration - 1, 0), CLIPS):
            begun = time.perf_counter()
            reader.read(0, entry, [Window(float(start))])
            seconds.append(time.perf_counter() - begun)
    median = statistics.median(seconds)
    print(f"{path.name}: median {1000 * median:.1f} ms, minimum {1000 * min(seconds):.1f} ms, {1 / median:.0f} clips/s")


if __name__ == "__main__":
    main()
