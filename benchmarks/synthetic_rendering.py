"""Benchmark of the CPU time of each stage of rendering a recording of the synthetic data set, in one process.

python benchmarks/synthetic_rendering.py [--recordings 24] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.rendering import encode, write_recording
from avgdt.synthetic.scene import Scene

PARAMETERS = Parameters()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recordings", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00000.mp4"
        write_recording(PARAMETERS, 0, path)  # warm-up: imports and caches
        rounds = [one_round(options.recordings, path) for _ in range(options.rounds)]
    print(f"CPU time in ms per recording (mean of {options.recordings} recordings), in {options.rounds} rounds")
    print(f"{'':<10}{'min':>8}{'median':>8}")
    for stage in rounds[0]:
        values = [1000 * cost[stage] / options.recordings for cost in rounds]
        print(f"{stage:<10}{min(values):>8.1f}{statistics.median(values):>8.1f}")


def one_round(recordings: int, path: Path) -> dict[str, float]:
    """Return the CPU time of each stage over all recordings, in seconds; ``recording`` is the complete rendering."""
    costs = defaultdict[str, float](float)

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        costs[stage] += time.process_time() - begun

    for index in range(recordings):
        with timed("scene"):
            scene = Scene(PARAMETERS, index)
        with timed("frames"):
            frames = list(scene.frames(PARAMETERS.times))
        with timed("audio"):
            audio = scene.audio()
        with timed("encoding"):
            encode(PARAMETERS, frames, audio, path)
        with timed("recording"):
            write_recording(PARAMETERS, index, path)
    return costs


if __name__ == "__main__":
    main()
