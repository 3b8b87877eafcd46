"""Finetuning: all epochs of learning from labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Batches, Clips, training_batches
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.kept import Kept
from avgdt.evaluation.finetuning.task import DrawnWindows, Task
from avgdt.evaluation.finetuning.tuner import Tuned, Tuner
from avgdt.evaluation.plans import span_of
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.recordings import default_workers
from avgdt.transforms.rng import view_generators


@dataclass(frozen=True)
class Trained:
    """What came out of the last epoch."""

    network: Tuned
    """In evaluation mode."""
    read: NDArray[np.bool_]
    """(train,) whether it was read at least once."""
    failures: dict[str, str]
    """File -> why it could not be read, once or always."""
    loss: float
    """Mean cross-entropy of the last epoch."""


def train(
    model: PretrainedModel,
    task: Task,
    finetuning: Finetuning,
    seed: int,
    kept: Kept,
    state: dict[str, Any],
    after: Callable[[], None],
) -> Trained:
    """Train a copy of the model's network with labels; resume from ``state`` unless it is empty.

    ``after`` is called, and ``kept`` written, after every epoch. Raises :class:`EvaluationError` for a loss that is not
    finite and for a batch of which fewer than two recordings can be read.
    """
    device = model.precision.device
    passes = finetuning.schedule.epochs * finetuning.clips
    batches = Batches(len(task.train), finetuning.batch, passes, seed, remainder="spread")
    steps_per_epoch = batches.steps_per_epoch * finetuning.clips
    tuner = Tuner(model, task.modality, task.classes, finetuning, steps_per_epoch, seed)
    read, failures, loss = np.zeros(len(task.train), dtype=np.bool_), dict[str, str](), 0.0
    if {"tuner", "read", "failures", "loss"} <= state.keys():
        tuner.load_state(state["tuner"])
        read, failures, loss = np.array(state["read"], dtype=np.bool_), dict(state["failures"]), state["loss"]
    for _ in range(tuner.step // steps_per_epoch):
        after()
    targets, losses = torch.from_numpy(task.targets), list[float]()
    entries = [task.entries[plan.segment.entry] for plan in task.train]
    batches = replace(batches, first_step=tuner.step)
    workers = default_workers(model.recipe.run.workers)
    clips = _clips(model, task, seed, passes)
    for batch in training_batches(clips, batches, workers, device.type == "cuda"):
        failures |= {str(entries[failure.item].path): failure.reason for failure in batch.failures}
        if len(batch) < 2:
            raise EvaluationError("data: fewer than two recordings of a batch could be read")
        read[batch.items.numpy()] = True
        batch = batch.to(device)
        draws = view_generators(seed, batch.epoch, batch.items.tolist(), view=0)
        view = model.views.augmented_view(batch, task.modality, draws)
        losses.append(tuner.learn(view, targets[batch.items.cpu()].to(device)))
        if not np.isfinite(losses[-1]):
            raise EvaluationError(f"finetuning: the loss is {losses[-1]} at step {tuner.step}; lower the learning rate")
        if tuner.step % steps_per_epoch == 0:
            loss = float(np.mean(losses))
            losses.clear()
            kept.write({"tuner": tuner.state(), "read": read.tolist(), "failures": failures, "loss": loss})
            after()
    return Trained(tuner.network.eval(), read, failures, loss)


def _clips(model: PretrainedModel, task: Task, seed: int, passes: int) -> Clips:
    recipe, store = model.recipe, model.store
    entries = [task.entries[plan.segment.entry] for plan in task.train]
    clip, channels = span_of(recipe.clip, (task.modality,)), recipe.model.video.channels
    if store is not None:
        video = task.modality == "video"
        store = store.planned(entries, clip, passes * clip.seconds, channels if video else 0, 0 if video else 1)
    reader = ClipReader(recipe.clip, (task.modality,), channels == 1, store)
    return Clips(entries, reader, DrawnWindows(task, clip, seed))
