"""Times training steps of a recipe on random clips: clips per second of wall-clock time, CPU milliseconds per clip.

    python benchmarks/training_step.py demo --steps 20

The printed share of the measured FLOP/s of matrix products is a value for ``avgdt cost --share``.
A processor with AVX2 alone is simulated on a newer one with ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2.
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
from avgdt.training.device_kinds import matrix_rate
from avgdt.training.learner import Learner
from avgdt.training.step_count import blank_batch, count_step

WARM_UP = 3


def random_batch(recipe: Recipe, recordings: int) -> Batch:
    """A batch of noise of the recipe's sizes, on the CPU."""
    batch, generator = blank_batch(recipe, recordings), torch.Generator().manual_seed(0)
    if batch.video is not None:
        batch.video.random_(generator=generator)
    if batch.audio is not None:
        batch.audio.normal_(std=1000, generator=generator)
    return batch


def step_seconds(learner: Learner, batch: Batch, steps: int, warm_up: int = WARM_UP) -> list[float]:
    """Seconds of each of ``steps`` training steps, after ``warm_up`` steps."""
    seconds, device = [], learner.precision.device
    for step in range(warm_up + steps):
        start = time.perf_counter()
        learner.train_step([batch])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if step >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's default")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = in_proportion(named(args.recipe), recordings=384, steps=1152)
    precision = resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    rate = matrix_rate(precision)
    learner = Learner(recipe, 1000, precision)
    batch = random_batch(recipe, recipe.run.batch).to(precision.device)
    step_seconds(learner, batch, 0)
    begun = time.process_time()
    seconds = statistics.median(step_seconds(learner, batch, args.steps, 0))
    cpu = (time.process_time() - begun) / args.steps / len(batch)
    share = count_step(recipe, len(batch), precision.name).flops / seconds / rate
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{args.recipe}, {torch.get_num_threads()} threads, {learner.precision.name}, "
        f"{torch.backends.cpu.get_cpu_capability()}: {len(batch) / seconds:.1f} clips/s, "
        f"{share:.0%} of {rate / 1e9:,.0f} GFLOP/s, "
        f"{1000 * cpu:.1f} CPU ms per clip, peak {usage.ru_maxrss / 2**20:.2f} GiB, {usage.ru_minflt:,} page faults"
    )


if __name__ == "__main__":
    main()
