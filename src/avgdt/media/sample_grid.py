"""Decoded blocks of samples, placed on the sample grid of the presentation timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from avgdt.media.downmix import Downmix, mono

JITTER_SECONDS = 0.005  # tolerance of time stamps; a larger difference is a gap, as any lost packet is longer
LEAP_SECONDS = 5.0  # gap after which one more second is read, as time stamps may return to earlier values
OVERLAP_SECONDS = 0.05  # time stamps that run back by more contradict the earlier ones


@dataclass(frozen=True)
class AudioBlock:
    """A decoded block of audio, downmixed to mono on access to its samples."""

    frame: AudioFrame
    """The decoder's output."""
    rate: int
    """Samples per second of the output; the frame's may differ, as in spliced broadcasts."""
    downmix: Downmix = "mean"
    """How its channels are downmixed to mono."""
    after_damage: bool = False
    """Whether samples may be missing before it: then its position follows from its own time stamp alone."""

    @property
    def stamp(self) -> int | None:
        """Presentation time stamp of its first sample, where there is one."""
        return self.frame.pts

    @property
    def samples(self) -> NDArray[np.float32]:
        """(samples,) float32 on the int16 scale."""
        values = mono(self.frame, self.downmix)
        if self.frame.sample_rate != self.rate:
            positions = np.arange(len(self)) * self.frame.sample_rate / self.rate
            values = np.interp(positions, np.arange(len(values)), values)
        return values.astype(np.float32)

    def __len__(self) -> int:
        frame = self.frame
        same = frame.sample_rate == self.rate
        return frame.samples if same else round(frame.samples * self.rate / frame.sample_rate)


@dataclass(frozen=True)
class SampleGrid:
    """Positions of a stream's blocks on the sample grid whose index 0 is the zero of the timeline."""

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
        """The grid index of a time stamp, with fraction."""
        return (stamp * self.tick - self.zero) * self.rate

    def lay(self, blocks: Iterable[AudioBlock], first: int, count: int) -> tuple[NDArray[np.float32], int]:
        """(count,) samples from grid index ``first`` on: the samples of blocks, and silence between them.

        Also returns the grid index after the last block.
        """
        result = np.zeros(count, dtype=np.float32)
        at = first
        for run in self._runs(blocks, first + count):
            at = self._start(run)
            for block in run:
                begin, end = max(at, first), min(at + len(block), first + count)
                if begin < end:
                    result[begin - first : end - first] = block.samples[begin - at : end - at]
                at += len(block)
        return result, at

    def end(self, blocks: Iterable[AudioBlock]) -> int:
        """The grid index after the last sample."""
        last: list[AudioBlock] = []
        for run in self._runs(blocks, None):
            last = run
        return self._start(last) + sum(len(block) for block in last)

    def _runs(self, blocks: Iterable[AudioBlock], until: int | None) -> Iterator[list[AudioBlock]]:
        """Runs of blocks that follow each other without a gap, up to grid index ``until``.

        Blocks cannot overlap: one stamped before the end of the last one still follows it. Where stamps run back, the
        later stamps are valid, so that a sample's position does not depend on where reading began.
        """
        run: list[AudioBlock] = []
        following: float | None = None  # where the next block is expected; unknown before the first stamp
        last: float | None = None  # where the last block was stamped
        last_stamped = False
        beyond = 0  # samples since a leap
        for block in blocks:
            stamped = following if block.stamp is None else self.index(block.stamp)
            slack = max(JITTER_SECONDS, 1.5 * self.tick) * self.rate + (len(block) if self.reservoir else 0)
            if stamped is not None and until is not None and stamped > until + slack:
                # A leap may come from damaged stamps, after which earlier values return.
                leap = following is not None and stamped - following > LEAP_SECONDS * self.rate
                beyond += len(block)
                if not leap or beyond > self.rate:
                    break
                continue
            beyond = 0
            expected = last if last_stamped else following  # the position of a block without a time stamp is estimated
            back = stamped is not None and expected is not None and stamped < expected - OVERLAP_SECONDS * self.rate
            late = stamped is not None and following is not None and stamped - following > slack
            torn = block.after_damage and block.stamp is not None and run
            if back or late or torn:
                yield run
                run, following = [], None
            following = stamped if following is None else following
            following = None if following is None else following + len(block)
            last, last_stamped = stamped, block.stamp is not None
            run.append(block)
        if run:
            yield run

    def _start(self, run: list[AudioBlock]) -> int:
        """The grid index of a run's first sample."""
        before = np.cumsum([0, *(len(block) for block in run[:-1])])
        starts = [self.index(b.stamp) - n for b, n in zip(run, before, strict=True) if b.stamp is not None]
        if self.head is None or not starts:
            return round(starts[0]) if starts else 0
        # Rounded stamps: the start that agrees with all of them, and, where all blocks are equally long, lies a
        # whole number of blocks behind the end of the stream's first one (of which codec delay may have cut a part).
        unit = self.tick * self.rate
        length = max(len(block) for block in run)
        even = all(len(block) == length for block in run[1:-1])
        # Blocks of a length that varies may be stamped in two ways, so that no majority is right.
        start = _agreed(starts, unit + 1) if even else (min(starts) + max(starts)) / 2
        if length > 2 * unit + 2 and even:
            end, origin = start + len(run[0]), self.index(self.head[0]) + self.head[1]
            whole = origin + round((end - origin) / length) * length
            if abs(whole - end) <= unit + 1:
                start = whole - len(run[0])
        return round(start)


def _agreed(starts: list[float], width: float) -> float:
    """The middle of the starts that lie within ``width`` of each other, if these are most of them; else of all."""
    ordered = np.sort(starts)
    counts = np.searchsorted(ordered, ordered + width, side="right") - np.arange(len(ordered))
    first = int(np.argmax(counts))
    last = first + int(counts[first]) - 1
    if 2 * counts[first] <= len(ordered):
        first, last = 0, -1
    return float(ordered[first] + ordered[last]) / 2
