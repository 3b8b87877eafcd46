"""Benchmark of the image augmentations of kornia and avgdt: time, as a percentage of a training step, and results.

    python benchmarks/augmentations_kornia.py [--recipe small] [--rounds 9] [--threads 1]

The benchmark needs kornia (the extra `bench`). Both libraries receive the same clips (noise, with the recipe's
clip size) and the same random parameters, with probability 1. Training steps, avgdt and kornia alternate; medians are
printed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import torch
from augmentation_cost import batch_of, milliseconds

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
from avgdt.models.precision import resolve_precision
from avgdt.recipes.named import named
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.transforms.rng import Generators, view_generators
from avgdt.transforms.video_augmentation import augment_clips, draw_box

try:
    from kornia.color import rgb_to_grayscale
    from kornia.enhance import (
        adjust_brightness_accumulative,
        adjust_contrast_with_mean_subtraction,
        adjust_hue,
        adjust_saturation_with_gray_subtraction,
    )
    from kornia.filters import filter2d_separable, gaussian_blur2d, get_gaussian_kernel1d
    from kornia.geometry.transform import crop_and_resize, crop_by_indices, hflip, resize
except ImportError:
    print(
        "augmentations_kornia: kornia is not installed; pip install -c constraints.txt -e '.[bench]'", file=sys.stderr
    )
    sys.exit(2)

Work = Callable[[torch.Tensor, Generators], torch.Tensor]


def blur(video: torch.Tensor, step: Blur, rngs: Generators) -> torch.Tensor:
    """Blur with kornia's border mode (mirrored about the last pixel) and the same window size for all clips."""
    sigmas = deviations(step, rngs).expand(-1, 2)
    return gaussian_blur2d(video.flatten(1, 2), 2 * reach(step) + 1, sigmas).view_as(video)


def mirrored_blur(video: torch.Tensor, step: Blur, rngs: Generators) -> torch.Tensor:
    """Blur with avgdt's border mode (mirrored, with the last pixel repeated)."""
    kernels = get_gaussian_kernel1d(2 * reach(step) + 1, deviations(step, rngs))
    rows, columns = (mirrored(pixels, reach(step)) for pixels in video.shape[-2:])
    around = video.flatten(1, 2)[..., rows[:, None], columns]
    return filter2d_separable(around, kernels, kernels, padding="valid").view_as(video)


def deviations(step: Blur, rngs: Generators) -> torch.Tensor:
    return torch.tensor([[(g.random(), g.uniform(step.low, step.high))[1]] for g in rngs])


def reach(step: Blur) -> int:
    return int(4 * step.high) + 1


def mirrored(pixels: int, beyond: int) -> torch.Tensor:
    indices = torch.arange(-beyond, pixels + beyond) % (2 * pixels)
    return torch.minimum(indices, 2 * pixels - 1 - indices)


def colour_jitter(video: torch.Tensor, step: ColourJitter, rngs: Generators) -> torch.Tensor:
    """Apply colour jitter to the frames of each clip, stacked so that kornia uses the mean luma of the whole clip."""
    strengths = (step.brightness, step.contrast, step.saturation)
    drawn = torch.tensor(
        [[*(g.uniform(1 - s, 1 + s) for s in strengths), g.uniform(-step.hue, step.hue)] for g in rngs]
    )
    pixels = (video / 255).flatten(2, 3)
    if step.brightness:
        pixels = adjust_brightness_accumulative(pixels, drawn[:, 0])
    if step.contrast:
        pixels = adjust_contrast_with_mean_subtraction(pixels, drawn[:, 1])
    if step.saturation:
        pixels = adjust_saturation_with_gray_subtraction(pixels, drawn[:, 2])
    if step.hue and video.shape[1] == 3:
        pixels = adjust_hue(pixels, 2 * math.pi * drawn[:, 3])
    return 255 * pixels.view_as(video)


def grey(video: torch.Tensor, rngs: Generators) -> torch.Tensor:
    return rgb_to_grayscale(video.float().flatten(2, 3)).expand(-1, 3, -1, -1).reshape(video.shape)


