"""Waveforms by presentation time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, takewhile

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from avgdt.media.blocks import Block, Grid
from avgdt.media.decoding import Decoder
from avgdt.media.downmix import Downmix, choose, mono
from avgdt.media.errors import Corrupt, NoAudio, Unsupported
from avgdt.media.overlap import Blocks
from avgdt.media.preroll import Preroll
from avgdt.media.reading import Reading
from avgdt.media.resample import Plan
from avgdt.media.source import Source, tick

MARGIN_SECONDS = 0.05  # what the resampling filter draws on before the start, at any rate worth hearing
SAMPLED = (0.0, 0.25, 0.5, 0.75, 1.0)  # places of a stream at which a second tells what all of it is like


@dataclass(frozen=True)
class Waveform:
    """Mono sound of a time span."""

    samples: NDArray[np.float32]
    """(samples,) float32 on the int16 scale."""
    start: float
    """True time of the first sample in seconds."""
    end: float | None = None
    """When the stream ended, where that was before the last of the samples; what lies behind is silent."""


@dataclass(frozen=True)
class _Found:
    """Samples at the native rate."""

    plan: Plan
    samples: NDArray[np.float32]
    end: float | None
    """When the stream ended, if it was read so far."""
    damaged: list[tuple[float, float]]
    fresh: bool
    """Whether the decoder was a new one."""


class Sound:
    """The sound of a source: any span by time."""

    def __init__(self, source: Source, downmix: Downmix | None = None) -> None:
        self._source = source
        self._downmix = downmix
        self._disturbed = False  # whether the last read met damage, whose traces the decoder may keep

    @property
    def stream(self) -> AudioStream:
        """The stream; raises ``NoAudio``, ``Unsupported``."""
        if self._source.audio is None:
            raise NoAudio(self._source.path, "it has no sound")
        if self._source.audio.codec_context is None:
            raise Unsupported(self._source.path, "no decoder for its audio codec")
        return self._source.audio

    def waveform(self, start: float, seconds: float, sample_rate: int, zero: float) -> Waveform:
        """``round(seconds * sample_rate)`` samples from ``start`` on, silent where the recording has no sound."""
        found = self._without_noise(start, seconds, sample_rate, zero) or self._read(start, seconds, sample_rate, zero)
        for at, until in found.damaged:
            if start + zero < until and at < start + seconds + zero:
                raise Corrupt(self._source.path, f"its audio is damaged at {max(at - zero, 0.0):.1f} s")
        if not np.isfinite(found.samples).all():
            raise Corrupt(self._source.path, "its sound has values that are not numbers")
        ended = found.end if found.end is not None and found.end < start + seconds else None
        return Waveform(found.plan.apply(found.samples), found.plan.first / sample_rate, ended)

    def _without_noise(self, start: float, seconds: float, sample_rate: int, zero: float) -> _Found | None:
        """The samples without reading from the first packet, where noise that the decoder makes up is no part of them.

        Read twice by one decoder, its noise differs; what is the same twice is the same after any beginning.
        """
        preroll = self._preroll
        shorter = 3 * (seconds + 2 * preroll.seconds) < start + zero - (self._source.start("audio") or 0.0)
        if not preroll.noise or not shorter:
            return None
        once, again = (self._read(start, seconds, sample_rate, zero, exact=False) for _ in range(2))
        telling = not (again.fresh or once.damaged or again.damaged)
        return once if telling and np.array_equal(once.samples, again.samples) else None

    def _read(self, start: float, seconds: float, sample_rate: int, zero: float, exact: bool = True) -> _Found:
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        unit = float(tick(self.stream))
        # Where time stamps are coarser than samples, the first block tells where samples lie: read before the others.
        origin = self._head if unit * self.stream.sample_rate > 1 else None
        downmix = self.downmix
        reading, frames = self._open(start + zero - MARGIN_SECONDS, exact)
        head = next(frames, None)
        native = self.stream.sample_rate if head is None else head.sample_rate
        plan = Plan(native, sample_rate, first, count)
        grid = Grid(native, unit, zero, origin, self.stream.codec_context.name.startswith("wma"))
        blocks = (Block(frame, native, downmix) for frame in chain([] if head is None else [head], frames))
        samples, end = grid.lay(blocks, plan.begin, plan.needed)
        self._disturbed = bool(reading.damaged)
        return _Found(plan, samples, end / native if reading.ended else None, reading.damaged, reading.fresh)

    @property
    def downmix(self) -> Downmix:
        """How channels become one: as was said, else as a few places of the stream tell."""
        if self._downmix is None:
            single = self.stream.channels == 1
            self._downmix = "mean" if single else choose(frame for place in SAMPLED for frame in self._second(place))
        return self._downmix

    def silent(self) -> bool:
        """Whether no sample reaches 1 on the int16 scale, that is, whether all of it is digital silence."""
        sampled = (frame for place in SAMPLED for frame in self._second(place))
        if any(_sounds(frame, self.downmix) for frame in sampled):
            return False
        return not any(_sounds(frame, self.downmix) for frame in self._open(-math.inf)[1])

    def _second(self, place: float) -> Iterator[AudioFrame]:
        """About a second of sound at a place from 0, its start, to 1, its end."""
        begin = self._source.start("audio") or 0.0
        at = begin + place * max(self._source.end("audio") - 1.0 - begin, 0.0)
        base = float(tick(self.stream))
        _, frames = self._open(at, exact=False)
        return takewhile(lambda frame: frame.pts is None or frame.pts * base < at + 1.0, frames)

    def first_time(self) -> float:
        """Container time in seconds of the first sample that is presented, past any codec delay."""
        return float(self._head[0] * tick(self.stream))

    def last_end(self) -> float:
        """Container time in seconds at which the last sample that can be decoded ends."""
        grid = Grid(self.stream.sample_rate, float(tick(self.stream)), 0.0, None)
        _, frames = self._open(self._source.end("audio") - 1.0, exact=False)
        return grid.end(Block(frame, grid.rate) for frame in frames) / grid.rate

    @cached_property
    def _head(self) -> tuple[int, int]:
        """Time stamp and samples of the first block."""
        head = next(self._open(-math.inf)[1], None)
        return (0, 0) if head is None or head.pts is None else (head.pts, head.samples)

    @property
    def _preroll(self) -> Preroll:
        context = self.stream.codec_context
        return Preroll.of(context.name, context.profile, self._source.container.size)

    def _open(self, start: float, exact: bool = True) -> tuple[Reading, Iterator[AudioFrame]]:
        """Decoded blocks from one that begins at or before container time ``start`` on, where there is one.

        ``exact``: as they are when decoded from the first packet; raises ``Corrupt`` where nothing can be decoded.
        """
        preroll = self._preroll
        begin = self._source.start("audio") or 0.0
        backs = [preroll.seconds * 4**k for k in range(8)]
        if start - begin <= preroll.from_start and (exact or preroll.from_start == math.inf):
            backs = []
        if self._disturbed:
            self._source.rewind()
        for back in (*backs, math.inf):
            from_start = self._go_to(start - back)
            stream = self.stream  # going to the start opens anew
            base = tick(stream)
            packets = self._source.packets(stream)
            blocks = Blocks.of(stream)
            packets = packets if blocks is None else blocks.counted(packets)
            reading = Reading(Decoder(self._source.path, stream), float(base), self._source, preroll.memory)
            reading.fresh = from_start
            frames = reading.frames(_from_last_key(packets, (start - back) / base))
            head = next(frames, None)
            enough = head is not None and head.pts is not None and head.pts * base <= start - preroll.seconds / 2
            if head is not None and (from_start or enough):
                return reading, chain([head], frames)
        reading.decoder.check()
        return reading, iter(())

    def _go_to(self, seconds: float) -> bool:
        """Seek to a container time; True when that meant the very start."""
        stream = self.stream
        base = tick(stream)
        begin = stream.start_time or 0
        if stream.duration is not None:
            seconds = min(seconds, float((begin + stream.duration) * base) - self._preroll.seconds)
        if seconds > float(begin * base) and self._source.seek(stream, int(seconds / base)):
            return False
        self._source.rewind()
        return True


def _sounds(frame: AudioFrame, downmix: Downmix) -> bool:
    return bool(np.abs(mono(frame, downmix)).max(initial=0.0) >= 1.0)


def _from_last_key(packets: Iterator[Packet[AudioStream]], tick: float) -> Iterator[Packet[AudioStream]]:
    """The packets from the last one before ``tick`` where decoding can start."""
    held: list[Packet[AudioStream]] = []
    for packet in packets:
        if packet.pts is None or packet.pts > tick:
            yield from held
            yield packet
            yield from packets
            return
        if packet.is_keyframe:
            held.clear()
        held.append(packet)
    yield from held
