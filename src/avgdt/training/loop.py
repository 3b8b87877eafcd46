"""The loop: batches in, a trained learner out; measured, checkpointed, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from avgdt.data.batch import Batch
from avgdt.errors import AvgdtError
from avgdt.files import WriteError
from avgdt.objective.nce import NCE
from avgdt.training.errors import Diverged, FolderGone, TooManyFailed, TrainingError
from avgdt.training.learner import Learner
from avgdt.training.signals import deferred

Metrics = dict[str, Any]


@dataclass
class Hooks:
    """What the loop calls; all optional."""

    log: Callable[[Metrics], None] = lambda metrics: None
    """Given one dict of metrics per step."""
    monitors: list[Callable[[Learner], Metrics | None]] = field(default_factory=list)
    """Called after each ``run.monitor_epochs`` epochs, and the lifetime of a key before; what they return is logged."""
    checkpoint: Callable[[Learner], None] = lambda learner: None
    """Called at intervals, at the end, and when the run ends early, with a state that has not diverged."""
    read: Callable[[Batch], int] = lambda batch: 0
    """Called with each batch before it is trained on; returns how many recordings fail by now."""


def train(learner: Learner, batches: Iterable[Batch], hooks: Hooks, monitored: int = 0) -> None:
    """Train on ``batches`` until they end; ``monitored`` is the last step after which the monitors were called.

    Whatever ends it early, the state is saved if it is whole, and the exception goes on its way: a signal (see
    ``avgdt.training.signals``), a disk that is full, a worker that was killed. Raises :class:`Diverged` for a loss that
    is not finite, or weights that have diverged when a checkpoint is due: the last good checkpoint stays.
    """
    whole = True  # whether the learner is between two steps, in a state that is worth keeping
    saved_step = learner.step or None  # a run that goes on has its checkpoint
    started = saved = time.monotonic()

    def save() -> None:
        nonlocal whole, saved_step
        with deferred():
            whole = False  # what cannot be saved is not tried twice
            if reason := learner.diverged():
                raise Diverged(f"step {learner.step}: {reason}")
            hooks.checkpoint(learner)
            whole, saved_step = True, learner.step

    try:
        _monitor(learner, hooks, monitored, 0.0)
        for batch, waited, elapsed in _timed(batches):
            failed = hooks.read(batch)
            _check_batch(batch, learner.step)
            with deferred():
                whole = False
                result, spread = learner.learn(batch.to(learner.precision.device))
                whole = True
                metrics = _metrics(learner, result, spread) | {"failed": failed}
                seconds = time.monotonic() - started
                hooks.log(metrics | elapsed(len(batch), waited) | {"seconds": seconds})
            _monitor(learner, hooks, learner.step - 1, seconds)
            if time.monotonic() - saved > learner.recipe.run.checkpoint_minutes * 60:
                save()
                saved = time.monotonic()
    except BaseException as error:
        if whole and saved_step != learner.step:
            _save_early(save, error)
        raise
    if saved_step != learner.step:
        save()


def _save_early(save: Callable[[], None], error: BaseException) -> None:
    try:
        save()
    except FolderGone:
        raise  # and where it was to be saved
    except AvgdtError as second:
        reason = str(error) or type(error).__name__
        kind = type(second) if isinstance(second, Diverged | WriteError) else TrainingError
        raise kind(f"{reason}; not saved: {second}") from error


def _check_batch(batch: Batch, step: int) -> None:
    if len(batch) < 2:
        reason = f", the last: {batch.failures[-1].reason}" if batch.failures else ""
        raise TooManyFailed(
            f"step {step}: of {len(batch.failures) + len(batch)} recordings fewer than two could be read{reason}"
        )


def _monitor(learner: Learner, hooks: Hooks, last: int, seconds: float) -> None:
    """Call the monitors if they are due, or the lifetime of a key before, and were not called since step ``last``."""
    step = learner.step
    if step > last and (learner.monitored(step) or learner.monitored(step + learner.key_lifetime)):
        for monitor in hooks.monitors:
            if told := monitor(learner):
                with deferred():  # the log has threads, whose locks an exception in the middle would leave taken
                    hooks.log({"step": step, "epoch": learner.epoch} | told | {"seconds": seconds})


def _metrics(learner: Learner, result: NCE, spread: dict[str, torch.Tensor]) -> Metrics:
    names = [view.name for view in learner.recipe.composition.views]
    accuracies = zip(result.pairs, result.pair_accuracy.tolist(), strict=True)
    return {
        "kind": "train",
        "step": learner.step,
        "epoch": learner.epoch,
        "loss": float(result.loss.detach()),
        "accuracy": float(result.accuracy),
        "accuracy_pairs": {f"{names[i]}->{names[j]}": accuracy for (i, j), accuracy in accuracies},
        "positive_probability": float(result.positive_probability.mean()),
        "lr": learner.optimiser.param_groups[0]["lr"],
        **({"key_age": float(learner.bank.age())} if learner.bank else {}),
    } | {f"spread_{modality}": float(value) for modality, value in spread.items()}


def _timed(batches: Iterable[Batch]) -> Iterator[tuple[Batch, float, Callable[[int, float], Metrics]]]:
    """Each batch, the seconds it was waited for, and a function that gives the speed once it is learnt from."""
    begun = time.monotonic()

    def elapsed(clips: int, waited: float) -> Metrics:
        seconds = max(time.monotonic() - begun, 1e-9)
        return {"clips_per_second": clips / seconds, "data_wait": waited / seconds}

    for batch in batches:
        yield batch, time.monotonic() - begun, elapsed
        begun = time.monotonic()
