"""Benchmark of the cost of each augmentation: its time on all windows of a batch, as a percentage of a training step.

    python benchmarks/augmentation_cost.py [--recipe small] [--rounds 9] [--threads 1] [--device auto]

The clips are noise, with the recipe's clip size; augmentations with a probability are timed with probability 1.
Training steps and augmentations alternate, and medians are printed. ColourJitter is measured on clips with the
recipe's number of channels and on clips with three channels, Grey only on the latter.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from avgdt.composition.audio_augmentations import AudioAugmentation, Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.video_augmentations import (
    Blur,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.data.batch import Batch
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_clips


def batch_of(recipe: Recipe, channels: int) -> Batch:
    """Return a batch of noise with the recipe's batch and clip size and ``channels`` channels."""
    clip, count, windows = recipe.clip, recipe.run.batch, len(recipe.composition.windows)
    shape = (count, windows, channels, clip.frames, clip.height, clip.width)
    return Batch(
        torch.arange(count),
        torch.arange(count),
        torch.randint(0, 256, shape, dtype=torch.uint8),
        3000 * torch.randn(count, windows, clip.samples),
        None,
        None,
    )


def video_work(batch: Batch, steps: tuple[VideoAugmentation, ...], crop: int | None) -> Callable[[], object]:
    """Return a function that applies ``steps`` to all clips, which are first cropped to ``crop`` pixels if given."""
    assert batch.video is not None
    clips = batch.video if crop is None else batch.video[..., :crop, :crop].contiguous()
    generators = [view_generators(0, 0, range(len(batch)), view) for view in range(clips.shape[1])]
    return lambda: [augment_clips(clips[:, view], steps, rngs) for view, rngs in enumerate(generators)]


def audio_work(batch: Batch, step: AudioAugmentation, learner: Learner) -> Callable[[], object]:
    """Return a function that applies ``step`` to the waveforms or spectrograms of every window."""
    assert batch.audio is not None
    waveforms = batch.audio
    spectrograms = learner.views.preprocessing.log_mel(waveforms)
    generators = [view_generators(0, 0, range(len(batch)), view) for view in range(waveforms.shape[1])]
    if isinstance(step, SpecAugment):
        return lambda: [augment_spectrogram(spectrograms[:, view], step, rngs) for view, rngs in enumerate(generators)]
    return lambda: [augment_waveform(waveforms[:, view], step, rngs) for view, rngs in enumerate(generators)]


def milliseconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the duration of one call of ``work``, in ms."""
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--recipe", default="small")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--threads", type=int, default=0, help="number of threads; 0: the default of PyTorch")
    options.add_argument("--device", default="auto")
    arguments = options.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    recipe = named(arguments.recipe)
    device = resolve_device(arguments.device)
    learner = Learner(recipe, 1, resolve_precision(recipe.run.precision, device))
    channels, height, width = recipe.model.video.channels, recipe.clip.height, recipe.clip.width
    batch, coloured = (batch_of(recipe, count).to(device) for count in (channels, 3))
    crop = recipe.composition.crop or min(height, width)
    short = min(height, width)
    work: dict[str, Callable[[], object]] = {
        "all augmentations of the recipe": lambda: learner.views(batch),
        "RandomCrop": video_work(batch, (RandomCrop(crop),), None),
        "ShortSideJitter + RandomCrop": video_work(
            batch, (ShortSideJitter(max(crop, short * 4 // 5), short * 5 // 4), RandomCrop(crop)), None
        ),
        "RandomResizedCrop": video_work(batch, (RandomResizedCrop(crop),), None),
        "Flip": video_work(batch, (Flip(1.0),), crop),
        "Blur": video_work(batch, (Blur(probability=1.0),), crop),
        f"ColourJitter, {channels} channel{'s' * (channels > 1)}": video_work(batch, (ColourJitter(hue=0.1),), crop),
        "ColourJitter, colour": video_work(coloured, (ColourJitter(hue=0.1),), crop),
        "Grey, colour": video_work(coloured, (Grey(1.0),), crop),
    }
    work |= {
        type(step).__name__: audio_work(batch, step, learner)
        for step in (Volume(), Equaliser(), Noise(probability=1.0), Mix(probability=1.0), SpecAugment.strong())
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("step", *work)}
    for _ in range(arguments.rounds + 1):  # the first round is a warm-up
        seconds["step"].append(milliseconds(lambda: train_step(learner, [batch]), device))
        for name, call in work.items():
            seconds[name].append(milliseconds(call, device))
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    print(f"recipe {arguments.recipe}, {device.type}, {torch.get_num_threads()} threads, torch {torch.__version__}: "
          f"a step takes {medians['step']:.1f} ms (median of {arguments.rounds})")  # fmt: skip
    for name in work:
        print(f"{name:34}{medians[name]:8.2f} ms  {100 * medians[name] / medians['step']:6.2f} %", flush=True)


if __name__ == "__main__":
    main()
