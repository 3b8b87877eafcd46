"""Initial weights of a new run, loaded from another run or a weights file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avgdt.models.phi import Phi
from avgdt.models.pretrained import read_weights
from avgdt.models.weights import restore
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints
from avgdt.training.errors import TrainingError
from avgdt.training.resuming import differences


def initial_weights(path: Path, recipe: Recipe, on_message: Callable[[str], None]) -> Callable[[Phi], None]:
    """Return a function that loads the weights of ``path`` into networks of ``recipe``.

    ``path`` is a weights file or a run folder. If the run is unfinished, its newest readable checkpoint is used, and
    ``on_message`` is called for each damaged checkpoint that is skipped. Raises :class:`TrainingError` if ``path``
    holds no weights, or if the networks differ; the message then names the fields that differ.
    """
    file = path / "weights.safetensors" if path.is_dir() else path
    if path.is_dir() and not file.exists() and Checkpoints(path).paths():
        checkpoint = Checkpoints(path).load(on_message=on_message)
        file, tensors, before = checkpoint.path, checkpoint.state["phi"], checkpoint.recipe
    elif file.exists():
        tensors, before = read_weights(file)
    else:
        raise TrainingError(f"{path}: contains no weights; name a run folder or a weights file")
    changed = differences(before.model, recipe.model)
    if set(before.composition.modalities) != set(recipe.composition.modalities):
        changed["modalities"] = before.composition.modalities, recipe.composition.modalities
    if changed:
        listed = ", ".join(
            f"model.{name} ({old} in the file, {new} in the recipe)" for name, (old, new) in changed.items()
        )
        raise TrainingError(f"{file}: its networks differ: {listed}; use the same model")
    return lambda phi: restore(phi, tensors, file)
