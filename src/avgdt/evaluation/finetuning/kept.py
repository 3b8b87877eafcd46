"""What is left of a finetuning on disk: how far it is, and in the end what was guessed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avgdt.files import write_atomically


@dataclass(frozen=True)
class Kept:
    """One file, which may be deleted at any time."""

    path: Path
    """Its name tells everything that the finetuning depends on."""

    def write(self, content: dict[str, Any]) -> None:
        """Write it whole or not at all; raise ``WriteError`` where the disk is full."""
        write_atomically(self.path, lambda file: torch.save(content, file), remedy="free some space and try again")

    def read(self) -> dict[str, Any]:
        """What was written, on the CPU; empty where nothing is there or it cannot be read. Runs no code of the file."""
        if not self.path.exists():
            return {}
        try:
            with warnings.catch_warnings(action="ignore"):  # about strange files
                content = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # whatever a broken file makes of the reader: it is written anew
            return {}
        return content if isinstance(content, dict) else {}
