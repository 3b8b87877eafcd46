"""CPU seconds that a film of the demo world costs, by stage; one process, nothing is kept.

python benchmarks/render_world.py [--recordings 24] [--rounds 3]
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

from avgdt.synthetic import Parameters
from avgdt.synthetic.film import encode, film
from avgdt.synthetic.scene import Scene

PARAMETERS = Parameters()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--recordings", type=int, default=24)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(PARAMETERS, 0, path)  # what is done once in a process
        rounds = [one_round(asked.recordings, path) for _ in range(asked.rounds)]
    print(f"milliseconds of CPU a film, mean of {asked.recordings}; {asked.rounds} rounds")
    print(f"{'':<10}{'min':>8}{'median':>8}")
    for stage in rounds[0]:
        values = [1000 * cost[stage] / asked.recordings for cost in rounds]
        print(f"{stage:<10}{min(values):>8.1f}{statistics.median(values):>8.1f}")


def one_round(recordings: int, path: Path) -> dict[str, float]:
    """Seconds of each stage over all recordings; ``film`` is all of them at once, as a world is rendered."""
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
            pictures = list(scene.frames(PARAMETERS.times))
        with timed("sound"):
            sound = scene.sound()
        with timed("encoding"):
            encode(PARAMETERS, pictures, sound, path)
        with timed("film"):
            film(PARAMETERS, index, path)
    return costs


if __name__ == "__main__":
    main()
