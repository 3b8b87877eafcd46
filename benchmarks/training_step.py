"""Times whole training steps of a recipe on random clips: clips per second of wall clock and CPU milliseconds a clip.

    python benchmarks/training_step.py demo --steps 20

Plain AVX2 can be simulated on a newer processor with ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

from avgdt.tuning import tune_process

tune_process()  # before torch is loaded

import torch

from avgdt.data.batch import Batch
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner


def random_batch(recipe: Recipe) -> Batch:
    clip, windows, generator = recipe.clip, len(recipe.composition.clips), torch.Generator().manual_seed(0)
    shape = (recipe.run.batch, windows, recipe.model.video.channels, clip.frames, clip.height, clip.width)
    return Batch(
        items=torch.arange(recipe.run.batch),
        recordings=torch.arange(recipe.run.batch),
        video=torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        audio=1000 * torch.randn(recipe.run.batch, windows, clip.samples, generator=generator),
        video_times=None,
        audio_start=None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's own choice")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = in_proportion(named(args.recipe), recordings=384, steps=1152)
    learner = Learner(recipe, 1000, resolve_precision(recipe.run.precision, resolve_device(recipe.run.device)))
    batch = random_batch(recipe).to(learner.precision.device)
    for _ in range(3):
        learner.train_step([batch])
    seconds, begun = [], time.process_time()
    for _ in range(args.steps):
        start = time.perf_counter()
        learner.train_step([batch])
        seconds.append(time.perf_counter() - start)
    cpu = (time.process_time() - begun) / args.steps / len(batch)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{args.recipe}, {torch.get_num_threads()} threads, {learner.precision.name}, "
        f"{torch.backends.cpu.get_cpu_capability()}: {len(batch) / statistics.median(seconds):.1f} clips/s, "
        f"{1000 * cpu:.1f} CPU ms a clip, peak {usage.ru_maxrss / 2**20:.2f} GiB, {usage.ru_minflt:,} page faults"
    )


if __name__ == "__main__":
    main()
