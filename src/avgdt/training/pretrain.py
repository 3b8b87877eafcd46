"""A pretraining run from recordings to a run folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from avgdt.data.batch import Batch
from avgdt.data.dataset import Batches, training_batches
from avgdt.data.selection import Progress, Selection
from avgdt.files import write_atomically
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.models.weights import save_weights
from avgdt.recipes.config import read_yaml, to_plain, to_yaml
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import TrainingError
from avgdt.training.failures import Failures
from avgdt.training.kept_checkpoints import Checkpoints, Loaded
from avgdt.training.learner import Learner
from avgdt.training.lock import check_unlocked, locked
from avgdt.training.loop import Hooks, Metrics, train
from avgdt.training.metrics import MetricsLog
from avgdt.training.remedies import Remedies
from avgdt.training.resuming import check_length, check_recipe, identity
from avgdt.training.run_data import (
    check_batch,
    check_resumable,
    default_workers,
    new_recordings,
    resumed_recordings,
    run_store,
    training_clips,
)
from avgdt.training.signals import handled
from avgdt.training.sittings import write_sitting
from avgdt.training.starting import starting_weights

Monitor = Callable[[Learner], Metrics | None]
Unread = Callable[[Path, str], None]
"""Told a recording that cannot be read, and why."""


def pretrain(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    resume: bool = False,
    monitors: Callable[[Recipe, Selection, Unread], list[Monitor]] = lambda recipe, collection, unread: [],
    scanned: Progress | None = None,
    begun: Callable[[Learner, Selection, int], None] = lambda learner, collection, steps: None,
    logged: Callable[[Metrics], None] = lambda metrics: None,
    said: Callable[[str], None] = lambda line: None,
    weights: Path | None = None,
    step: int | None = None,
) -> Path:
    """Learn from the recordings of ``data`` into the folder ``out``; return the weights file.

    With ``resume`` the run in ``out`` goes on from its newest checkpoint that can be read, or from that of ``step``,
    whereupon newer ones are deleted; ``data`` is where its recordings lie now, None where they lie as before.
    ``weights`` is a run or a weights file that a new run starts from. ``monitors`` makes what watches the
    learning; ``begun`` is told the learner and all steps of the run, ``logged`` every metric, ``said`` what a person
    should know while it runs. Raises the errors of the project for what cannot be; after a signal ``Stopped`` (a
    ``KeyboardInterrupt``). Whatever ends the training early, its state is saved where it is sound.
    """
    if resume and weights is not None:
        raise TrainingError("--from starts a new run; leave out --resume, or --from")
    if step is not None and not resume:
        raise TrainingError("--step: goes with --resume; a new run starts at step 0")
    if data is None and not resume:
        raise TrainingError("--data: a new run needs its recordings, a folder or a manifest (csv)")
    if recipe.data.store not in ("auto", "off"):  # whatever the working directory will be
        store = str(Path(recipe.data.store).absolute())
        recipe = replace(recipe, data=replace(recipe.data, store=store))
    with handled(), locked(out) as is_there:
        remedies = Remedies(recipe, out, data, weights, default_workers(recipe.run.workers), is_there)
        return _pretrain(recipe, data, out, resume, monitors, scanned, begun, logged, said, weights, step, remedies)


def _pretrain(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    resume: bool,
    monitors: Callable[[Recipe, Selection, Unread], list[Monitor]],
    scanned: Progress | None,
    begun: Callable[[Learner, Selection, int], None],
    logged: Callable[[Metrics], None],
    said: Callable[[str], None],
    weights: Path | None,
    step: int | None,
    remedies: Remedies,
) -> Path:
    start = None if weights is None else starting_weights(weights, recipe, said)
    checkpoints, before = Checkpoints(out, recipe.run.checkpoints), None
    if data is None or resume:
        check_resumable(out)
        before = checkpoints.load(step, said)
        check_recipe(before.recipe, recipe, out)
        collection = resumed_recordings(recipe, data, out, said, scanned, before.recordings)
    else:
        collection = new_recordings(recipe, data, out, scanned, said, remedies)
    check_batch(recipe, collection, data or out / "manifest.csv")
    precision = resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    order = Batches(len(collection.train), recipe.run.batch, recipe.schedule.epochs, recipe.run.seed)
    steps = order.steps_per_epoch * order.epochs
    recipe = in_proportion(recipe, len(collection.train), steps)
    learner = Learner(recipe, order.steps_per_epoch, precision, start)
    if before is not None:
        _go_on(learner, before, out)
        if step is not None:
            checkpoints.drop_superseded()
    begun(learner, collection, steps)
    with remedies.named(precision.name):
        if before is not None or recipe != remedies.recipe:  # what was changed is what the run is from now on
            write_atomically(out / "config.yaml", lambda file: file.write(to_yaml(recipe).encode()), "free some space")
        if learner.step < steps:
            write_sitting(out, learner.step, precision)
        failures = Failures(collection.train, recipe.data.failing_at_most, out / "skipped.csv", said)
        watching = monitors(recipe, collection, failures.held_out)
        order = replace(order, first_step=learner.step)
        _train(learner, collection, order, out, failures, watching, logged, checkpoints, remedies)
        if failures.count:
            many = "1 recording" if failures.count == 1 else f"{failures.count} recordings"
            said(f"{many} failed while training; see {out / 'skipped.csv'}")
        if failures.silent:
            said(f"{failures.silent} of {failures.clips} clips were digital silence")
        file = out / "weights.safetensors"
        save_weights(file, learner.phi, to_plain(recipe), "pretrain")
    return file


def _train(
    learner: Learner,
    collection: Selection,
    order: Batches,
    out: Path,
    failures: Failures,
    monitors: list[Monitor],
    logged: Callable[[Metrics], None],
    checkpoints: Checkpoints,
    remedies: Remedies,
) -> None:
    recipe, log = learner.recipe, MetricsLog(out, learner.step)
    names = [identity(entry) for entry in collection.train]

    def both(metrics: Metrics) -> None:
        log.write(metrics)
        logged(metrics)

    def checkpoint(learner: Learner) -> None:
        remedies.check_there()
        checkpoints.save(learner.state() | {"norm": learner.norm()}, recipe, names)

    def read(batch: Batch) -> int:
        remedies.check_there()
        failures.update(batch)
        return failures.count

    hooks = Hooks(log=both, monitors=monitors, checkpoint=checkpoint, read=read)
    loader = training_batches(
        training_clips(recipe, collection, run_store(recipe, collection, out)),
        order,
        default_workers(recipe.run.workers),
        pin_memory=learner.precision.device.type == "cuda",
    )
    monitored = max((line["step"] for line in log.kept if line["kind"] != "train"), default=0)
    with closing(loader):
        try:
            train(learner, loader, hooks, monitored)
        except BaseException:
            log.abandon()
            raise
    log.close()


def _go_on(learner: Learner, before: Loaded, out: Path) -> None:
    try:
        check_length(learner.recipe, before.step, learner.steps_per_epoch, out)
        learner.load_state(before.state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"{before.path}: holds no state of this run's networks ({reason}); restore it from a copy, or start "
            "a new run in another --out"
        ) from None


def resumed_recipe(out: Path) -> Recipe:
    """The recipe of the run in ``out``; raise :class:`TrainingError` where there is none to go on with."""
    check_unlocked(out)
    check_resumable(out)
    if (out / "config.yaml").exists():
        return read_yaml(out / "config.yaml")
    return Checkpoints(out).load().recipe  # which has it too


def describe_device(learner: Learner) -> str:
    """Device, arithmetic and threads in a few words."""
    return f"{learner.precision.device}, {learner.precision.name}, {torch.get_num_threads()} threads"
