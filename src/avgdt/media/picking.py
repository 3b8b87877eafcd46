"""Which of the decoded frames is on screen at each asked time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from avgdt.media.approach import Approach
from avgdt.media.shown import Shown

Found = dict[int, tuple[int, NDArray[np.uint8]]]  # asked tick -> its frame's time stamp and pixels


def sure_of(way: Approach, skip: bool, moment: int) -> Callable[[Shown], bool]:
    """Whether a frame is surely the one on screen at ``moment`` and whole."""
    if skip:
        return lambda one: one.stamp == way.first
    return lambda one: way.from_start or (one.stamp <= moment and not one.frame.is_corrupt)


def pick(
    frames: Iterator[Shown],
    sure: Callable[[Shown], bool],
    limits: list[int],
    scale: Callable[[Shown], NDArray[np.uint8]],
) -> Found | None:
    """The frame on screen at each limit; nothing if the first of them is not surely the right one."""
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
        if new:
            pixels = scale(current)
        found[limit] = (current.stamp, pixels)
    return found


def spans_of(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Runs of ``limits`` without a hole larger than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i
