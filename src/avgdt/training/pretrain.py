"""A pretraining run from recordings to a run folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from avgdt.data.batch import Failure
from avgdt.data.clips import ClipReader
from avgdt.data.collection import Collection, LeftOut, Progress, collect, find, read_left_out, write_left_out
from avgdt.data.dataset import Batches, Clips, training_batches
from avgdt.data.errors import DataError
from avgdt.data.rows import file_numbers
from avgdt.data.span import Span, clip_span
from avgdt.data.store import Store, open_store
from avgdt.data.windows import Window, draw
from avgdt.media.findings import Counts
from avgdt.media.manifest import read_manifest, write_manifest
from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.models.weights import save_weights
from avgdt.recipes.config import read_yaml, to_plain, write_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import load_checkpoint, save_checkpoint
from avgdt.training.errors import TrainingError
from avgdt.training.learner import Learner
from avgdt.training.loop import Hooks, Metrics, train
from avgdt.training.metrics import MetricsLog
from avgdt.training.sittings import write_sitting

Monitor = Callable[[Learner], Metrics | None]
Unread = Callable[[Path, str], None]
"""Told a recording that cannot be read, and why."""


def default_workers(workers: int) -> int:
    """``workers``, or where it is -1 one fewer than the processors that may be used, at most 8."""
    return workers if workers >= 0 else max(1, min(8, len(os.sched_getaffinity(0)) - 1))


def pretrain(
    recipe: Recipe,
    data: Path,
    out: Path,
    resume: bool = False,
    monitors: Callable[[Recipe, Collection, Unread], list[Monitor]] = lambda recipe, collection, unread: [],
    scanned: Progress | None = None,
    begun: Callable[[Learner, Collection, int], None] = lambda learner, collection, steps: None,
    logged: Callable[[Metrics], None] = lambda metrics: None,
    counted: Callable[[Counts], None] = lambda counts: None,
) -> Path:
    """Learn from the recordings of ``data`` into the folder ``out``; return the weights file.

    ``monitors`` makes what watches the learning; ``begun`` is told the learner and all steps of the run, ``logged``
    every metric, ``counted`` how many files are inspected. Raises the errors of the project for what cannot be;
    ``KeyboardInterrupt`` after saving the state.
    """
    folder = _prepare(out, recipe, resume)
    collection = _collect(recipe, data, folder, resume, scanned, counted)
    _check_batch(recipe, collection, data)
    precision = resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    order = Batches(len(collection.learn), recipe.run.batch, recipe.schedule.epochs, recipe.run.seed)
    learner = Learner(recipe, order.steps_per_epoch, precision)
    names = [str(entry.path) for entry in collection.learn]
    checkpoint = folder / "checkpoints" / "last.pt"
    if resume:
        state, before, recordings = load_checkpoint(checkpoint)
        _check_same(before, recipe, recordings, names, checkpoint)
        learner.load_state(state)
    loader = training_batches(
        training_clips(recipe, collection, run_store(recipe, collection, folder)),
        replace(order, first_step=learner.step),
        default_workers(recipe.run.workers),
        pin_memory=precision.device.type == "cuda",
    )
    begun(learner, collection, order.steps_per_epoch * order.epochs)
    write_sitting(folder, learner.step, precision)
    log = MetricsLog(folder, learner.step)
    skipped = folder / "skipped.csv"
    left_out = dict[Path, list[LeftOut]]()
    for row in read_left_out(skipped):
        left_out.setdefault(row.path, []).append(row)

    def unread(path: Path, reason: str) -> None:
        left_out[path] = [LeftOut(path, reason)]
        write_left_out([row for rows in left_out.values() for row in rows], skipped)

    def failed(failure: Failure) -> None:
        unread(collection.learn[failure.item].path, failure.reason)

    def both(metrics: Metrics) -> None:
        log.write(metrics)
        logged(metrics)

    hooks = Hooks(
        log=both,
        monitors=monitors(recipe, collection, unread),
        checkpoint=lambda learner: save_checkpoint(checkpoint, learner.state(), recipe, names),
        failed=failed,
    )
    try:
        if learner.step < order.steps_per_epoch * order.epochs:
            train(learner, loader, hooks)
    finally:
        log.close()
    weights = folder / "weights.safetensors"
    save_weights(weights, learner.phi, to_plain(recipe), "pretrain")
    return weights


def run_store(recipe: Recipe, collection: Collection, folder: Path) -> Store | None:
    """Where the run in ``folder`` decodes its recordings to, once; ``None`` where the recipe wants no store.

    Raises ``WriteError`` where its folder cannot be made.
    """
    store, clips = open_store(recipe.data, folder), recipe.composition.clips
    if store is None:
        return None
    modalities = recipe.composition.modalities
    return store.planned(
        collection.learn,
        recipe.clip,
        seconds=recipe.schedule.epochs * recipe.clip.seconds * sum(speed for _, speed in clips),
        channels=recipe.model.video.channels if "video" in modalities else 0,
        rates=len({speed for _, speed in clips}) if "audio" in modalities else 0,
    )


def training_clips(recipe: Recipe, collection: Collection, store: Store | None = None) -> Clips:
    """The dataset of a run: each item, a row of ``collection.learn``, is a pure function of (seed, epoch, item)."""
    composition = recipe.composition
    spans = [clip_span(entry, composition.modalities) for entry in collection.learn]
    return Clips(
        collection.learn,
        ClipReader(recipe.clip, composition.modalities, recipe.model.video.channels == 1, store),
        partial(_windows, recipe, spans),
        file_numbers(entry.path for entry in collection.learn),
    )


def _windows(recipe: Recipe, spans: list[Span], epoch: int, index: int) -> tuple[Window, ...]:
    return draw(recipe.composition, recipe.clip, spans[index], recipe.run.seed, epoch, index)


def _prepare(out: Path, recipe: Recipe, resume: bool) -> Path:
    config = out / "config.yaml"
    if resume:
        if not config.exists():
            raise TrainingError(f"{out}: no run to resume here; start it without --resume")
        return out
    if (out / "checkpoints" / "last.pt").exists():
        raise TrainingError(f"{out}: holds a run already; go on with --resume, or choose another --out")
    try:
        (out / "checkpoints").mkdir(parents=True, exist_ok=True)
        write_yaml(recipe, config)
    except OSError as error:
        raise TrainingError(f"{out}: cannot be written to ({error.strerror}); choose another --out") from None
    return out


def _collect(
    recipe: Recipe,
    data: Path,
    folder: Path,
    resume: bool,
    scanned: Progress | None,
    counted: Callable[[Counts], None],
) -> Collection:
    # What was scanned when the run began is what it goes on with, whatever was added to the folder since.
    manifest = folder / "manifest.csv"
    if resume and manifest.exists():
        entries = read_manifest(manifest)
    else:
        entries = find(data, default_workers(recipe.run.workers) + 1, scanned, counted=counted)
        write_manifest(entries, manifest)
    collection = collect(entries, recipe.data, recipe.composition, recipe.clip, data)
    if not (resume and (folder / "skipped.csv").exists()):
        write_left_out(collection.left_out, folder / "skipped.csv")
    return collection


def _check_batch(recipe: Recipe, collection: Collection, data: Path) -> None:
    if len(set(file_numbers(entry.path for entry in collection.learn))) < 2:
        raise DataError(
            f"{data}: gives one recording to learn from ({collection.learn[0].path.name}); recordings are compared "
            "with each other: give two or more"
        )
    if recipe.run.batch > len(collection.learn):
        raise DataError(
            f"run.batch: {recipe.run.batch} is more than the {len(collection.learn)} recordings of {data} that can be "
            f"learnt from; use --run.batch {len(collection.learn)} or less"
        )


def _check_same(before: Recipe, now: Recipe, recordings: list[str], names: list[str], path: Path) -> None:
    if recordings != names:
        raise TrainingError(f"{path}: was made with other recordings than those of this run's manifest.csv")
    # How it runs may change between two sittings; what it is may not.
    if replace(before, run=now.run) != now or (before.run.batch, before.run.seed) != (now.run.batch, now.run.seed):
        raise TrainingError(f"{path}: was made with another recipe; resume with the run's own config.yaml")


def resumed_recipe(out: Path) -> Recipe:
    """The recipe of the run in ``out``; raise :class:`TrainingError` where there is none."""
    if not (out / "config.yaml").exists():
        raise TrainingError(f"{out}: no run to resume here; start it without --resume")
    return read_yaml(out / "config.yaml")


def describe_device(learner: Learner) -> str:
    """Device, arithmetic and threads in a few words."""
    return f"{learner.precision.device}, {learner.precision.name}, {torch.get_num_threads()} threads"
