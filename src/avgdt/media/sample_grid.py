"""Placement of decoded blocks of samples on the sample grid of the presentation timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from avgdt.media.downmix import Downmix, downmix_to_mono

JITTER_SECONDS = 0.005
"""Tolerance of time stamps, in seconds; a larger difference is a gap, as every lost packet is longer than this."""
LEAP_SECONDS = 5.0  # gap in seconds after which one more second is read, as time stamps may return to earlier values
OVERLAP_SECONDS = 0.05  # decrease in seconds above which a time stamp contradicts the earlier time stamps


@dataclass(frozen=True)
class AudioBlock:
    """A decoded block of audio; accessing ``samples`` downmixes it to mono."""

    frame: AudioFrame
    """Frame that the decoder returned."""
    rate: int
    """Sample rate of ``samples``, in Hz; the sample rate of ``frame`` may differ, as in spliced broadcasts."""
    downmix: Downmix = "mean"
    """Downmix of the channels to mono."""
    after_damage: bool = False
    """Whether samples may be missing before the block. Its position is then determined by its own time stamp only."""

    @property
    def stamp(self) -> int | None:
        """Presentation time stamp of the first sample; ``None`` if it is unknown."""
        return self.frame.pts

    @property
    def samples(self) -> NDArray[np.float32]:
        """(samples,) float32: mono samples at ``rate``, on the int16 scale."""
        values = downmix_to_mono(self.frame, self.downmix)
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
    """Sample grid of a stream, whose index 0 is at time 0 of the recording, and the placement of blocks on it."""

    rate: int
    """Sample rate of the grid, in Hz."""
    tick: float
    """Duration of one time stamp unit, in seconds."""
    zero: float
    """Container time of sample 0, in seconds."""
    head: tuple[int, int] | None
    """Time stamp and number of samples of the first block; ``None`` unless time stamps are coarser than samples."""
    reservoir: bool = False
    """Whether blocks may have more or fewer samples than their time stamps indicate, as in WMA."""

    def index(self, stamp: int) -> float:
        """Return the grid index of a time stamp as a float, not rounded."""
        return (stamp * self.tick - self.zero) * self.rate

    def lay(self, blocks: Iterable[AudioBlock], first: int, count: int) -> tuple[NDArray[np.float32], int]:
        """Place blocks on the grid; return (count,) samples from ``first`` on, and the index after the last block.

        Samples that no block covers are zero.
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
        """Return the grid index after the last sample of ``blocks``."""
        last: list[AudioBlock] = []
        for run in self._runs(blocks, None):
            last = run
        return self._start(last) + sum(len(block) for block in last)

    def _runs(self, blocks: Iterable[AudioBlock], until: int | None) -> Iterator[list[AudioBlock]]:
        """Yield runs of blocks without gaps, up to grid index ``until``.

        Blocks cannot overlap: a block whose time stamp is before the end of the last block is placed directly after it.
        If time stamps decrease by more than ``OVERLAP_SECONDS``, the later time stamps are valid, so the position
        of a sample does not depend on where reading began.
        """
        run: list[AudioBlock] = []
        following: float | None = None  # expected grid index of the next block; unknown before the first time stamp
        last: float | None = None  # grid index of the last block by its time stamp
        last_stamped = False
        beyond = 0  # number of samples since a leap
        for block in blocks:
            stamped = following if block.stamp is None else self.index(block.stamp)
            slack = max(JITTER_SECONDS, 1.5 * self.tick) * self.rate + (len(block) if self.reservoir else 0)
            if stamped is not None and until is not None and stamped > until + slack:
                # A damaged time stamp may cause a leap, after which earlier values return.
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
        """Return the grid index of the first sample of a run of blocks."""
        before = np.cumsum([0, *(len(block) for block in run[:-1])])
        starts = [self.index(b.stamp) - n for b, n in zip(run, before, strict=True) if b.stamp is not None]
        if self.head is None or not starts:
            return round(starts[0]) if starts else 0
        # If time stamps are rounded, the start must agree with all of them. If all blocks are equally long, the end of
        # the first block of the run is also a whole number of blocks after the end of the first block of the stream,
        # which a codec delay may have shortened.
        unit = self.tick * self.rate
        length = max(len(block) for block in run)
        even = all(len(block) == length for block in run[1:-1])
        # Blocks of varying length may be stamped in two ways, so the majority may be wrong.
        start = _agreed(starts, unit + 1) if even else (min(starts) + max(starts)) / 2
        if length > 2 * unit + 2 and even:
            end, origin = start + len(run[0]), self.index(self.head[0]) + self.head[1]
            aligned = origin + round((end - origin) / length) * length
            if abs(aligned - end) <= unit + 1:
                start = aligned - len(run[0])
        return round(start)


def _agreed(starts: list[float], width: float) -> float:
    """Return the midpoint of the largest group of starts within ``width``, or of all starts if it is not a majority."""
    ordered = np.sort(starts)
    counts = np.searchsorted(ordered, ordered + width, side="right") - np.arange(len(ordered))
    first = int(np.argmax(counts))
    last = first + int(counts[first]) - 1
    if 2 * counts[first] <= len(ordered):
        first, last = 0, -1
    return float(ordered[first] + ordered[last]) / 2
