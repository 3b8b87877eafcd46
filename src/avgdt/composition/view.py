"""View of a recording, and rules for the start times of its windows."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.factors import ModalityName


@dataclass(frozen=True)
class View:
    """View of a recording, with one level per factor; factors outside the composition have their default level."""

    modality: ModalityName
    """Modality of the view: video or audio."""
    window: str = "now"
    """Time window of the view: now or later."""
    reversed: bool = False
    """Whether time runs backwards in the view."""
    speed: float = 1.0
    """Playback speed: seconds of the recording per second of the view."""
    strength: float = 1.0
    """Strength of the augmentations, from 0 to 1."""
    repeat: int = 0
    """Index of the view among repeated views, from 0."""
    name: str = field(default="", compare=False)
    """Name of the view, such as "video later reversed"."""

    @property
    def clip(self) -> tuple[str, float]:
        """Clip from which the view is made, as its window and speed."""
        return self.window, self.speed


@dataclass(frozen=True)
class Time:
    """Rules for the start times of windows (temporal jittering and synchrony, section 4.1 of the paper)."""

    jitter: bool = True
    """Whether new start times are drawn in every epoch; if not, they are fixed for each recording."""
    synchronous: bool = True
    """Whether audio and video start together; if not, their start times are drawn independently."""
