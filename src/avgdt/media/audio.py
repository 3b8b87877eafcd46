"""Reader of waveforms by presentation time."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise, takewhile
from typing import NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from avgdt.media.audio_decoding import AudioDecoding, from_last_key
from avgdt.media.container import Container, tick
from avgdt.media.decoder import Decoder
from avgdt.media.downmix import Downmix, Levels, audible
from avgdt.media.errors import Corrupt, NoAudio, Unsupported
from avgdt.media.resample import Resampling
from avgdt.media.sample_grid import AudioBlock, SampleGrid
from avgdt.media.seek import Preroll, VorbisBlocks

SEGMENT_SECONDS = 2.0
"""Length of the segments that are decoded separately if a stream is not read from its start, in seconds."""
LONGEST_SECONDS = 600.0
"""Maximum time from the start of a stream up to which its blocks are placed on the sample grid jointly, in seconds."""
SAMPLED = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Relative positions in a stream at which one second is decoded to measure the levels of its channels."""


@dataclass(frozen=True)
class Waveform:
    """The mono waveform of a time span."""

    samples: NDArray[np.float32]
    """(samples,) float32: mono samples on the int16 scale."""
    start: float
    """Time of the first sample on the timeline of the recording, in seconds."""
    end: float | None = None
    """Time at which the stream ends, in seconds, if it ends before the last sample; later samples are zero."""


class FirstBlock(NamedTuple):
    """Properties of the first block of samples of an audio stream."""

    stamp: int
    """Time stamp of the block; 0 if it has none."""
    samples: int
    """Number of samples of the block; 0 if it has no time stamp."""
    rate: int
    """Sample rate of the block, in Hz."""


class _Piece(NamedTuple):
    """Samples at the native sample rate that were decoded in one pass."""

    samples: NDArray[np.float32]
    """(samples,) float32: mono samples on the int16 scale."""
    rate: int
    """Sample rate of the first block, in Hz."""
    end: int | None
    """Grid index after the last sample of the stream, if the pass reached the end of the stream."""
    damaged: list[tuple[float, float]]
    """Damaged spans as pairs of start and end, in seconds of container time."""


