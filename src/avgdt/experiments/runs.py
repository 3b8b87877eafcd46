"""Single run of an experiment: comparison with an earlier recipe, data checks, and training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from avgdt.data.manifest import read_manifest
from avgdt.data.selection import Selection
from avgdt.evaluation.splits import labelled_rows
from avgdt.experiments.errors import ExperimentError
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Run
from avgdt.training.checkpoints import Checkpoints
from avgdt.training.loop import Metrics
from avgdt.training.pretrain import Callbacks, Monitor, OnUnreadable, pretrain, resumed_recipe
from avgdt.training.resuming import differences

Monitors = Callable[[Recipe, Selection, OnUnreadable], list[Monitor]]
"""Function that returns the monitors of a training run."""
_NO_EFFECT = ("workers", "device", "checkpoint_minutes", "checkpoints", "log_every")
"""Names of the fields of ``Recipe.run`` that do not affect results."""


def identifying(recipe: Recipe) -> Recipe:
    """Return the recipe with defaults in all fields that do not affect results, for comparing the recipes of runs."""
    default = Run()
    run = replace(recipe.run, **{name: getattr(default, name) for name in _NO_EFFECT})
    return replace(recipe, title="", run=run, data=replace(recipe.data, store="auto", store_gigabytes=-1.0))


def check_same(before: Recipe, now: Recipe, folder: Path) -> None:
    """Raise :class:`ExperimentError` if two recipes differ in a field that affects results."""
    if changed := differences(identifying(before), identifying(now)):
        fields = ", ".join(f"{name} ({old} in the runs, {new} now)" for name, (old, new) in changed.items())
        raise ExperimentError(f"{folder}: its runs have another recipe: {fields}; use another --out")


def with_store(recipe: Recipe, out: Path) -> Recipe:
    """Return the recipe with a store of decoded recordings in ``out/store``, which all runs share.

    If ``data.store`` of the recipe is not ``auto``, the recipe is returned unchanged.
    """
    store = recipe.data.store if recipe.data.store != "auto" else str((out / "store").absolute())
    return replace(recipe, data=replace(recipe.data, store=store))


def check_data(data: Path, recipe: Recipe, label: str) -> None:
    """Check, before training, that the recipe and ``data`` are suitable for the evaluation.

    The recipe must have video and audio. ``data`` must be a manifest with the splits ``train`` and ``test`` and, if
    ``label`` is given, with a column of this name that contains classes. Raises :class:`ExperimentError` or the
    exception of the evaluation otherwise.
    """
    if set(recipe.composition.modalities) != {"video", "audio"}:
        raise ExperimentError("composition: the evaluation needs video and audio; choose a recipe with both")
    if not data.is_file():
        reason = "is a folder" if data.is_dir() else "does not exist"
        raise ExperimentError(f"{data}: {reason}; an experiment needs a manifest (csv) with the splits train and test")
    entries = read_manifest(data)
    if label:
        labelled_rows(entries, label, ("train", "test"), optional=("val",))
    splits = {entry.extra.get("split", "").strip() for entry in entries}
    if missing := {"train", "test"} - splits:
        raise ExperimentError(f"{data}: has no rows of split {' and '.join(sorted(missing))}; add a 'split' column")


def train(
    recipe: Recipe,
    data: Path,
    folder: Path,
    monitors: Monitors,
    on_metrics: Callable[[Metrics], None],
    on_message: Callable[[str], None],
) -> None:
    """Train the run in ``folder``, or resume it if it was interrupted; do nothing if it is complete."""
    if (folder / "weights.safetensors").exists():
        return
    resume = bool(Checkpoints(folder).paths())
    pretrain(
        resumed_recipe(folder) if resume else recipe,
        None if resume else data,
        folder,
        resume,
        Callbacks(monitors, on_metrics=on_metrics, on_message=on_message),
    )
