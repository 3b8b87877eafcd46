"""One view of a recording, and the rules for the start times of its windows."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.factors import ModalityName


@dataclass(frozen=True)
class View:
    """A view: one level per factor, the default for factors that the composition does not have."""

    modality: ModalityName
    """The modality of the view: video or audio."""
    window: str = "now"
    """The time window: now or later."""
    reversed: bool = False
    """Whether time runs backwards."""
    speed: float = 1.0
    """Playback speed: seconds of the recording per second of the view."""
    strength: float = 1.0
    """Strength of the augmentations, from 0 to 1."""
    repeat: int = 0
    """Number of the repeat, from 0."""
    name: str = field(default="", compare=False)
    """The levels as text, such as "video later reversed"."""

    @property
    def clip(self) -> tuple[str, float]:
        """The clip from which the view is made: its window and its speed."""
        return self.window, self.speed


@dataclass(frozen=True)
class Time:
    """Start times of the windows of a recording (temporal jittering and synchrony, section 4.1 of the paper)."""

    jitter: bool = True
    """Whether start times are drawn anew in every epoch; else they are fixed for each recording."""
    synchronous: bool = True
    """Whether audio and video start together; else their start times are drawn independently."""
