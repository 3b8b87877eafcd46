"""The weights that a new run starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avgdt.models.phi import Phi
from avgdt.models.pretrained import read_weights
from avgdt.models.weights import restore
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import TrainingError
from avgdt.training.kept_checkpoints import Checkpoints
from avgdt.training.resuming import differences


def starting_weights(path: Path, recipe: Recipe, said: Callable[[str], None]) -> Callable[[Phi], None]:
    """A function that puts the weights of ``path`` into the fresh networks of ``recipe``.

    ``path`` is a weights file or a run's folder: its weights, or those of its last checkpoint where it is not
    finished; ``said`` is called where a damaged one was skipped. Raises :class:`TrainingError`, which names the
    difference, where its networks are others.
    """
    file = path / "weights.safetensors" if path.is_dir() else path
    if path.is_dir() and not file.exists() and Checkpoints(path).paths():
        checkpoint = Checkpoints(path).load(said=said)
        file, tensors, before = checkpoint.path, checkpoint.state["phi"], checkpoint.recipe
    elif file.exists():
        tensors, before = read_weights(file)
    else:
        raise TrainingError(f"{path}: no weights to start from; name a run folder or a weights file")
    other = differences(before.model, recipe.model)
    if set(before.composition.modalities) != set(recipe.composition.modalities):
        other["modalities"] = before.composition.modalities, recipe.composition.modalities
    if other:
        told = ", ".join(f"model.{name} ({old} there, {new} here)" for name, (old, new) in other.items())
        raise TrainingError(f"{file}: its networks are others: {told}; use the same model")
    return lambda phi: restore(phi, tensors, file)
