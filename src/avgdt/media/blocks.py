"""Decoded blocks of samples, laid on the sample grid of the presentation timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

JITTER_SECONDS = 0.005  # time stamps may stray this far before they mean a gap; a lost packet is longer

_FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@dataclass(frozen=True)
class Block:
    """A decoded block of mono sound."""

    stamp: int | None
    """Presentation time stamp of its first sample, where there is one."""
    samples: NDArray[np.float32]
    """(samples,) float32 on the int16 scale."""

    @classmethod
    def of(cls, frame: AudioFrame, rate: int) -> Block:
        """The mean of a frame's channels at ``rate``."""
        name = frame.format.name.removesuffix("p")
        values = frame.to_ndarray()
        if not frame.format.is_planar:
            values = values.reshape(frame.samples, -1).T
        mean = values.mean(axis=0, dtype=np.float64) if len(values) > 1 else values[0].astype(np.float64)
        if name == "u8":
            mean = mean - 128.0
        if frame.sample_rate != rate:  # a change of rate in mid-stream, as in spliced broadcasts
            places = np.arange(round(len(mean) * rate / frame.sample_rate)) * frame.sample_rate / rate
            mean = np.interp(places, np.arange(len(mean)), mean)
        return cls(frame.pts, (mean * (32768.0 / _FULL_SCALE[name])).astype(np.float32))

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class Grid:
    """Where a stream's blocks lie on the grid whose sample 0 is the timeline's zero."""

    rate: int
    """Samples per second."""
    tick: float
    """Seconds of one time stamp unit."""
    zero: float
    """Container time of sample 0."""
    head: tuple[int, int] | None
    """Time stamp and samples of the stream's first block, where stamps are coarser than samples."""

    reservoir: bool = False
    """Whether blocks hold more or fewer samples than their stamps say, the rest being carried over (WMA)."""

    def index(self, stamp: int) -> float:
        """The place that a time stamp says."""
        return (stamp * self.tick - self.zero) * self.rate

    def lay(self, blocks: Iterable[Block], first: int, count: int) -> NDArray[np.float32]:
        """(count,) samples from grid index ``first`` on: the blocks where there are any, silence elsewhere."""
        result = np.zeros(count, dtype=np.float32)
        for run in self._runs(blocks, first + count):
            at = self._start(run)
            for block in run:
                begin, end = max(at, first), min(at + len(block), first + count)
                if begin < end:
                    result[begin - first : end - first] = block.samples[begin - at : end - at]
                at += len(block)
        return result

    def end(self, blocks: Iterable[Block]) -> int:
        """The grid index behind the last sample."""
        last: list[Block] = []
        for run in self._runs(blocks, None):
            last = run
        return self._start(last) + sum(len(block) for block in last)

    def _runs(self, blocks: Iterable[Block], until: int | None) -> Iterator[list[Block]]:
        """Blocks that follow each other without a gap, up to grid index ``until``.

        Sound cannot overlap itself: a block stamped before the end of the last one follows it all the same.
        """
        run: list[Block] = []
        following: float | None = None  # where the next block is expected; unknown until one has a stamp
        for block in blocks:
            stamped = following if block.stamp is None else self.index(block.stamp)
            slack = max(JITTER_SECONDS, 2 * self.tick) * self.rate + (len(block) if self.reservoir else 0)
            if stamped is not None and until is not None and stamped > until + slack:
                break
            if stamped is not None and following is not None and stamped - following > slack:
                yield run
                run, following = [], None
            following = stamped if following is None else following
            following = None if following is None else following + len(block)
            run.append(block)
        if run:
            yield run

    def _start(self, run: list[Block]) -> int:
        """The grid index of a run's first sample."""
        before = np.cumsum([0, *(len(block) for block in run[:-1])])
        starts = [self.index(b.stamp) - n for b, n in zip(run, before, strict=True) if b.stamp is not None]
        if self.head is None or not starts:
            return round(starts[0]) if starts else 0
        # Rounded stamps: the start that agrees with all of them, and, where all blocks are equally long, lies a
        # whole number of blocks behind the end of the stream's first one (of which codec delay may have cut a part).
        start = (min(starts) + max(starts)) / 2
        length = max(len(block) for block in run)
        unit = self.tick * self.rate
        if length > 2 * unit + 2 and all(len(block) == length for block in run[1:-1]):
            end, origin = start + len(run[0]), self.index(self.head[0]) + self.head[1]
            whole = origin + round((end - origin) / length) * length
            if abs(whole - end) <= unit + 1:
                start = whole - len(run[0])
        return round(start)
