"""The loop: batches in, a learner that has learnt out; measured, checkpointed, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from avgdt.data.batch import Batch, Failure
from avgdt.objective.nce import NCE
from avgdt.training.errors import TrainingError
from avgdt.training.learner import Learner

Metrics = dict[str, Any]


@dataclass
class Hooks:
    """What the loop calls; all optional."""

    log: Callable[[Metrics], None] = lambda metrics: None
    """Given one dict of metrics per step."""
    monitors: list[Callable[[Learner], Metrics | None]] = field(default_factory=list)
    """Called after each ``run.monitor_epochs`` epochs; what they return is logged, where it is something."""
    checkpoint: Callable[[Learner], None] = lambda learner: None
    """Called at intervals, at the end, and when the run is interrupted."""
    failed: Callable[[Failure], None] = lambda failure: None
    """Called for each recording that could not be read."""


def train(learner: Learner, batches: Iterable[Batch], hooks: Hooks) -> None:
    """Learn from ``batches`` until they end.

    Raises :class:`TrainingError` for a loss that is not finite: the last good checkpoint stays. On Ctrl-C the state is
    saved before ``KeyboardInterrupt`` goes on its way.
    """
    run = learner.recipe.run
    started = saved = time.monotonic()
    monitor_every = run.monitor_epochs * learner.steps_per_epoch
    try:
        for batch, waited, elapsed in _timed(batches):
            for failure in batch.failures:
                hooks.failed(failure)
            if len(batch) < 2:
                raise TrainingError(
                    f"step {learner.step}: of {len(batch.failures) + len(batch)} recordings fewer than two could be "
                    "read; see skipped.csv"
                )
            result, spread = learner.learn(batch.to(learner.precision.device))
            if not torch.isfinite(result.loss):
                raise TrainingError(
                    f"step {learner.step}: the loss is {float(result.loss.detach())}; the last checkpoint is kept. "
                    "Lower --optimiser.rate, or use --run.precision fp32, and --resume"
                )
            metrics = _metrics(learner, result, spread)
            seconds = time.monotonic() - started
            hooks.log(metrics | elapsed(len(batch), waited) | {"seconds": seconds})
            if monitor_every and learner.step % monitor_every == 0:
                for monitor in hooks.monitors:
                    if told := monitor(learner):
                        hooks.log({"step": learner.step, "epoch": learner.epoch} | told | {"seconds": seconds})
            if time.monotonic() - saved > run.checkpoint_minutes * 60:
                hooks.checkpoint(learner)
                saved = time.monotonic()
    except KeyboardInterrupt:
        # A second Ctrl-C while saving is ignored: the file appears whole or not at all, and it takes a moment.
        with suppress(KeyboardInterrupt):
            hooks.checkpoint(learner)
        raise
    hooks.checkpoint(learner)


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
        "rate": learner.rate,
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
