"""Which of the decoded frames is on screen at each asked time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgdt.media.approach import Approach
from avgdt.media.shown import Shown, Walk


@dataclass(frozen=True)
class Picked:
    """The frame on screen at an asked time."""

    stamp: int
    """Its time stamp."""
    pixels: NDArray[np.uint8]
    """(height, width, channels)."""
    end: int | None
    """Time stamp at which it disappears, where it is the last of the stream."""


Found = dict[int, Picked]  # by the asked tick


def sure_of(way: Approach, skip: bool, moment: int) -> Callable[[Shown], bool]:
    """Whether a frame is surely the one on screen at ``moment`` and whole, or cannot be had better."""
    if skip:
        return lambda one: one.stamp == way.first and (one.whole or one.settled)
    return lambda one: way.from_start or (one.stamp <= moment and (one.whole or one.settled))


def pick(
    frames: Walk, sure: Callable[[Shown], bool], limits: list[int], scale: Callable[[Shown], NDArray[np.uint8]]
) -> Found | None:
    """The frame on screen at each limit; nothing if the first of them is not surely the right one.

    Raises ``DamagedError`` where that frame is not whole, or is not the one that should be there.
    """
    found: Found = {}
    current: Shown | None = None
    following = next(frames, None)
    for limit in limits:
        new = False
        while following is not None and (current is None or following.stamp <= limit):
            current, new = following, True
            following = next(frames, None)
        if current is None or (not found and not sure(current)):
            return None
        frames.check(current, limit)
        if new:
            pixels = scale(current)
        found[limit] = Picked(current.stamp, pixels, current.end if following is None else None)
    return found


def spans_of(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Runs of ``limits`` without a hole larger than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i
