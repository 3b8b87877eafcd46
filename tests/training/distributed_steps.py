"""Script that trains every recipe of a folder for a few steps, as one of several processes, and writes the results.

With the precision ``double``, networks and losses use float64, because rounding errors in float32 grow from step to
step and would hide defects. With ``single``, the training step of avgdt is unchanged.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from avgdt.data.batch import Batch
from avgdt.data.dataset import Batches, Groups
from avgdt.models.precision import Precision
from avgdt.recipes.config import read_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.ranks import Ranks, process_group
from avgdt.training.step import train_step
from avgdt.transforms.views import Views

RECORDINGS = 40


class DoubleViews(Views):
    """Views converted to float64; log-mel spectrograms and augmentations are computed in float32."""

    def forward(self, *args: Any, **options: Any) -> list[torch.Tensor]:
        """Return the views of a batch. For the arguments, see :class:`Views`."""
        torch.set_default_dtype(torch.float32)
        try:
            return [view.double() for view in super().forward(*args, **options)]
        finally:
            torch.set_default_dtype(torch.float64)


def main(folder: Path, steps: int, precision: str) -> None:
    """Train every recipe ``NAME.yaml`` of the folder; write losses and state to ``NAME.PROCESSES.RANK.pt``."""
    if precision == "double":
        torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign, assignment]
        torch.set_default_dtype(torch.float64)
    with process_group("cpu") as ranks:
        for config in sorted(folder.glob("*.yaml")):
            result = train(read_yaml(config), steps, ranks)
            torch.save(result, folder / f"{config.stem}.{ranks.size}.{ranks.rank}.pt")


def train(recipe: Recipe, steps: int, ranks: Ranks) -> dict[str, object]:
    """Return the losses of ``steps`` training steps on synthetic clips, and the state after them."""
    order = Batches(RECORDINGS, recipe.run.batch, 100, seed=0)
    learner = Learner(recipe, order.steps_per_epoch, Precision(torch.device("cpu"), torch.float32), ranks=ranks)
    if torch.get_default_dtype() == torch.float64:
        learner.views = DoubleViews.of(recipe)
    groups = iter(Groups(order, learner.parts, learner.portion))
    losses = []
    for _ in range(steps):
        result, std = train_step(learner, [clips_of(recipe, next(groups)) for _ in learner.portion])
        values = [result.loss, result.accuracy, result.positive_probability.mean(), *std.values()]
        losses.append(torch.stack([value.detach() for value in values]))
    return {"losses": torch.stack(losses), "state": learner.state()}


def clips_of(recipe: Recipe, keys: Sequence[tuple[int, int]]) -> Batch:
    """Return a batch of clips that depend only on the recording and the epoch."""
    clip, windows = recipe.clip, len(recipe.composition.clips)
    videos, audios = [], []
    for epoch, item in keys:
        generator = torch.Generator().manual_seed(1000 * epoch + item)
        shape = (windows, recipe.model.video.channels, clip.frames, clip.height, clip.width)
        videos.append(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator))
        audios.append(3000 * torch.randn(windows, clip.samples, generator=generator, dtype=torch.float32))
    items = torch.tensor([item for _, item in keys])
    return Batch(items, items, torch.stack(videos), torch.stack(audios), None, None, keys[0][0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