class AudioReader:
    """Reader of the waveform of any time span of a container."""

    def __init__(self, container: Container, downmix: Downmix | None = None) -> None:
        self._container = container
        self._downmix = downmix
        self._disturbed = False  # whether a read found damage, which may affect the state of the decoder

    @property
    def stream(self) -> AudioStream:
        """Audio stream of the container; raises ``NoAudio`` if there is none, ``Unsupported`` if no decoder exists."""
        if self._container.audio is None:
            raise NoAudio(self._container.path, "it has no audio")
        if self._container.audio.codec_context is None:
            raise Unsupported(self._container.path, "no decoder for its audio codec")
        return self._container.audio

    def waveform(self, start: float, seconds: float, sample_rate: int, zero: float) -> Waveform:
        """Return ``round(seconds * sample_rate)`` samples from ``start`` on; samples outside the stream are zero.

        ``zero`` is the container time at which the timeline of the recording begins, in seconds. The value of a sample
        depends only on its position, not on the requested span; see :class:`avgdt.media.seek.Preroll`. Raises
        ``Corrupt`` if the audio is damaged in the span.
        """
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        resampling = Resampling(self.stream.sample_rate, sample_rate, first, count)
        self._container.check_known("audio", start + seconds + zero, zero)
        pieces = self._pieces(resampling, zero)
        # Some AAC streams have twice the sample rate given in their header.
        if pieces[0].rate != resampling.native and self._first_block.rate != resampling.native:
            resampling = replace(resampling, native=self._first_block.rate)
            pieces = self._pieces(resampling, zero)
        for at, until in (span for piece in pieces for span in piece.damaged):
            if start + zero < until and at < start + seconds + zero:
                raise Corrupt(self._container.path, f"its audio is damaged at {max(at - zero, 0.0):.1f} s")
        samples = np.concatenate([piece.samples for piece in pieces])
        if not np.isfinite(samples).all():
            raise Corrupt(self._container.path, "its audio has samples that are not finite numbers")
        end = next((piece.end / resampling.native for piece in pieces if piece.end is not None), math.inf)
        return Waveform(resampling.apply(samples), first / sample_rate, end if end < start + seconds else None)

    def _pieces(self, resampling: Resampling, zero: float) -> list[_Piece]:
        """Decode the native samples that a resampling needs, in pieces that are decoded independently."""
        unit = float(tick(self.stream))
        # If time stamps are coarser than samples, the first block determines the positions of the samples.
        origin = (self._first_block.stamp, self._first_block.samples) if unit * self.stream.sample_rate > 1 else None
        grid = SampleGrid(resampling.native, unit, zero, origin, self.stream.codec_context.name.startswith("wma"))
        begin, end = resampling.begin, resampling.begin + resampling.needed
        cuts = self._cuts(grid, end)
        bounds = [begin, *(cut for cut in cuts if cut > begin), end]
        # The downmix is determined by decoding, so it must be known before a new decoder is created.
        self.downmix  # noqa: B018
        return [
            self._piece(grid, first, last, max((cut for cut in cuts if cut <= first), default=None))
            for first, last in pairwise(bounds)
        ]

    def _cuts(self, grid: SampleGrid, end: int) -> range:
        """Return the grid indices up to ``end`` at which an independent decoding pass starts."""
        edge = self._preroll.from_start
        if edge == math.inf or (edge == -math.inf and grid.head is None):
            return range(0)
        first = max(edge, 0.0) + (self._container.start("audio") or 0.0) - grid.zero
        return range(round(first * grid.rate), end, round(SEGMENT_SECONDS * grid.rate))

    def _piece(self, grid: SampleGrid, begin: int, end: int, cut: int | None) -> _Piece:
        """Decode the grid samples ``begin`` to ``end``, starting at ``cut`` (``None``: at the first packet)."""
        forgets = self._preroll.from_start == -math.inf
        if cut is not None and not forgets:
            self._container.reopen()  # a new decoder has no state from earlier reads
        at = begin if cut is None else cut
        reading, frames = self._open(at / grid.rate + grid.zero, exact=cut is None or forgets)
        head = next(frames, None)
        blocks = reading.blocks(chain([] if head is None else [head], frames), grid.rate, self.downmix)
        samples, last = grid.lay(blocks, at, self._until(grid, end, cut) - at)
        self._disturbed = self._disturbed or bool(reading.damaged)
        rate = grid.rate if head is None else head.sample_rate
        return _Piece(samples[begin - at : end - at], rate, last if reading.ended else None, reading.damaged)

    def _until(self, grid: SampleGrid, end: int, cut: int | None) -> int:
        """Return the grid index up to which blocks are read for samples up to ``end``.

        If time stamps are coarser than samples, all blocks of a segment are read, to place their samples jointly.
        """
        if grid.head is None:
            return end
        if cut is not None:
            return cut + round(SEGMENT_SECONDS * grid.rate)
        if self._preroll.from_start == math.inf:
            whole = min(self._container.end("audio") - grid.zero, LONGEST_SECONDS)
            return max(round(whole * grid.rate), end)
        return max(self._cuts(grid, sys.maxsize).start, end)

    @property
    def downmix(self) -> Downmix:
        """Downmix to mono: the one set by the caller, else the one chosen from the levels of the channels."""
        if self._downmix is None:
            self._downmix = "mean" if self.stream.channels == 1 else self._levels.downmix
        return self._downmix

    @cached_property
    def _levels(self) -> Levels:
        """Levels at a few positions of the stream, or of the whole stream if those do not determine the downmix."""
        sampled = Levels(self._sampled())
        return sampled if sampled.conclusive else Levels(self._open(-math.inf)[1])

    def silent(self) -> bool:
        """Return whether all samples are digital silence: their absolute values are below 1 on the int16 scale."""
        if self.stream.channels > 1:
            return self._levels.silent
        return not any(map(audible, self._sampled())) and not any(map(audible, self._open(-math.inf)[1]))

    def _sampled(self) -> Iterator[AudioFrame]:
        """Decode about one second of audio at each position of ``SAMPLED``."""
        return (frame for position in SAMPLED for frame in self._second(position))

    def _second(self, position: float) -> Iterator[AudioFrame]:
        """Decode about one second of audio at a relative position, from 0 (start of the stream) to 1 (end)."""
        begin = self._container.start("audio") or 0.0
        at = begin + position * max(self._container.end("audio") - 1.0 - begin, 0.0)
        base = float(tick(self.stream))
        _, frames = self._open(at, exact=False)
        return takewhile(lambda frame: frame.pts is None or frame.pts * base < at + 1.0, frames)

    def first_time(self) -> float:
        """Return the container time of the first presented sample, after any codec delay, in seconds."""
        return float(self._first_block.stamp * tick(self.stream))

    def last_end(self) -> float:
        """Return the container time at which the last decodable sample ends, in seconds."""
        grid = SampleGrid(self.stream.sample_rate, float(tick(self.stream)), 0.0, None)
        _, frames = self._open(self._container.end("audio") - 1.0, exact=False)
        return grid.end(AudioBlock(frame, grid.rate) for frame in frames) / grid.rate

    @cached_property
    def _first_block(self) -> FirstBlock:
        """First block of samples of the audio stream."""
        head = next(self._open(-math.inf)[1], None)
        if head is None:
            return FirstBlock(0, 0, self.stream.sample_rate)
        return FirstBlock(head.pts or 0, 0 if head.pts is None else head.samples, head.sample_rate)

    @property
    def _preroll(self) -> Preroll:
        return Preroll.of(self.stream.codec_context.name, self._container.demuxer.size)

    def _open(self, start: float, exact: bool = True) -> tuple[AudioDecoding, Iterator[AudioFrame]]:
        """Start a decoding pass at or before container time ``start``, if possible; return the pass and its frames.

        With ``exact``, the samples equal those of decoding from the first packet. Raises ``Corrupt`` if nothing can be
        decoded.
        """
        preroll = self._preroll
        begin = self._container.start("audio") or 0.0
        backs = [preroll.seconds * 4**k for k in range(8)]
        if start - begin <= preroll.from_start and (exact or preroll.from_start == math.inf):
            backs = []
        if self._disturbed:
            self._container.rewind()
        for back in (*backs, math.inf):
            from_start = self._go_to(start - back)
            stream = self.stream  # the stream object is new if the container was reopened
            base = tick(stream)
            packets = self._container.packets(stream)
            blocks = VorbisBlocks.of(stream)
            packets = packets if blocks is None else blocks.restamp(packets)
            reading = AudioDecoding(Decoder(self._container.path, stream), float(base), self._container, preroll.memory)
            frames = reading.frames(from_last_key(packets, (start - back) / base))
            head = next(frames, None)
            enough = head is not None and head.pts is not None and head.pts * base <= start - preroll.seconds / 2
            if head is not None and (from_start or enough):
                return reading, chain([head], frames)
        reading.decoder.check()
        return reading, iter(())

    def _go_to(self, seconds: float) -> bool:
        """Seek to a container time, in seconds; return whether reading starts at the first packet."""
        stream = self.stream
        base = tick(stream)
        begin = stream.start_time or 0
        if stream.duration is not None:
            seconds = min(seconds, float((begin + stream.duration) * base) - self._preroll.seconds)
        if seconds > float(begin * base) and self._container.seek(stream, int(seconds / base)):
            return False
        self._container.rewind()
        return True
