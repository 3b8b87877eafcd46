"""Pretraining on a data set; all results are written to a run folder."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from avgdt.data.batch import Batch
from avgdt.data.dataset import Batches, Groups, training_steps
from avgdt.data.selection import Progress, Selection
from avgdt.files import write_atomically
from avgdt.models.fused_batch_norm import batch_norm_is_compiled
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.models.weights import save_weights
from avgdt.processes import default_workers
from avgdt.recipes.config import read_yaml, to_plain, to_yaml
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints, LoadedCheckpoint
from avgdt.training.errors import TrainingError
from avgdt.training.failures import Failures, ReadResult
from avgdt.training.initial_weights import initial_weights
from avgdt.training.learner import Learner
from avgdt.training.lock import check_unlocked, locked
from avgdt.training.loop import Hooks, Metrics, train
from avgdt.training.metrics import MetricsLog
from avgdt.training.optimiser import full_lr
from avgdt.training.provenance import write_session
from avgdt.training.ranks import Ranks, process_group
from avgdt.training.recordings import (
    check_batch,
    check_resumable,
    new_recordings,
    resumed_recordings,
    run_store,
    training_clips,
)
from avgdt.training.remedies import Remedies
from avgdt.training.resuming import check_length, check_recipe, identity
from avgdt.training.signals import handled

Monitor = Callable[[Learner], Metrics | None]
OnUnreadable = Callable[[Path, str], None]
"""Function called with the path of a recording that cannot be read, and the reason."""


@dataclass(frozen=True)
class Callbacks:
    """Functions that :func:`pretrain` calls on rank 0; all are optional."""

    monitors: Callable[[Recipe, Selection, OnUnreadable], list[Monitor]] = lambda recipe, collection, on_unreadable: []
    """Function that creates the monitors, which measure the networks during training."""
    on_scan: Progress | None = None
    """Function called with the number of inspected files and the total number of files."""
    on_start: Callable[[Learner, Selection, int], None] = lambda learner, collection, steps: None
    """Function called before the first step, with the learner, the recordings and the number of steps."""
    on_metrics: Callable[[Metrics], None] = lambda metrics: None
    """Function called with each line of metrics."""
    on_message: Callable[[str], None] = lambda line: None
    """Function called with each message for the user."""


def pretrain(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    resume: bool = False,
    callbacks: Callbacks = Callbacks(),
    weights: Path | None = None,
    step: int | None = None,
) -> Path:
    """Pretrain on the recordings of ``data``, write the run into the folder ``out``, and return its weights file.

    With ``resume``, the run in ``out`` continues from its newest readable checkpoint or from the checkpoint of
    ``step``; newer checkpoints are deleted. ``data`` is then None, or the new location of recordings that were moved.
    ``weights`` is a run folder or a weights file with the initial weights of a new run. If training ends early, the
    state is saved unless it has diverged. Raises subclasses of ``AvgdtError`` and, after a signal, ``Stopped`` (a
    ``KeyboardInterrupt``).
    """
    if resume and weights is not None:
        raise TrainingError("--from starts a new run: omit --resume or --from")
    if step is not None and not resume:
        raise TrainingError("--step: needs --resume, since a new run starts at step 0")
    if data is None and not resume:
        raise TrainingError("--data: missing; a new run needs a folder of recordings or a manifest (csv)")
    if recipe.data.store not in ("auto", "off"):  # so that a resumed run finds it from any working directory
        store = str(Path(recipe.data.store).absolute())
        recipe = replace(recipe, data=replace(recipe.data, store=store))
    workers = default_workers(recipe.run.workers)
    with handled(), process_group(recipe.run.device) as ranks:
        if ranks.rank:
            return _follow(ranks, out, Remedies(recipe, out, data, weights, workers, lambda: True))
        with locked(out) as folder_exists:
            remedies = Remedies(recipe, out, data, weights, workers, folder_exists)
            return _lead(ranks, recipe, data, out, resume, callbacks, weights, step, remedies)


def _lead(
    ranks: Ranks,
    recipe: Recipe,
    data: Path | None,
    out: Path,
    resume: bool,
    callbacks: Callbacks,
    weights: Path | None,
    step: int | None,
    remedies: Remedies,
) -> Path:
    """Pretrain as rank 0, which prepares the run and writes all files."""
    on_message, on_scan = callbacks.on_message, callbacks.on_scan
    start = None if weights is None else initial_weights(weights, recipe, on_message)
    checkpoints, before = Checkpoints(out, recipe.run.checkpoints), None
    if data is None or resume:
        check_resumable(out)
        before = checkpoints.load(step, on_message)
        check_recipe(before.recipe, recipe, out)
        collection = resumed_recordings(recipe, data, out, on_message, on_scan, before.recordings)
    else:
        collection = new_recordings(recipe, data, out, on_scan, on_message, remedies)
    check_batch(recipe, collection, data or out / "manifest.csv")
    precision = resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    order = Batches(len(collection.train), recipe.run.batch, recipe.schedule.epochs, recipe.run.seed)
    steps = order.steps_per_epoch * order.epochs
    recipe = in_proportion(recipe, len(collection.train), steps)
    learner = Learner(recipe, order.steps_per_epoch, precision, start, ranks)
    if before is not None:
        _restore(learner, before, out)
        if step is not None:
            checkpoints.drop_superseded()
    if exact := learner.check_convolutions():
        on_message(
            f"{precision.name}: this device computes {', '.join(exact)} incorrectly, so float32 is used for them"
        )
    learner.use_float32(exact)
    ranks.broadcast((recipe, collection, learner.state(), exact))
    callbacks.on_start(learner, collection, steps)
    if recipe.run.lr_batch not in (0, recipe.run.batch):
        on_message(
            f"learning rate {full_lr(recipe):g}: {recipe.optimiser.lr:g} for {recipe.run.lr_batch} recordings, scaled "
            f"to the batch of {recipe.run.batch}"
        )
    with remedies.appended(precision.name), ranks.guarded():
        if before is not None or recipe != remedies.recipe:
            write_atomically(
                out / "config.yaml", lambda file: file.write(to_yaml(recipe).encode()), "free some disk space"
            )
        if learner.step < steps:
            write_session(out, learner.step, precision)
        failures = Failures(collection.train, recipe.data.failing_at_most, out / "skipped.csv", on_message)
        monitors = callbacks.monitors(recipe, collection, failures.held_out)
        _train(learner, collection, order, out, failures, monitors, callbacks.on_metrics, checkpoints, remedies)
        if failures.count:
            number = "1 recording" if failures.count == 1 else f"{failures.count} recordings"
            on_message(f"{number} could not be read during training; see {out / 'skipped.csv'}")
        if failures.silent:
            on_message(f"{failures.silent} of {failures.clips} clips were digital silence")
        file = out / "weights.safetensors"
        save_weights(file, learner.phi, to_plain(recipe), "pretrain")
    return file


def _follow(ranks: Ranks, out: Path, remedies: Remedies) -> Path:
    """Pretrain as a rank other than 0, which processes its part of each batch and writes no files."""
    recipe, collection, state, exact = ranks.broadcast(None)
    precision = resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    order = Batches(len(collection.train), recipe.run.batch, recipe.schedule.epochs, recipe.run.seed)
    learner = Learner(recipe, order.steps_per_epoch, precision, ranks=ranks)
    learner.load_state(state)
    learner.use_float32(exact)
    with remedies.appended(precision.name), ranks.guarded(), closing(_steps(learner, collection, order, out)) as steps:
        train(learner, steps, Hooks())
    return out / "weights.safetensors"


def _steps(learner: Learner, collection: Selection, order: Batches, out: Path) -> Generator[list[Batch], None, None]:
    """Return a generator that yields the batch norm groups of this rank for each remaining step."""
    recipe = learner.recipe
    return training_steps(
        training_clips(recipe, collection, run_store(recipe, collection, out)),
        Groups(replace(order, first_step=learner.step), learner.parts, learner.portion),
        default_workers(recipe.run.workers),
        pin_memory=learner.precision.device.type == "cuda",
    )


def _train(
    learner: Learner,
    collection: Selection,
    order: Batches,
    out: Path,
    failures: Failures,
    monitors: list[Monitor],
    on_metrics: Callable[[Metrics], None],
    checkpoints: Checkpoints,
    remedies: Remedies,
) -> None:
    recipe, log = learner.recipe, MetricsLog(out, learner.step)
    names = [identity(entry) for entry in collection.train]

    def log_metrics(metrics: Metrics) -> None:
        log.write(metrics)
        on_metrics(metrics)

    def checkpoint(learner: Learner) -> None:
        remedies.check_run_folder()
        checkpoints.save(learner.state() | {"norm": learner.norm()}, recipe, names)

    def on_read(result: ReadResult) -> int:
        remedies.check_run_folder()
        failures.update(result)
        return failures.count

    hooks = Hooks(log=log_metrics, monitors=monitors, checkpoint=checkpoint, on_read=on_read)
    loader = _steps(learner, collection, order, out)
    monitored = max((line["step"] for line in log.earlier if line["kind"] != "train"), default=0)
    with closing(loader):
        try:
            train(learner, loader, hooks, monitored)
        except BaseException:
            log.abandon()
            raise
    log.close()


def _restore(learner: Learner, before: LoadedCheckpoint, out: Path) -> None:
    try:
        check_length(learner.recipe, before.step, learner.steps_per_epoch, out)
        learner.load_state(before.state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"{before.path}: does not fit the networks of this run ({reason}); restore it from a copy, or start "
            "a new run with another --out"
        ) from None


def resumed_recipe(out: Path) -> Recipe:
    """Return the recipe of the run in ``out``; raise :class:`TrainingError` if the run cannot be resumed."""
    check_unlocked(out)
    check_resumable(out)
    if (out / "config.yaml").exists():
        return read_yaml(out / "config.yaml")
    return Checkpoints(out).load().recipe


def describe_device(learner: Learner) -> str:
    """Describe the device, the precision and the number of threads, and state whether a C++ compiler is missing."""
    precision = learner.precision
    slow = precision.device.type == "cpu" and not batch_norm_is_compiled()
    hint = "; without a C++ compiler, batch norm is slower" if slow else ""
    return f"{precision.device}, {precision.name}, {torch.get_num_threads()} threads{hint}"
