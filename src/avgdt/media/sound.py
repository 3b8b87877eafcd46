"""Waveforms by presentation time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from avgdt.media.blocks import Block, Grid
from avgdt.media.decoding import Decoder
from avgdt.media.errors import Corrupt, NoAudio, Unsupported
from avgdt.media.overlap import Blocks
from avgdt.media.resample import Plan
from avgdt.media.source import SEQUENTIAL_BYTES, Source, tick

PRE_ROLL_SECONDS = 0.25  # decoded and thrown away: Opus asks for 80 ms, MP3 draws on up to ten earlier blocks
SEGMENT_SECONDS = 2.0  # decoded at a time, each from the same packet with a fresh decoder


@dataclass(frozen=True)
class Waveform:
    """Mono sound of a time span."""

    samples: NDArray[np.float32]
    """(samples,) float32 on the int16 scale."""
    start: float
    """True time of the first sample in seconds."""


class Head(NamedTuple):
    """The first block of a stream."""

    stamp: int
    """Its time stamp."""
    samples: int
    """How many it holds; 0 where it has no time stamp."""
    rate: int
    """Samples per second."""


class Sound:
    """The sound of a source: any span by time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decoder: Decoder | None = None  # the last span's, which knows what it refused

    @property
    def stream(self) -> AudioStream:
        """The stream; raises ``NoAudio``, ``Unsupported``."""
        if self._source.audio is None:
            raise NoAudio(self._source.path, "it has no sound")
        if self._source.audio.codec_context is None:
            raise Unsupported(self._source.path, "no decoder for its audio codec")
        return self._source.audio

    def waveform(self, start: float, seconds: float, sample_rate: int, zero: float) -> Waveform:
        """``round(seconds * sample_rate)`` samples from ``start`` on, silent where the recording has no sound.

        A sample's value depends on its place alone: what is decoded depends on where decoding began (AAC fills bands
        with noise of a generator that runs on from packet to packet, Opus predicts), so a recording is decoded in
        segments that always begin at the same places.
        """
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        plan = Plan(self.stream.sample_rate, sample_rate, first, count)
        samples, rate = self._decode(plan, zero)
        if rate != plan.native and self._head.rate != plan.native:  # some AAC has twice the rate that its header says
            plan = replace(plan, native=self._head.rate)
            samples, _ = self._decode(plan, zero)
        if not np.isfinite(samples).all():
            raise Corrupt(self._source.path, "its sound has values that are not numbers")
        return Waveform(plan.apply(samples), first / sample_rate)

    def _decode(self, plan: Plan, zero: float) -> tuple[NDArray[np.float32], int]:
        """The native samples that a plan needs, and the sample rate of the first block that was decoded for them."""
        unit = tick(self.stream)
        # Where time stamps are coarser than samples, the first block tells where samples lie.
        origin = (self._head.stamp, self._head.samples) if unit * self.stream.sample_rate > 1 else None
        grid = Grid(plan.native, float(unit), zero, origin, self.stream.codec_context.name.startswith("wma"))
        begin, end = plan.begin, plan.begin + plan.needed
        length = end - begin if self._runs_on else round(SEGMENT_SECONDS * plan.native)
        first = begin if self._runs_on else begin // length * length
        pieces, rates = list[NDArray[np.float32]](), list[int]()
        for at in range(first, end, length):
            if self._decoder is not None:
                self._source.reopen()  # for a decoder whose state is that of no earlier read
            frames = self._frames(at / plan.native + zero)
            head = next(frames, None)
            rates.append(plan.native if head is None else head.sample_rate)
            blocks = (Block.of(frame, plan.native) for frame in chain([] if head is None else [head], frames))
            # Where blocks lie by their stamps, what follows the wanted samples need not be decoded.
            count = length if origin else min(end - at, length)
            pieces.append(grid.lay(blocks, at, count)[: end - at])
            if self._decoder is not None and self._decoder.refused > self._decoder.given:
                self._decoder.check()
        return np.concatenate(pieces)[begin - first :], rates[0]

    def first_time(self) -> float:
        """Container time in seconds of the first sample that is presented, past any codec delay."""
        return float(self._head.stamp * tick(self.stream))

    def last_end(self) -> float:
        """Container time in seconds at which the last sample that can be decoded ends."""
        grid = Grid(self.stream.sample_rate, float(tick(self.stream)), 0.0, None)
        frames = self._frames(self._source.end("audio") - 1.0)
        return grid.end(Block.of(frame, grid.rate) for frame in frames) / grid.rate

    @cached_property
    def _head(self) -> Head:
        """The stream's first block."""
        head = next(self._frames(-math.inf), None)
        if head is None:
            return Head(0, 0, self.stream.sample_rate)
        return Head(head.pts or 0, 0 if head.pts is None else head.samples, head.sample_rate)

    def _frames(self, start: float) -> Iterator[AudioFrame]:
        """Decoded blocks from one that begins at or before container time ``start`` on, where there is one."""
        backs = () if self._runs_on else (PRE_ROLL_SECONDS * 4**k for k in range(8))
        for back in (*backs, math.inf):
            from_start = self._go_to(start - back)
            stream = self.stream  # going to the start opens anew
            base = tick(stream)
            decoder = self._decoder = Decoder(self._source.path, stream)
            packets = self._source.packets(stream)
            blocks = Blocks.of(stream)
            packets = packets if blocks is None else blocks.counted(packets)
            frames = _decoded(decoder, _from_last_key(packets, (start - back) / base))
            head = next(frames, None)
            if head is not None and (from_start or (head.pts is not None and head.pts * base <= start)):
                yield head
                yield from frames
                return
        decoder.check()

    @property
    def _runs_on(self) -> bool:
        """Whether each packet goes on from the state that all before it left: differences, added up."""
        context = self.stream.codec_context
        running = "dpcm" in context.name or context.name.startswith("g72")
        return running and self._source.container.size <= SEQUENTIAL_BYTES

    def _go_to(self, seconds: float) -> bool:
        """Seek to a container time; True when that meant the very start."""
        stream = self.stream
        base = tick(stream)
        begin = stream.start_time or 0
        if stream.duration is not None:
            seconds = min(seconds, float((begin + stream.duration) * base) - PRE_ROLL_SECONDS)
        if seconds > float(begin * base) and self._source.seek(stream, int(seconds / base)):
            return False
        self._source.rewind()
        return True


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


def _decoded(decoder: Decoder, packets: Iterator[Packet[AudioStream]]) -> Iterator[AudioFrame]:
    for packet in packets:
        yield from decoder.audio(packet)
    yield from decoder.audio(None)
