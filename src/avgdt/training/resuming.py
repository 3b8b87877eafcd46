"""Checks of a resumed run: which fields of the recipe may change, and that the recordings are the same."""

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
    *(f"run.{field.name}" for field in fields(Run) if field.name not in ("batch", "seed")),
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
"""May change too where the learning rate so far does not depend on them."""


def identity(entry: Entry) -> str:
    """Identity of a recording, independent of its path: digest of its content, and its segment."""
    segment = [entry.extra.get(name, "").strip() for name in ("start", "end")]
    return " ".join([entry.content or entry.path.name, *(segment if any(segment) else [])])


def check_recordings(before: Sequence[str], now: Sequence[Entry], source: Path, out: Path) -> None:
    """Raise :class:`TrainingError` unless ``now``, from ``source``, are those of the checkpoint, in the same order."""
    if len(before) != len(now):
        raise TrainingError(f"{source}: gives {len(now)} recordings; {not_those(len(before), out)}")
    for old, entry in zip(before, now, strict=True):
        if old != identity(entry):
            raise TrainingError(
                f"{out}: its checkpoint was made with other recordings than those of {source}: {entry.path} is "
                "not what it was; restore it, or start a new run in another --out"
            )


def not_those(before: int, out: Path) -> str:
    """What to do where a manifest does not give the recordings ``before`` of which the checkpoint was made."""
    return (
        f"the checkpoint of {out} was made with {before}: restore its manifest.csv, or start a new run in another --out"
    )


def check_recipe(before: Recipe, now: Recipe, out: Path) -> None:
    """Raise :class:`OtherRecipe` for changes of the recipe that a run cannot be resumed with."""
    fixed = {name: values for name, values in differences(before, now).items() if name not in _MAY_CHANGE}
    if now.schedule.shape != "cosine":
        fixed = {name: values for name, values in fixed.items() if name not in _LENGTH}
    if fixed:
        told = ", ".join(f"{name} ({old} there, {new} now)" for name, (old, new) in fixed.items())
        if now.schedule.shape == "cosine" and _LENGTH & fixed.keys():
            told += "; with the shape cosine the learning rate depends on the number of epochs from the start"
        what = f"{out}: was made with another recipe, which cannot change: {told}"
        raise OtherRecipe(what, _instead(fixed, out))


def check_length(now: Recipe, step: int, steps_per_epoch: int, out: Path) -> None:
    """Raise :class:`TrainingError` where the run, resumed at ``step``, has done more than the recipe's epochs."""
    if now.schedule.epochs * steps_per_epoch < step:
        raise TrainingError(
            f"schedule.epochs: {now.schedule.epochs} is less than the {step / steps_per_epoch:.4g} epochs that {out} "
            "has done; use more"
        )


def _instead(fixed: dict[str, tuple[Any, Any]], out: Path) -> str:
    """The remedy for refused changes: a new run, from the weights of this one where the networks are the same."""
    if any(name.split(".")[0] in ("model", "composition") for name in fixed):
        return "leave them as they were, or start a new run in another --out"
    options = [
        word
        for name, (_, new) in fixed.items()
        for word in (f"--{name}", *map(str, new if isinstance(new, list) else [new]))
    ]
    return f"a new run from its weights can: {run_from(out, *options)}"


def run_from(out: Path, *options: str) -> str:
    """The command of a new run, with the recipe, the recordings and the weights of the one in ``out``."""
    made = [*option("--config", out / "config.yaml"), *option("--from", out), *option("--data", out / "manifest.csv")]
    return own_command("pretrain", *made, *option("--out", free_name(out)), *options)


def free_name(out: Path) -> Path:
    """A folder beside ``out``, of a similar name, that is not there yet."""
    return next(path for number in count(2) if not (path := out.with_name(f"{out.name}-{number}")).exists())


def differences(before: Any, now: Any) -> dict[str, tuple[Any, Any]]:
    """The dotted fields in which two recipes, or parts of recipes, differ, each with both values."""
    old, new = _flat(to_plain(before)), _flat(to_plain(now))
    pairs = {name: (old.get(name, "none"), new.get(name, "none")) for name in old | new}
    return {name: values for name, values in pairs.items() if values[0] != values[1]}


def _flat(plain: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted names and values; a list that holds no dataclasses is one value."""
    if isinstance(plain, dict):
        pairs = [(str(name), value) for name, value in plain.items()]
    elif isinstance(plain, list) and any(isinstance(value, dict) for value in plain):
        pairs = [(str(place), value) for place, value in enumerate(plain)]
    else:
        return {prefix: plain}
    flat: dict[str, Any] = {}
    for name, value in pairs:
        flat |= _flat(value, f"{prefix}.{name}" if prefix else name)
    return flat
