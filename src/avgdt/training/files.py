"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from avgdt.training.errors import TrainingError


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], remedy: str = "free some space and --resume"
) -> None:
    """Write to a temporary file beside ``path``, flush it to the disk, rename; folders are made.

    A full disk or a crash leaves the file that was there before; what cannot be written raises :class:`TrainingError`,
    which ends with ``remedy``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        # torch.save reports a full disk as a RuntimeError of its own writer.
        with suppress(OSError):  # a folder of it may be a file
            temporary.unlink()
        raise TrainingError(f"{path}: could not be written ({error}); {remedy}") from error