def flip(video: torch.Tensor, rngs: Generators) -> torch.Tensor:
    return torch.stack([hflip(clip) for clip in video])


def random_crop(video: torch.Tensor, size: int, rngs: Generators) -> torch.Tensor:
    room = [side - size for side in video.shape[-2:]]
    positions = [g.integers(0, room, endpoint=True).tolist() for g in rngs]
    boxes = torch.tensor([corners(top, left, size - 1, size - 1) for top, left in positions])
    return crop_by_indices(video.flatten(1, 2), boxes, (size, size)).view(*video.shape[:3], size, size)


def corners(top: float, left: float, tall: float, wide: float) -> list[list[float]]:
    """Return the corners (x, y) of a box in the order of kornia, clockwise from the top left."""
    return [[left, top], [left + wide, top], [left + wide, top + tall], [left, top + tall]]


def resized_crop(video: torch.Tensor, step: RandomResizedCrop, rngs: Generators, smooth: bool) -> torch.Tensor:
    """Return resized crops; with ``smooth``, blur frames first, with a sigma that depends on the scale."""
    height, width = video.shape[-2:]
    cuts = [draw_box(step, height, width, g) for g in rngs]
    frames = video.flatten(1, 2).float()
    steps = torch.tensor([[tall / step.size, wide / step.size] for _, _, tall, wide in cuts])
    if smooth:
        sigmas = ((steps - 1) / 2).clamp(min=0.001)
        frames = gaussian_blur2d(frames, 2 * math.ceil(2 * float(sigmas.max())) + 1, sigmas)
    # Centres of the outermost output pixels, relative to the centre of the first input pixel.
    boxes = torch.tensor(
        [
            corners(top + by / 2 - 0.5, left + bx / 2 - 0.5, (step.size - 1) * by, (step.size - 1) * bx)
            for (top, left, _, _), (by, bx) in zip(cuts, steps.tolist(), strict=True)
        ]
    )
    crops = crop_and_resize(frames, boxes, (step.size, step.size), padding_mode="border")
    return crops.view(*video.shape[:3], step.size, step.size)


def short_side_crop(video: torch.Tensor, jitter: ShortSideJitter, size: int, rngs: Generators) -> torch.Tensor:
    """Resize the short side and crop at random, clip by clip, since clips are resized to different sizes."""
    crops = []
    for clip, g in zip(video, rngs, strict=True):
        height, width = clip.shape[-2:]
        short = int(g.integers(jitter.low, jitter.high, endpoint=True))
        tall, wide = (round(side * short / min(height, width)) for side in (height, width))
        top, left = g.integers(0, (tall - size, wide - size), endpoint=True).tolist()
        crops.append(resize(clip.float(), (tall, wide), antialias=True)[..., top : top + size, left : left + size])
    return torch.stack(crops)


class Case(NamedTuple):
    """One augmentation in both implementations, avgdt and kornia."""

    name: str
    ours: tuple[VideoAugmentation, ...]
    kornia: Work
    channels: int = 1
    whole: bool = False
    """Whether the augmentation is applied to whole decoded frames rather than to a crop."""


def colour_case(name: str, step: ColourJitter, channels: int = 3) -> Case:
    return Case(name, (step,), lambda video, rngs: colour_jitter(video, step, rngs), channels)


