"""From labelled segments to guesses: training on some, asking about others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.digest import code_digest, digest, state_of_clips
from avgdt.evaluation.finetuning.ask import ask
from avgdt.evaluation.finetuning.kept import Kept
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.finetuning.train import train
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import Finetuning


@dataclass(frozen=True)
class Job:
    """One finetuning."""

    model: PretrainedModel
    """Networks from whose weights it begins; they stay as they are."""
    task: Task
    finetuning: Finetuning
    seed: int
    """Of the layer, the order, the windows and the augmentations."""
    folder: Path
    """Where its state is kept."""


@dataclass(frozen=True)
class Guessed:
    """What came out."""

    guesses: NDArray[np.int64]
    """(test,) class indices; -1 where the recording could not be read."""
    read: NDArray[np.bool_]
    """(train,) whether it was read at least once."""
    failures: dict[str, str]
    """File -> why it could not be read, in training or in testing, once or always."""
    loss: float
    """Mean cross-entropy of the last epoch of training."""


def finetune(job: Job, after: Callable[[], None] = lambda: None) -> Guessed:
    """Train a copy of the model's network with labels and ask it about the test segments; the last epoch counts.

    ``after`` is called after every epoch, when the state is also written, so that the same job goes on where it was
    interrupted, and returns at once what was found; where a test recording cannot be read, it is asked again.
    Raises :class:`EvaluationError` for a loss that is not finite.
    """
    model, task, finetuning = job.model, job.task, job.finetuning
    told = [to_plain(finetuning), job.seed, task.targets.tolist(), task.classes, code_digest()]
    told += [[plan.segment.start, plan.segment.end] for plan in task.train]
    told += [state_of_clips(task.entries, task.train), state_of_clips(task.entries, task.test)]
    kept = Kept(job.folder / f"{digest(model, (task.modality,), json.dumps(told))}.pt")
    state = kept.read()
    if {"guesses", "read", "failures", "loss"} <= state.keys():
        for _ in range(finetuning.schedule.epochs):
            after()
        guesses, read = np.array(state["guesses"], dtype=np.int64), np.array(state["read"], dtype=np.bool_)
        return Guessed(guesses, read, state["failures"], state["loss"])
    trained = train(model, task, finetuning, job.seed, kept, state, after)
    guesses, unread = ask(model, trained.network, task, finetuning)
    if not unread:
        found = {"guesses": guesses.tolist(), "read": trained.read.tolist()}
        kept.write({**found, "failures": trained.failures, "loss": trained.loss})
    return Guessed(guesses, trained.read, trained.failures | unread, trained.loss)
