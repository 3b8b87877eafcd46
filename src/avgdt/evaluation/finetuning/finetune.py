"""From labelled segments to guesses: training on some, asking about others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Batches, Clips, training_batches
from avgdt.data.span import common_span
from avgdt.data.windows import Window
from avgdt.evaluation.digest import digest, state_of_clips
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import extract
from avgdt.evaluation.finetuning.kept import Kept
from avgdt.evaluation.finetuning.tuner import Tuned, Tuner
from avgdt.evaluation.plans import Plan, draw_window, span_of
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.models.phi import Phi
from avgdt.recipes.clip import Clip
from avgdt.recipes.config import to_plain
from avgdt.recipes.factors import ModalityName
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.pretrain import default_workers
from avgdt.transforms.draws import generators


@dataclass(frozen=True)
class Task:
    """What is to be told apart, and from what it is learnt."""

    entries: Sequence[Entry]
    """The recordings."""
    modality: ModalityName
    """The network that learns."""
    train: Sequence[Plan]
    """Learnt from; their windows are not used, as clips are drawn anew."""
    targets: NDArray[np.int64]
    """(train,) class indices."""
    test: Sequence[Plan]
    """Asked about, by the mean of their windows' class probabilities."""
    classes: int
    """How many there are."""


@dataclass(frozen=True)
class Guessed:
    """What came out."""

    guesses: NDArray[np.int64]
    """(test,) class indices; -1 where the recording could not be read."""
    failures: dict[str, str]
    """File -> why it could not be read, in training or in testing."""
    loss: float
    """Mean cross-entropy of the last epoch of training."""


@dataclass(frozen=True)
class _Drawn:
    """A window of each plan drawn anew at every pass (a class, to be sent to worker processes)."""

    task: Task
    clip: Clip
    seed: int

    def __call__(self, epoch: int, index: int) -> Sequence[Window]:
        plan = self.task.train[index]
        span = common_span(self.task.entries[plan.segment.entry], (self.task.modality,))
        return (draw_window(plan.segment, span, self.clip, np.random.default_rng([self.seed, epoch, index, 0xF17E])),)


def finetune(
    subject: Subject,
    task: Task,
    finetuning: Finetuning,
    seed: int,
    folder: Path,
    after: Callable[[], None] = lambda: None,
) -> Guessed:
    """Train a copy of the subject's network with labels and ask it about the test segments; the last epoch counts.

    Views are augmented as in the subject's recipe. ``after`` is called after every epoch, when the state is also
    written to ``folder``, so that the same call goes on where one was interrupted, and returns at once what was found.
    Raises :class:`EvaluationError` for a loss that is not finite.
    """
    told = [to_plain(finetuning), seed, task.targets.tolist(), task.classes]
    told += [state_of_clips(task.entries, task.train), state_of_clips(task.entries, task.test)]
    kept = Kept(folder / f"{digest(subject, (task.modality,), json.dumps(told))}.pt")
    state = kept.read()
    if "guesses" in state:
        for _ in range(finetuning.schedule.epochs):
            after()
        return Guessed(np.array(state["guesses"], dtype=np.int64), state["failures"], state["loss"])
    network, failures, loss = _train(subject, task, finetuning, seed, kept, state, after)
    guesses, unread = _ask(subject, network, task)
    failures |= unread
    kept.write({"guesses": guesses.tolist(), "failures": failures, "loss": loss})
    return Guessed(guesses, failures, loss)


def _train(
    subject: Subject,
    task: Task,
    finetuning: Finetuning,
    seed: int,
    kept: Kept,
    state: dict[str, object],
    after: Callable[[], None],
) -> tuple[Tuned, dict[str, str], float]:
    recipe, device = subject.recipe, subject.precision.device
    passes = finetuning.schedule.epochs * finetuning.clips
    batches = Batches(len(task.train), min(finetuning.batch, len(task.train)), passes, seed)
    steps_per_epoch = batches.steps_per_epoch * finetuning.clips
    tuner = Tuner(subject, task.modality, task.classes, finetuning, steps_per_epoch, seed)
    failures, losses = dict[str, str](), list[float]()
    if state:
        tuner.load_state(state["tuner"])  # type: ignore[arg-type]
        failures = dict(state["failures"])  # type: ignore[call-overload]
        for _ in range(tuner.step // steps_per_epoch):
            after()
    reader = ClipReader(recipe.clip, (task.modality,), grey=recipe.model.video.channels == 1)
    entries = [task.entries[plan.segment.entry] for plan in task.train]
    clips = Clips(entries, reader, _Drawn(task, span_of(recipe.clip, (task.modality,)), seed))
    targets = torch.from_numpy(task.targets)
    loader = training_batches(
        clips, replace(batches, first_step=tuner.step), default_workers(recipe.run.workers), device.type == "cuda"
    )
    for batch in loader:
        failures |= {str(entries[failure.recording].path): failure.reason for failure in batch.failures}
        if len(batch) < 2:
            raise EvaluationError(f"data: of a batch of {batches.batch} recordings fewer than two could be read")
        batch = batch.to(device)
        draws = generators(seed, batch.epoch, batch.recordings.tolist(), view=0)
        view = subject.viewmaker.augmented_view(batch, task.modality, draws)
        losses.append(tuner.learn(view, targets[batch.recordings.cpu()].to(device)))
        if not np.isfinite(losses[-1]):
            raise EvaluationError(f"finetuning: the loss is {losses[-1]} at step {tuner.step}; lower the learning rate")
        if tuner.step % steps_per_epoch == 0:
            kept.write({"tuner": tuner.state(), "failures": failures})
            after()
            losses = losses[-steps_per_epoch:]
    return tuner.network.eval(), failures, float(np.mean(losses)) if losses else float("nan")


def _ask(subject: Subject, network: Tuned, task: Task) -> tuple[NDArray[np.int64], dict[str, str]]:
    def probabilities(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        return network(view).float().softmax(dim=1)

    found = extract(
        (subject,),
        task.entries,
        task.test,
        (task.modality,),
        probabilities,
        workers=default_workers(subject.recipe.run.workers),
    )
    guesses = np.full(len(task.test), -1, dtype=np.int64)
    if found.kept:
        guesses[found.kept] = found.vectors[0][task.modality].argmax(axis=1)
    return guesses, {
        str(task.entries[task.test[place].segment.entry].path): reason for place, reason in found.failures.items()
    }
