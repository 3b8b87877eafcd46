"""ESC-50: environmental sounds of fifty classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avgdt.evaluation.protocols.esc import EscOptions


@dataclass(frozen=True)
class Esc50(EscOptions):
    """ESC-50: 2000 sounds of 50 classes in five folds, by frozen features of ten 2-second sub-clips."""

    protocol: ClassVar[str] = "esc50"
    esc10: ClassVar[bool] = False
