"""Initial weights of a new run, taken from another run or a weights file."""

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

    ``path`` is a weights file or a run, of whose unfinished training the last checkpoint is used; ``on_message`` is
    called for each damaged checkpoint skipped. Raises :class:`TrainingError` where the networks differ, naming how.
    """
    file = path / "weights.safetensors" if path.is_dir() else path
    if path.is_dir() and not file.exists() and Checkpoints(path).paths():
        checkpoint = Checkpoints(path).load(on_message=on_message)
        file, tensors, before = checkpoint.path, checkpoint.state["phi"], checkpoint.recipe
    elif file.exists():
        tensors, before = read_weights(file)
    else:
        raise TrainingError(f"{path}: no weights here; name a run folder or a weights file")
    other = differences(before.model, recipe.model)
    if set(before.composition.modalities) != set(recipe.composition.modalities):
        other["modalities"] = before.composition.modalities, recipe.composition.modalities
    if other:
        listed = ", ".join(f"model.{name} ({old} there, {new} here)" for name, (old, new) in other.items())
        raise TrainingError(f"{file}: its networks differ: {listed}; use the same model")
    return lambda phi: restore(phi, tensors, file)
