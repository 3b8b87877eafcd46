"""A few training steps of one process, of those that ``torchrun`` starts; writes the losses and the state."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from avgdt.data.batch import Batch
from avgdt.data.dataset import Batches, Groups
from avgdt.models.precision import Precision
from avgdt.recipes.config import read_yaml
from avgdt.training.learner import Learner
from avgdt.training.ranks import joined

RECORDINGS = 24


def main(config: Path, out: Path, steps: int) -> None:
    """Take ``steps`` training steps of the recipe ``config`` on synthetic clips."""
    recipe = read_yaml(config)
    recipe = replace(recipe, run=replace(recipe.run, device="cpu"))
    with joined("cpu") as ranks:
        order = Batches(RECORDINGS, recipe.run.batch, 100, seed=0)
        learner = Learner(recipe, order.steps_per_epoch, Precision(torch.device("cpu"), torch.float32), ranks=ranks)
        groups = iter(Groups(order, learner.parts, learner.portion))
        losses = []
        for _ in range(steps):
            mine = [clips_of(recipe, next(groups)) for _ in learner.portion]
            result, std = learner.train_step(mine)
            losses.append(
                [float(result.loss), float(result.accuracy), float(result.positive_probability.mean()), *std.values()]
            )
        torch.save({"losses": torch.tensor(losses), "state": learner.state()}, out.with_suffix(f".{ranks.rank}.pt"))


def clips_of(recipe, keys) -> Batch:  # type: ignore[no-untyped-def]
    """The clips of each item: functions of the item and the epoch alone."""
    clip, windows = recipe.clip, len(recipe.composition.clips)
    videos, audios = [], []
    for epoch, item in keys:
        generator = torch.Generator().manual_seed(1000 * epoch + item)
        shape = (windows, recipe.model.video.channels, clip.frames, clip.height, clip.width)
        videos.append(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator))
        audios.append(3000 * torch.randn(windows, clip.samples, generator=generator))
    items = torch.tensor([item for _, item in keys])
    return Batch(items, items, torch.stack(videos), torch.stack(audios), None, None, keys[0][0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