def cases(crop: int, low: int, high: int, crop_area: float) -> list[Case]:
    soft, box = Blur(probability=1.0), RandomResizedCrop(crop)
    near = RandomResizedCrop(crop, scale=(0.3 * crop_area, 0.7 * crop_area))  # boxes smaller than the crop
    jitter = ShortSideJitter(low, high)
    return [
        Case("Blur, kornia's border", (soft,), lambda video, rngs: blur(video, soft, rngs)),
        Case("Blur, avgdt's border", (soft,), lambda video, rngs: mirrored_blur(video, soft, rngs)),
        colour_case("brightness", ColourJitter(0.4, 0, 0)),
        colour_case("contrast", ColourJitter(0, 0.4, 0)),
        colour_case("saturation", ColourJitter(0, 0, 0.4)),
        colour_case("hue", ColourJitter(0, 0, 0, 0.1)),
        colour_case("ColourJitter", ColourJitter(hue=0.1)),
        colour_case("ColourJitter, grey clips", ColourJitter(), 1),
        Case("Grey", (Grey(1.0),), grey, 3),
        Case("Flip", (Flip(1.0),), flip),
        Case("RandomCrop", (RandomCrop(crop),), lambda video, rngs: random_crop(video, crop, rngs), whole=True),
        Case(
            "RandomResizedCrop, not smoothed",
            (box,),
            lambda video, rngs: resized_crop(video, box, rngs, False),
            whole=True,
        ),
        Case(
            "RandomResizedCrop, smoothed",
            (box,),
            lambda video, rngs: resized_crop(video, box, rngs, True),
            whole=True,
        ),
        Case(
            "RandomResizedCrop, only enlarging",
            (near,),
            lambda video, rngs: resized_crop(video, near, rngs, False),
            whole=True,
        ),
        Case(
            "ShortSideJitter + RandomCrop",
            (jitter, RandomCrop(crop)),
            lambda video, rngs: short_side_crop(video, jitter, crop, rngs),
            whole=True,
        ),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--recipe", default="small")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    recipe, device = named(arguments.recipe), torch.device("cpu")
    learner = Learner(recipe, 1, resolve_precision(recipe.run.precision, device))
    short = min(recipe.clip.height, recipe.clip.width)
    crop = recipe.composition.crop or short
    batch = batch_of(recipe, recipe.model.video.channels)

    def clips(case: Case) -> list[torch.Tensor]:
        video = batch_of(recipe, case.channels).video
        assert video is not None
        return list((video if case.whole else video[..., :crop, :crop].contiguous()).unbind(1))

    def rngs_of(view: int) -> Generators:
        return view_generators(0, 0, range(recipe.run.batch), view)

    def ours(case: Case) -> Work:
        return lambda video, rngs: augment_clips(video, case.ours, rngs)

    def all_views(make: Work, views: list[torch.Tensor]) -> Callable[[], object]:
        generators = [rngs_of(view) for view in range(len(views))]
        return lambda: [make(video, rngs) for video, rngs in zip(views, generators, strict=True)]

    work: dict[str, Callable[[], object]] = {}
    differences: dict[str, torch.Tensor] = {}
    for case in cases(
        crop, max(crop, short * 4 // 5), short * 5 // 4, crop**2 / (recipe.clip.height * recipe.clip.width)
    ):
        views = clips(case)
        differences[case.name] = (ours(case)(views[0], rngs_of(0)).float() - case.kornia(views[0], rngs_of(0))).abs()
        work[f"{case.name} ours"] = all_views(ours(case), views)
        work[f"{case.name} kornia"] = all_views(case.kornia, views)
    times: dict[str, list[float]] = {name: [] for name in ("step", *work)}
    for _ in range(arguments.rounds + 1):  # the first round is a warm-up
        times["step"].append(milliseconds(lambda: train_step(learner, [batch]), device))
        for name, call in work.items():
            times[name].append(milliseconds(call, device))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    rounds = arguments.rounds
    print(f"recipe {arguments.recipe}, cpu, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"kornia {version('kornia')}: a step takes {medians['step']:.1f} ms (median of {rounds})")  # fmt: skip
    print(f"{'':36}{'ours %':>8}{'kornia %':>10}{'largest difference':>20}{'mean':>8}")
    for name, difference in differences.items():
        percentages = (100 * medians[f"{name} {library}"] / medians["step"] for library in ("ours", "kornia"))
        print(
            "{:36}{:8.2f}{:10.2f}{:20.4f}{:8.4f}".format(name, *percentages, difference.max(), difference.mean()),
            flush=True,
        )


if __name__ == "__main__":
    main()
