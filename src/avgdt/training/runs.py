"""Reading a run back: its recipe and its networks, ready to be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from avgdt.data.store import Store, open_store
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision, resolve_device, resolve_precision
from avgdt.models.weights import load_weights, restore
from avgdt.recipes.config import from_plain
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import TrainingError
from avgdt.training.kept_checkpoints import Checkpoints
from avgdt.training.provenance import option, own_command
from avgdt.training.resuming import differences
from avgdt.transforms.views import ViewMaker


@dataclass(frozen=True)
class LoadedRun:
    """Networks in evaluation mode and all that is needed to show them recordings."""

    recipe: Recipe
    phi: Phi
    viewmaker: ViewMaker
    precision: Precision
    store: Store | None = None
    """Where the run has its decoded recordings."""

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.precision.device


def load_run(path: Path, device: str = "auto") -> LoadedRun:
    """The run of a folder or of its weights file; raise :class:`TrainingError` or ``WeightsError``."""
    file = path / "weights.safetensors" if path.is_dir() else path
    if not file.exists():
        remedy = "name a run folder or a weights file"
        if (path / "config.yaml").exists() and not Checkpoints(path).paths():
            remedy = "the run has no checkpoint yet: wait for it, or start it again with its recipe and --data"
        elif (path / "config.yaml").exists():
            remedy = f"finish the run: {own_command('pretrain', '--resume', *option('--out', path))}"
        raise TrainingError(f"{path}: no weights here; {remedy}")
    tensors, recipe = _read_weights(file)
    run = fresh_run(recipe, device=device)
    restore(run.phi, tensors, file)
    store = open_store(run.recipe.data, file.parent)
    known = store is not None and (store.folder.is_dir() or (file.parent / "config.yaml").is_file())
    return replace(run, store=store if known else None)


def starting_weights(path: Path, recipe: Recipe, said: Callable[[str], None]) -> Callable[[Phi], None]:
    """What puts the weights of ``path`` into the fresh networks of ``recipe``.

    ``path`` is a weights file or a run's folder: its weights, or those of its last checkpoint where it is not
    finished; ``said`` is told where a damaged one was skipped. Raises :class:`TrainingError`, which
    names the difference, where its networks are others.
    """
    file = path / "weights.safetensors" if path.is_dir() else path
    if path.is_dir() and not file.exists() and Checkpoints(path).paths():
        checkpoint = Checkpoints(path).load(said=said)
        file, tensors, before = checkpoint.path, checkpoint.state["phi"], checkpoint.recipe
    elif file.exists():
        tensors, before = _read_weights(file)
    else:
        raise TrainingError(f"{path}: no weights to start from; name a run folder or a weights file")
    other = differences(before.model, recipe.model)
    if set(before.composition.modalities) != set(recipe.composition.modalities):
        other["modalities"] = before.composition.modalities, recipe.composition.modalities
    if other:
        told = ", ".join(f"model.{name} ({old} there, {new} here)" for name, (old, new) in other.items())
        raise TrainingError(f"{file}: its networks are others: {told}; use the same model")
    return lambda phi: restore(phi, tensors, file)


def _read_weights(file: Path) -> tuple[dict[str, torch.Tensor], Recipe]:
    tensors, metadata = load_weights(file)
    try:
        recipe: Recipe = from_plain(Recipe, metadata.recipe)
    except RecipeError as error:
        raise TrainingError(f"{file}: its recipe cannot be read ({error}); use other weights") from None
    return tensors, recipe


def fresh_run(recipe: Recipe, seed: int | None = None, device: str = "auto") -> LoadedRun:
    """The same networks with random weights, drawn from ``seed`` (else the recipe's)."""
    seed = recipe.run.seed if seed is None else seed
    precision = resolve_precision(recipe.run.precision, resolve_device(device))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        phi = Phi(recipe.model, recipe.composition.modalities)
    phi.to(precision.device).eval().requires_grad_(False)
    set_memory_format(phi, recipe.run.channels_last, precision)
    viewmaker = ViewMaker(
        recipe.composition, recipe.clip, recipe.log_mel, recipe.model.video.channels, seed, recipe.picture
    )
    return LoadedRun(recipe, phi, viewmaker.to(precision.device), precision)
