"""The training loop, which takes the training steps and calls hooks for logs, monitors and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch

from avgdt.data.batch import Batch
from avgdt.errors import AvgdtError
from avgdt.files import WriteError
from avgdt.objective.nce import NCE
from avgdt.training.errors import Diverged, FolderGone, TooManyFailed, TrainingError
from avgdt.training.failures import ReadResult
from avgdt.training.learner import Learner
from avgdt.training.metrics import RunningMeans
from avgdt.training.signals import Stopped, deferred, requested
from avgdt.training.step import train_step

Metrics = dict[str, Any]


@dataclass
class Hooks:
    """Functions that the training loop calls; all are optional."""

    log: Callable[[Metrics], None] = lambda metrics: None
    """Function called with the mean metrics of every ``run.log_every`` steps, and with the metrics of each monitor."""
    monitors: list[Callable[[Learner], Metrics | None]] = field(default_factory=list)
    """Functions called every ``run.monitor_epochs`` epochs, and one key lifetime before each of these times; their
    metrics are logged."""
    checkpoint: Callable[[Learner], None] = lambda learner: None
    """Function that saves the state. It is called at intervals, at the end, and if the run ends early, unless the state
    has diverged."""
    on_read: Callable[[ReadResult], int] = lambda result: 0
    """Function called with the result of reading each batch norm group; returns the number of unreadable recordings so
    far."""


def train(learner: Learner, steps: Iterable[Sequence[Batch]], hooks: Hooks, monitored: int = 0) -> None:
    """Train on ``steps``, each of which holds the batch norm groups of this rank.

    Every rank calls this function; ranks other than 0 pass ``Hooks()``. ``monitored`` is the last step after which the
    monitors were called. All ranks stop at the same point between two steps. If an exception ends the loop early, for
    example because of a signal, a full disk or a killed worker, the state is saved, unless a step was interrupted after
    it had changed the state. Raises :class:`Diverged` if the loss is not finite, or if the weights have diverged when a
    checkpoint is due; earlier checkpoints remain.
    """
    between_steps = True  # the state of the learner can be saved
    saved_step = learner.step or None  # the state of a resumed run is already saved
    started = saved = time.monotonic()
    log = _Log(learner, hooks, started)

    def save() -> None:
        nonlocal between_steps, saved_step
        with deferred():
            between_steps = False  # so that a failed attempt is not repeated when the exception ends the loop
            log.write()
            if reason := learner.diverged():
                raise Diverged(f"step {learner.step}: {reason}")
            hooks.checkpoint(learner)
            between_steps, saved_step = True, learner.step

    # With several ranks, a signal is deferred until _agree has informed every rank.
    with deferred() if learner.ranks.size > 1 else nullcontext():
        try:
            _monitor(learner, hooks, monitored, started)
            for groups, waited in log.timed(steps):
                results = _agree(learner, groups)
                failed = [hooks.on_read(result) for result in results][-1]
                _check_batch([results] if learner.groups == 1 else [[result] for result in results], learner.step)
                with deferred():
                    between_steps = False
                    moved = [group.to(learner.precision.device) for group in groups]
                    log.add(
                        sum(len(result.read_indices) for result in results), waited, failed, *train_step(learner, moved)
                    )
                    between_steps = True
                    if learner.step % learner.recipe.run.log_every == 0:
                        log.write()
                _monitor(learner, hooks, learner.step - 1, started)
                if time.monotonic() - saved > learner.recipe.run.checkpoint_minutes * 60:
                    save()
                    saved = time.monotonic()
        except BaseException as error:
            if (between_steps or learner.unchanged) and saved_step != learner.step:
                _save_early(save, error)
            if isinstance(error, Stopped):
                learner.ranks.wait()  # until rank 0 has saved the state
            raise
        if saved_step != learner.step:
            save()


def _save_early(save: Callable[[], None], error: BaseException) -> None:
    try:
        save()
    except FolderGone:
        raise  # the checkpoint cannot be saved either
    except AvgdtError as second:
        reason = str(error) or type(error).__name__
        kind = type(second) if isinstance(second, Diverged | WriteError) else TrainingError
        raise kind(f"{reason}; not saved: {second}") from error


def _agree(learner: Learner, groups: Sequence[Batch]) -> list[ReadResult]:
    """Return the read results of the groups of all ranks; raise :class:`Stopped` on every rank if any received a
    signal."""
    every = learner.ranks.gather_objects((requested(), [ReadResult.of(group) for group in groups]))
    if learner.ranks.size > 1 and (number := max(number for number, _ in every)):
        raise Stopped(number)
    return [result for _, results in every for result in results]


def _check_batch(groups: Sequence[Sequence[ReadResult]], step: int) -> None:
    for results in groups:
        read = sum(len(result.read_indices) for result in results)
        failures = [failure for result in results for failure in result.failures]
        if read < 2:
            reason = f"; the last failure: {failures[-1].reason}" if failures else ""
            raise TooManyFailed(
                f"step {step}: fewer than two of the {len(failures) + read} recordings of a batch norm group could be "
                f"read{reason}"
            )


def _monitor(learner: Learner, hooks: Hooks, last: int, started: float) -> None:
    """Call the monitors if they are due now or one key lifetime later, and have not been called since step ``last``."""
    step = learner.step
    if step > last and (learner.monitored(step) or learner.monitored(step + learner.key_lifetime)):
        for monitor in hooks.monitors:
            if metrics := monitor(learner):
                seconds = time.monotonic() - started
                with deferred():  # an exception within TensorBoard would not release the locks of its threads
                    hooks.log({"step": step, "epoch": learner.epoch} | metrics | {"seconds": seconds})


class _Log:
    """Accumulator for the metrics of training steps, which logs their means."""

    def __init__(self, learner: Learner, hooks: Hooks, started: float) -> None:
        self._learner, self._hooks, self._started = learner, hooks, started
        self._means = RunningMeans()
        self._clips, self._seconds, self._waited, self._failed = 0, 0.0, 0.0, 0
        self._begun = started
        """Start time of the current step, by ``time.monotonic``."""

    def timed(self, batches: Iterable[Sequence[Batch]]) -> Iterator[tuple[Sequence[Batch], float]]:
        """Yield the groups of each step, and the time in seconds for which the loop waited for them."""
        self._begun = time.monotonic()
        for batch in batches:
            yield batch, time.monotonic() - self._begun
            self._begun = time.monotonic()

    def add(self, clips: int, waited: float, failed: int, result: NCE, std: dict[str, torch.Tensor]) -> None:
        """Add the metrics of the step that has just been taken."""
        learner = self._learner
        names = [view.name for view in learner.recipe.composition.views]
        values = {"loss": result.loss, "accuracy": result.accuracy}
        for (i, j), accuracy in zip(result.pairs, result.pair_accuracy.unbind(), strict=True):
            values[f"accuracy_pairs/{names[i]}->{names[j]}"] = accuracy
        values["positive_probability"] = result.positive_probability.mean()
        values["gradient_norm"] = learner.gradient_norm
        if learner.bank:
            values["key_age"] = learner.bank.age()
        self._means.add(values | {f"std_{modality}": value for modality, value in std.items()})
        self._clips, self._waited, self._failed = self._clips + clips, self._waited + waited, failed
        self._seconds += max(time.monotonic() - self._begun, 1e-9)

    def write(self) -> None:
        """Log the means since the last call; raise :class:`Diverged` if the loss is not finite."""
        learner, steps = self._learner, self._means.steps
        if not (means := self._means.read()):
            return
        if not math.isfinite(means["loss"]):
            which = f"step {learner.step - 1}" if steps == 1 else f"steps {learner.step - steps} to {learner.step - 1}"
            raise Diverged(f"{which}: the loss is {means['loss']}")
        pairs = {name.partition("/")[2]: value for name, value in means.items() if "/" in name}
        head = {"kind": "train", "step": learner.step, "epoch": learner.epoch}
        speed = {"clips_per_second": self._clips / self._seconds, "data_wait": self._waited / self._seconds}
        self._clips, self._seconds, self._waited = 0, 0.0, 0.0
        self._hooks.log(
            head
            | {name: value for name, value in means.items() if "/" not in name}
            | {"accuracy_pairs": pairs, "lr": learner.optimiser.param_groups[0]["lr"], "failed": self._failed}
            | speed
            | {"seconds": time.monotonic() - self._started}
        )
