"""Checks of a resumed run: which fields of the recipe may change, and whether the recordings are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any

from avgdt.data.manifest import Entry
from avgdt.recipes.config import to_plain
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Run
from avgdt.training.errors import OtherRecipe, TrainingError
from avgdt.training.provenance import option, own_command

_MAY_CHANGE = {
    *(f"run.{field.name}" for field in fields(Run) if field.name not in ("batch", "norm_group", "lr_batch", "seed")),
    *(
        "title",
        "data.failing_at_most",
        "data.store",
        "data.store_gigabytes",
        "optimiser.lr",
        "optimiser.weight_decay",
    ),
}
_LENGTH = {"schedule.epochs", "schedule.steps"}
"""Fields that set the length of the run; they may change if the learning rate of earlier steps does not depend on
them."""


def identity(entry: Entry) -> str:
    """Return the identity of a recording: the digest of its content, or else its file name, and its segment, if any."""
    segment = [entry.extra.get(name, "").strip() for name in ("start", "end")]
    return " ".join([entry.content or entry.path.name, *(segment if any(segment) else [])])


def check_recordings(before: Sequence[str], now: Sequence[Entry], source: Path, out: Path) -> None:
    """Raise :class:`TrainingError` if the recordings ``now`` differ from those of the checkpoint.

    ``before`` holds the identities of the checkpoint's recordings; ``source`` is the manifest or folder of the
    recordings ``now``.
    """
    if len(before) != len(now):
        raise TrainingError(f"{source}: contains {len(now)} training recordings; {recordings_remedy(len(before), out)}")
    for old, entry in zip(before, now, strict=True):
        if old != identity(entry):
            raise TrainingError(
                f"{out}: the recordings of its checkpoint differ from those of {source}: {entry.path} has "
                "changed; restore it, or start a new run with another --out"
            )


def recordings_remedy(before: int, out: Path) -> str:
    """Return the remedy if the number of recordings differs from ``before``, that of the checkpoint of ``out``."""
    return (
        f"the checkpoint of {out} has {before} training recordings: restore its manifest.csv, or start a new run in "
        "another --out"
    )


def check_recipe(before: Recipe, now: Recipe, out: Path) -> None:
    """Raise :class:`OtherRecipe` if the recipe has changed in fields that must not change when a run is resumed."""
    fixed = {name: values for name, values in differences(before, now).items() if name not in _MAY_CHANGE}
    if now.schedule.shape != "cosine":
        fixed = {name: values for name, values in fixed.items() if name not in _LENGTH}
    if fixed:
        changes = ", ".join(f"{name} ({old} in the run, {new} now)" for name, (old, new) in fixed.items())
        if now.schedule.shape == "cosine" and _LENGTH & fixed.keys():
            changes += "; with the shape cosine, the learning rate of earlier steps depends on the number of epochs"
        what = f"{out}: its recipe differs in fields that cannot change: {changes}"
        raise OtherRecipe(what, _remedy(fixed, out))


def check_length(now: Recipe, step: int, steps_per_epoch: int, out: Path) -> None:
    """Raise :class:`TrainingError` if a run resumed at ``step`` has passed the last epoch of the recipe."""
    if now.schedule.epochs * steps_per_epoch < step:
        raise TrainingError(
            f"schedule.epochs: {now.schedule.epochs} is less than the {step / steps_per_epoch:.4g} epochs that "
            f"{out} has already trained; use more"
        )


def _remedy(fixed: dict[str, tuple[Any, Any]], out: Path) -> str:
    """Return the remedy for a recipe that differs in fields that must not change.

    The remedy is a new run, initialised with the weights of this run if the networks are the same.
    """
    if any(name.split(".")[0] in ("model", "composition") for name in fixed):
        return "restore these fields, or start a new run with another --out"
    options = [
        word
        for name, (_, new) in fixed.items()
        for word in (f"--{name}", *map(str, new if isinstance(new, list) else [new]))
    ]
    return f"start a new run from its weights: {run_from(out, *options)}"


def run_from(out: Path, *options: str) -> str:
    """Return the command that starts a new run with the recipe, recordings and weights of the run in ``out``."""
    inputs = [*option("--config", out / "config.yaml"), *option("--from", out), *option("--data", out / "manifest.csv")]
    return own_command("pretrain", *inputs, *option("--out", free_name(out)), *options)


def free_name(out: Path) -> Path:
    """Return a path that does not exist, in the same folder as ``out`` and with a similar name."""
    return next(path for number in count(2) if not (path := out.with_name(f"{out.name}-{number}")).exists())


def differences(before: Any, now: Any) -> dict[str, tuple[Any, Any]]:
    """Return the dotted names of the fields in which two recipes (or parts of them) differ, each with both values."""
    old, new = _flat(to_plain(before)), _flat(to_plain(now))
    pairs = {name: (old.get(name, "none"), new.get(name, "none")) for name in old | new}
    return {name: values for name, values in pairs.items() if values[0] != values[1]}


def _flat(plain: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested plain data to dotted names and values; a list without dictionaries is one value."""
    if isinstance(plain, dict):
        pairs = [(str(name), value) for name, value in plain.items()]
    elif isinstance(plain, list) and any(isinstance(value, dict) for value in plain):
        pairs = [(str(index), value) for index, value in enumerate(plain)]
    else:
        return {prefix: plain}
    flat: dict[str, Any] = {}
    for name, value in pairs:
        flat |= _flat(value, f"{prefix}.{name}" if prefix else name)
    return flat
