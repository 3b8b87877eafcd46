"""Factors of a composition, in which the views of one recording differ."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from avgdt.composition.errors import require

__all__ = ["Modality", "Repeats", "Reversal", "Speed", "Strength", "TimeShift"]

ModalityName = Literal["video", "audio"]
Level = str | bool | int | float


@dataclass(frozen=True)
class Modality:
    """Modality of a view, video or audio (slicing, section 3.1 of the paper)."""

    levels: tuple[ModalityName, ...] = ("video", "audio")
    """Modalities of the views: video, audio, or both."""

    axis: ClassVar[str] = "modality"
    distinctive: ClassVar[bool] = False  # `Composition.partners` selects the modalities to compare

    def __post_init__(self) -> None:
        known = set(self.levels) <= {"video", "audio"}
        require(
            known and 0 < len(self.levels) == len(set(self.levels)),
            "Modality: levels must be video, audio, or both, without repetition",
        )

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view."""
        return str(level)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Factor that is either distinctive or invariant."""

    distinctive: bool = False
    """Whether views that differ in this factor repel each other."""
    invariant: bool = False
    """Whether views that differ in this factor may attract each other."""

    def __post_init__(self) -> None:
        require(
            self.distinctive != self.invariant,
            f"{type(self).__name__}: give exactly one of distinctive=True and invariant=True",
        )


@dataclass(frozen=True)
class TimeShift(_Choice):
    """Two time windows of the same recording, from which views are made."""

    at_least: float
    """Minimum distance in seconds between the starts of the two windows."""

    axis: ClassVar[str] = "window"
    levels: ClassVar[tuple[str, ...]] = ("now", "later")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.at_least > 0, f"TimeShift: at_least must be above 0 seconds, not {self.at_least:g}")

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view."""
        return str(level)


@dataclass(frozen=True)
class Reversal(_Choice):
    """Direction of time in a view; frames and waveform of reversed views are flipped before any augmentation."""

    axis: ClassVar[str] = "reversed"
    levels: ClassVar[tuple[bool, ...]] = (False, True)

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view; it is empty without reversal."""
        return "reversed" if level else ""


@dataclass(frozen=True)
class Speed(_Choice):
    """Playback speed of a view: at 2, a clip covers twice its duration in the recording; audio is an octave higher."""

    levels: tuple[float, ...] = (1.0, 2.0)
    """Playback speeds, of which the first is 1 (as recorded); 2 is twice as fast, and 0.5 half as fast."""

    axis: ClassVar[str] = "speed"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.levels[:1] == (1.0,), "Speed: the first level must be 1, the speed of evaluation")
        require(len(self.levels) == len(set(self.levels)), "Speed: levels must be distinct")
        require(all(0 < level < inf for level in self.levels), "Speed: all levels must be above 0")

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view; it is empty at speed 1."""
        return "" if level == 1 else f"{str(level).removesuffix('.0')}x"


@dataclass(frozen=True)
class Strength(_Choice):
    """Strength of the augmentations of a view: 1 applies them as configured, 0.5 at half strength, and 0 not at all."""

    levels: tuple[float, ...] = (0.0, 1.0)
    """Strengths of the augmentations, from 0 to 1."""

    axis: ClassVar[str] = "strength"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(len(self.levels) == len(set(self.levels)) > 0, "Strength: levels must be one or more distinct values")
        require(all(0 <= level <= 1 for level in self.levels), "Strength: all levels must be between 0 and 1")

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view; it is empty at strength 1."""
        return "" if level == 1 else f"strength {level:g}"


@dataclass(frozen=True)
class Repeats:
    """Several views that agree in all other factors, are augmented independently, and attract each other."""

    count: int
    """Number of repeated views."""

    axis: ClassVar[str] = "repeat"
    distinctive: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(self.count > 0, f"Repeats: count must be at least 1, not {self.count}")

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels of the factor: the indices of the repeated views, from 0."""
        return tuple(range(self.count))

    def label(self, level: Level) -> str:
        """Return the text for ``level`` in the name of a view."""
        return f"repeat {level}"


Factor = Modality | TimeShift | Reversal | Speed | Strength | Repeats
