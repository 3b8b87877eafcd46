"""When clips start: named time windows, drawn apart from decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from avgdt.composition.composition import Composition
from avgdt.data.span import Span
from avgdt.recipes.clip import Clip


@dataclass(frozen=True)
class Window:
    """Where one clip starts, in seconds on the recording's timeline."""

    video: float
    """Start of the picture."""
    audio: float | None = None
    """Start of the sound; None: with the first frame that is shown."""
    speed: float = 1.0
    """Seconds of the recording that one second of the clip plays."""


def draw(composition: Composition, clip: Clip, span: Span, seed: int, epoch: int, item: int) -> tuple[Window, ...]:
    """One window for each of ``composition.clips``: a pure function of (seed, epoch, item).

    Without jitter the draw is that of the item's first epoch, always. Two windows of different names start at
    least ``composition.shift`` seconds apart, and every such pair is possible. The speeds of one name start together.
    """
    time = composition.time
    random = np.random.default_rng([seed, epoch if time.jitter else 0, item, 0xC11B])
    room = max(span.seconds - clip.seconds * composition.fastest, 0.0)

    def starts() -> dict[str, float]:
        names = composition.windows
        places = [random.uniform(0, room)] if len(names) == 1 else _apart(room, composition.shift, random)
        return {name: span.start + place for name, place in zip(names, places, strict=True)}

    pictures = starts()
    sounds = {} if time.synchronous else starts()
    return tuple(Window(pictures[name], sounds.get(name), speed) for name, speed in composition.clips)


def _apart(room: float, least: float, random: np.random.Generator) -> tuple[float, float]:
    """Two starts in 0 to ``room``, uniform among the pairs at least ``least`` apart; 0 and ``least`` if there is less.

    The later clip then outlasts the recording, by what is tolerated of any clip.
    """
    room = max(room, least)
    first, second = np.sort(random.uniform(0, room - least, size=2))
    pair = (float(first), float(second + least))
    return pair if random.random() < 0.5 else pair[::-1]


def uniform(clip: Clip, span: Span, count: int) -> tuple[Window, ...]:
    """``count`` windows equally spaced over the span; one lies in its middle."""
    room = max(span.seconds - clip.seconds, 0.0)
    places = np.linspace(0, room, count) if count > 1 else [room / 2]
    return tuple(Window(span.start + float(place)) for place in places)


def every(span: Span, length: float, seconds: float) -> tuple[Window, ...]:
    """Windows of ``length`` seconds that start each ``seconds`` and lie inside the span; the first always."""
    count = 1 + max(0, math.floor((span.seconds - length) / seconds + 1e-6))
    return tuple(Window(span.start + place * seconds) for place in range(count))


def centred(clip: Clip, span: Span, start: float, end: float) -> Window:
    """The window whose middle is that of ``start`` to ``end``, moved inside the span where it would stick out."""
    latest = max(span.end - clip.seconds, span.start)
    return Window(float(np.clip((start + end - clip.seconds) / 2, span.start, latest)))
