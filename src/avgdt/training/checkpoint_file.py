"""Reading and writing of checkpoint files, which hold the complete training state and end with a checksum.

The file is the output of ``torch.save``, followed by a marker and the SHA-256 of all bytes before the marker.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import torch

from avgdt.errors import AvgdtError
from avgdt.files import write_atomically
from avgdt.recipes.config import from_plain, to_plain
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import DamagedCheckpoint, TrainingError

_MARK = b"\navgdt checkpoint, sha256 of all before this line: "
_TRAILER = len(_MARK) + 64  # 64 hexadecimal digits of the SHA-256


def save_checkpoint(
    path: Path,
    state: dict[str, Any],
    recipe: Recipe,
    recordings: list[str],
    replacing: Callable[[], object] = lambda: None,
) -> None:
    """Write a checkpoint to ``path``: the training ``state``, the recipe and the identities of the recordings.

    ``replacing`` is called after the data is on disk and before the file is renamed to ``path``. Raises
    :class:`TrainingError` if the state is not finite, and :class:`~avgdt.files.WriteError` if the file cannot be
    written; an existing file is then unchanged.
    """
    if name := not_finite(state):
        raise TrainingError(f"{path}: not written: {name} is not finite; the previous checkpoint remains")
    content = {"state": state, "recipe": to_plain(recipe), "recordings": recordings}

    def write(file: BinaryIO) -> None:
        hashing = _Hashing(file)
        torch.save(content, hashing)  # type: ignore[arg-type]  # torch.save only calls write and flush
        file.write(_MARK + hashing.sha.hexdigest().encode())

    write_atomically(path, write, "free some disk space", replacing, parents=False)


def load_checkpoint(path: Path) -> tuple[dict[str, Any], Recipe, list[str]]:
    """Load a checkpoint onto the CPU and return its state, its recipe and the identities of its recordings.

    No code in the file is executed. Raises :class:`TrainingError` if the file does not exist, and
    :class:`DamagedCheckpoint` if it is damaged, has an unexpected format, or holds a value that is not finite.
    """
    try:
        _check_digest(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise TypeError(f"a checkpoint must contain a dict, not a {type(content).__name__}")
        state, recordings = dict(content["state"]), [str(name) for name in content["recordings"]]
        recipe: Recipe = from_plain(Recipe, content["recipe"])
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such checkpoint; start the run without --resume") from None
    except (pickle.UnpicklingError, RuntimeError, LookupError, EOFError, OSError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedCheckpoint(f"{path}: not a checkpoint of this program ({reason})") from None
    except AvgdtError as error:
        raise DamagedCheckpoint(f"{path}: {error}") from None
    if name := not_finite(state):
        raise DamagedCheckpoint(f"{path}: {name} is not finite: the run had diverged")
    return state, recipe, recordings


def not_finite(state: object, name: str = "state") -> str:
    """Return the name of the first tensor, at any depth of ``state``, with a non-finite value; "" if there is none."""
    return next(_not_finite(state, name), "")


def _not_finite(value: object, name: str) -> Iterator[str]:
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            yield name
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _not_finite(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _not_finite(inner, f"{name}.{index}")


class _Hashing:
    """Writable file object that computes the SHA-256 of the bytes written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        self.sha.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _check_digest(path: Path) -> None:
    sha, size = hashlib.sha256(), path.stat().st_size - _TRAILER
    with path.open("rb") as file:
        if size > 0:
            file.seek(size)
        trailer = file.read(_TRAILER)
        if size <= 0 or not trailer.startswith(_MARK):
            raise TrainingError("no checksum at its end: truncated, or not a checkpoint of this version")
        file.seek(0)
        left = size
        while left and (block := file.read(min(left, 2**20))):
            sha.update(block)
            left -= len(block)
    if trailer[len(_MARK) :] != sha.hexdigest().encode():
        raise TrainingError("damaged: the checksum differs")
