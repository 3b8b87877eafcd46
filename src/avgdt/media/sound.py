"""Waveforms by presentation time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

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
MARGIN_SECONDS = 0.05  # what the resampling filter draws on before the start, at any rate worth hearing


@dataclass(frozen=True)
class Waveform:
    """Mono sound of a time span."""

    samples: NDArray[np.float32]
    """(samples,) float32 on the int16 scale."""
    start: float
    """True time of the first sample in seconds."""


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
        """``round(seconds * sample_rate)`` samples from ``start`` on, silent where the recording has no sound."""
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        unit = tick(self.stream)
        # Where time stamps are coarser than samples, the first block tells where samples lie: read before the others.
        origin = self._head if unit * self.stream.sample_rate > 1 else None
        frames = self._frames(start + zero - MARGIN_SECONDS)
        head = next(frames, None)
        native = self.stream.sample_rate if head is None else head.sample_rate
        plan = Plan(native, sample_rate, first, count)
        grid = Grid(native, float(unit), zero, origin, self.stream.codec_context.name.startswith("wma"))
        blocks = (Block.of(frame, native) for frame in chain([] if head is None else [head], frames))
        samples = grid.lay(blocks, plan.begin, plan.needed)
        if self._decoder is not None and self._decoder.refused > self._decoder.given:
            self._decoder.check()
        if not np.isfinite(samples).all():
            raise Corrupt(self._source.path, "its sound has values that are not numbers")
        return Waveform(plan.apply(samples), first / sample_rate)

    def first_time(self) -> float:
        """Container time in seconds of the first sample that is presented, past any codec delay."""
        return float(self._head[0] * tick(self.stream))

    def last_end(self) -> float:
        """Container time in seconds at which the last sample that can be decoded ends."""
        grid = Grid(self.stream.sample_rate, float(tick(self.stream)), 0.0, None)
        frames = self._frames(self._source.end("audio") - 1.0)
        return grid.end(Block.of(frame, grid.rate) for frame in frames) / grid.rate

    @cached_property
    def _head(self) -> tuple[int, int]:
        """Time stamp and samples of the first block."""
        head = next(self._frames(-math.inf), None)
        return (0, 0) if head is None or head.pts is None else (head.pts, head.samples)

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
