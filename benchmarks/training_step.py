"""Benchmark of training steps of a recipe on random clips: clips per second of wall-clock time, and CPU time per clip.

    python benchmarks/training_step.py demo --steps 20
    python benchmarks/training_step.py paper --batch 2 --precision fp32 --steps 1 --pairs 3

The utilisation is relative to the FLOP/s of matrix multiplication, measured just before, as in ``avgdt cost --share``.
``--pairs`` alternates the steps with the same steps computed by the convolutions and batch norm of PyTorch. Plain AVX2
can be simulated on a newer processor with ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
MKL_ENABLE_INSTRUCTIONS=AVX2: without the last variable, matrix multiplication uses AVX-512 but the convolutions do not.
For the compiled batch norm, also set CXXFLAGS=-march=haswell.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from dataclasses import replace

from avgdt.tuning import tune_process

tune_process()  # must be called before torch is loaded

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from avgdt.data.batch import Batch
from avgdt.models.fused_batch_norm import BatchNorm
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.device_kinds import matrix_rate
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.training.step_count import blank_batch, count_step

WARM_UP = 3


def random_batch(recipe: Recipe, recordings: int) -> Batch:
    """Return a batch of noise with the recipe's clip size, on the CPU."""
    batch, generator = blank_batch(recipe, recordings), torch.Generator().manual_seed(0)
    if batch.video is not None:
        batch.video.random_(generator=generator)
    if batch.audio is not None:
        batch.audio.normal_(std=1000, generator=generator)
    return batch


def step_seconds(learner: Learner, batch: Batch, steps: int, warm_up: int = WARM_UP) -> list[float]:
    """Return the duration of each of ``steps`` training steps in seconds, after ``warm_up`` steps."""
    seconds, device = [], learner.precision.device
    for step in range(warm_up + steps):
        start = time.perf_counter()
        train_step(learner, [batch])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if step >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


class PlainBatchNorm(BatchNorm):
    """Batch norm, addition and ReLU by PyTorch, each in its own passes over memory."""

    def forward(self, x: torch.Tensor, added: torch.Tensor | None = None) -> torch.Tensor:
        return self.add_and_relu(_BatchNorm.forward(self, x), added)


def with_plain_layers(learner: Learner) -> Learner:
    """Replace convolutions and batch norm of the encoders by those of PyTorch in place, and return the learner."""
    for phi in [learner.phi, *([learner.key_encoder.phi] if learner.key_encoder else [])]:
        for layer in phi.modules():
            if isinstance(layer, nn.Conv3d):
                layer.__class__ = nn.Conv3d
            if isinstance(layer, BatchNorm):
                layer.__class__ = PlainBatchNorm
            if isinstance(layer, nn.Conv2d | nn.Conv3d) and layer.in_channels == 1:
                layer.weight.data = layer.weight.data.clone(memory_format=torch.contiguous_format)
    return learner


def describe(name: str, learner: Learner, batch: Batch, steps: int, flops: int) -> tuple[float, float]:
    """Print the speed of a step; return its median wall-clock time and its CPU time per thread, in seconds."""
    rate = matrix_rate(learner.precision)
    begun = time.process_time()
    seconds = statistics.median(step_seconds(learner, batch, steps, 0))
    cpu = (time.process_time() - begun) / steps
    print(
        f"{name}, {torch.get_num_threads()} threads, {learner.precision.name}, "
        f"{torch.backends.cpu.get_cpu_capability()}: {len(batch) / seconds:.1f} clips/s, "
        f"{flops / seconds / rate:.0%} of {rate / 1e9:,.0f} GFLOP/s, "
        f"{1000 * cpu / len(batch):.1f} ms of CPU time per clip",
        flush=True,
    )
    return seconds, cpu / torch.get_num_threads()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument(
        "--batch", type=int, default=0, help="batch size, with a single batch norm group; 0: as in the recipe"
    )
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16", "fp16"], default="auto")
    parser.add_argument(
        "--pairs", type=int, default=0, help="number of alternations with steps that use the layers of PyTorch"
    )
    parser.add_argument("--threads", type=int, default=0, help="number of threads; 0: the default of PyTorch")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = named(args.recipe)
    if args.batch:
        recipe = replace(recipe, run=replace(recipe.run, batch=args.batch, norm_group=args.batch))
    recipe = in_proportion(recipe, recordings=384, steps=1152)
    precision = resolve_precision(args.precision, resolve_device(recipe.run.device))
    batch = random_batch(recipe, recipe.run.batch).to(precision.device)
    flops = count_step(recipe, len(batch), precision.name).flops
    learner = Learner(recipe, 1000, precision)
    step_seconds(learner, batch, 0)
    if args.pairs:
        plain = with_plain_layers(Learner(recipe, 1000, precision))
        step_seconds(plain, batch, 0)
    for _ in range(args.pairs):
        before = describe(f"{args.recipe} (layers of PyTorch)", plain, batch, args.steps, flops)
        after = describe(args.recipe, learner, batch, args.steps, flops)
        print(
            f"ratio of wall-clock time {before[0] / after[0]:.2f}, of CPU time {before[1] / after[1]:.2f}", flush=True
        )
    if not args.pairs:
        describe(args.recipe, learner, batch, args.steps, flops)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"peak memory {usage.ru_maxrss / 2**20:.2f} GiB, {usage.ru_minflt:,} page faults")


if __name__ == "__main__":
    main()
