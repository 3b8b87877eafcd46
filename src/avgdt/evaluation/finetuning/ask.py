"""What finetuned networks take recordings for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.evaluation.features import extract
from avgdt.evaluation.finetuning.shown import for_asking, spaced_crops
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.finetuning.tuner import Tuned
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.recordings import default_workers


def ask(
    model: PretrainedModel, network: Tuned, task: Task, finetuning: Finetuning
) -> tuple[NDArray[np.int64], dict[str, str]]:
    """The class of each test segment by the mean softmax over its clips, -1 where it cannot be read, and why."""
    size, count = model.recipe.composition.crop, finetuning.spatial_crops

    def probabilities(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        views = [view] if modality == "audio" or count == 1 or size is None else spaced_crops(view, size, count)
        return torch.stack([network(one).float().softmax(dim=1) for one in views]).mean(dim=0)

    workers = default_workers(model.recipe.run.workers)
    asked = for_asking(model, finetuning)
    found = extract((asked,), task.entries, task.test, (task.modality,), probabilities, workers=workers)
    guesses = np.full(len(task.test), -1, dtype=np.int64)
    if found.kept:
        guesses[found.kept] = found.vectors[0][task.modality].argmax(axis=1)
    return guesses, {
        str(task.entries[task.test[place].segment.entry].path): reason for place, reason in found.failures.items()
    }
