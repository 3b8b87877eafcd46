"""One view of a recording, and when the windows start that views look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.factors import ModalityName


@dataclass(frozen=True)
class View:
    """One choice per factor; a factor that a composition leaves out stands at its default."""

    modality: ModalityName
    """What the view takes of the recording."""
    window: str = "now"
    """The time window: now or later."""
    reversed: bool = False
    """Whether time runs backwards."""
    speed: float = 1.0
    """Seconds of the recording that one second of the view plays."""
    strength: float = 1.0
    """Share of the composition's augmentations that it gets."""
    repeat: int = 0
    """Which of several independent augmentations."""
    name: str = field(default="", compare=False)
    """The levels of the composition's factors in words, such as "video later reversed"."""

    @property
    def clip(self) -> tuple[str, float]:
        """What is read of the recording for it: the window, and the speed at which that is played."""
        return self.window, self.speed


@dataclass(frozen=True)
class Time:
    """When the windows of a recording start."""

    jitter: bool = True
    """Draw the start anew each epoch; else it is fixed for the recording."""
    synchronous: bool = True
    """Sound and picture start together; else each has its own draw."""
