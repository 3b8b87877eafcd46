"""ESC-10: the ten classes of ESC-50 that are called so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avgdt.evaluation.protocols.esc import EscOptions


@dataclass(frozen=True)
class Esc10(EscOptions):
    """ESC-10: 400 sounds of 10 classes in five folds, by frozen features of ten 2-second sub-clips."""

    protocol: ClassVar[str] = "esc10"
    esc10: ClassVar[bool] = True
