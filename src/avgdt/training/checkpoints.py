"""Checkpoints: the whole training state in one file, written so that a crash leaves the last good one."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from avgdt.files import write_atomically
from avgdt.recipes.config import from_plain, to_plain
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import TrainingError


def save_checkpoint(path: Path, state: dict[str, Any], recipe: Recipe, recordings: list[str]) -> None:
    """Write ``state`` with the recipe and the names of the recordings, whose indices the banks hold."""
    content = {"state": state, "recipe": to_plain(recipe), "recordings": recordings}
    write_atomically(path, lambda file: torch.save(content, file))


def load_checkpoint(path: Path) -> tuple[dict[str, Any], Recipe, list[str]]:
    """The inverse, on the CPU; runs no code of the file.

    Raises :class:`TrainingError` where there is no checkpoint or it cannot be read.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content["state"], from_plain(Recipe, content["recipe"]), content["recordings"]
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such checkpoint; start the run without --resume") from None
    except (pickle.UnpicklingError, RuntimeError, KeyError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{path}: not a checkpoint of this program ({reason})") from None
