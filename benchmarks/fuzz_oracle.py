"""Reference decoder of the fuzzer: files are decoded from start to end, without the decoder of avgdt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avgdt.data.manifest import Entry

HEIGHT, WIDTH = 24, 32
MOST_SAMPLES = 10**8  # maximum length of a track, in samples; longer tracks have damaged time stamps
MOST_FAILURES = 20  # maximum number of packets that cannot be read
NOISY = frozenset({"aac", "ac3", "eac3"})  # decoders that fill bands with noise from a generator whose state persists
NOISE_MARGIN = 3.0  # tolerance for this noise, as a multiple of the difference between two decodes
SETTLED = 10  # number of blocks after which only the noise differs


class UnknownError(Exception):
    """Raised if a frame or sample cannot be determined by decoding the file from its start."""


@dataclass
class Whole:
    """Content of a file decoded from the first packet to the last."""

    times: list[float] = field(default_factory=list)
    varying: set[float] = field(default_factory=set)
    """Times of frames whose missing data the decoder conceals with the contents of earlier frames in memory."""
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    """Presentation times of the video packets in the order of decoding."""
    ordered: bool = True
    """Whether the container stores presentation times."""
    tick: float = 0.0
    """Time unit of the time stamps of the audio, in seconds."""
    reservoir: bool = False
    """Whether time stamps are exact only within a block.

    This is the case if samples are carried over from packet to packet (WMA) or blocks are long and short (Vorbis in
    Ogg).
    """
    blocks: list[tuple[float | None, NDArray[np.float32]]] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    """Maximum absolute difference of samples between two decodes, per block, for decoders that generate noise."""


def decode(path: Path, entry: Entry) -> Whole:
    """Decode every frame, with its time in the container, and every block of audio."""
    whole = Whole()
    kinds: tuple[Literal["video"], Literal["audio"]] = ("video", "audio")
    for kind in kinds:
        if not getattr(entry, f"has_{kind}"):
            continue
        with av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as container:
            whole.ordered = container.format.name not in ("avi", "h264", "hevc", "m4v", "mpegvideo")
            assert isinstance(container, InputContainer)
            stamps: list[tuple[int, int]] = []
            for frame in _frames(container, kind, stamps):
                at = None if frame.pts is None else float(frame.pts * frame.time_base)
                if kind == "video":
                    whole.frames.append(_pixels(frame))
                    whole.times.append(at if at is not None else (whole.times[-1] if whole.times else 0.0))
                else:
                    codec = container.streams.best("audio").codec_context.name  # type: ignore[union-attr]
                    asf = container.format.name == "asf"
                    whole.reservoir = asf or (container.format.name, codec) == ("ogg", "vorbis")
                    whole.tick = 0.1 if asf else float(frame.time_base)
                    whole.blocks.append((at, _mono(frame, entry)))
            if kind == "video":
                whole.stamps = [float(stamp * (container.streams[index].time_base or 0)) for index, stamp in stamps]
    if whole.frames:
        _decode_again(path, whole)
    whole.noise = _noise(path, entry, whole)
    return whole


def _decode_again(path: Path, whole: Whole) -> None:
    """Add to ``whole.varying`` the times of frames that differ if earlier frames are kept in memory."""
    recent = deque[Any](maxlen=8)
    with av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as container:
        assert isinstance(container, InputContainer)
        for k, frame in enumerate(_frames(container, "video", [])):
            recent.append(frame)
            if not np.array_equal(_pixels(frame), whole.frames[k]):
                whole.varying.add(whole.times[k])


def _noise(path: Path, entry: Entry, whole: Whole) -> list[float]:
    """Return the maximum absolute difference of samples from a second decode by the same decoder, per block."""
    none = [0.0] * len(whole.blocks)
    with (
        av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as before,
        av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as container,
    ):
        assert isinstance(before, InputContainer)
        assert isinstance(container, InputContainer)
        stream = before.streams.best("audio")
        if not whole.blocks or not isinstance(stream, AudioStream) or stream.codec_context.name not in NOISY:
            return none
        for _ in _frames(before, "audio", []):
            pass
        stream.codec_context.flush_buffers()
        again = [_mono(frame, entry) for frame in _frames(container, "audio", [], stream.codec_context)]
    if len(again) != len(none):
        return none
    noise = [
        float(np.abs(other - block).max(initial=0.0)) if k >= SETTLED and len(other) == len(block) else 0.0
        for k, ((_, block), other) in enumerate(zip(whole.blocks, again, strict=True))
    ]
    return [max(noise[max(k - 1, 0) : k + 2]) for k in range(len(noise))]  # adjacent blocks overlap


def _pixels(frame: Any) -> NDArray[np.uint8]:
    h, w = (WIDTH, HEIGHT) if abs(frame.rotation) % 180 == 90 else (HEIGHT, WIDTH)
    pixels = frame.reformat(width=w, height=h, format="rgb24", dst_color_range=2).to_ndarray()
    return np.rot90(pixels, round(frame.rotation / 90))


def _frames(
    container: InputContainer,
    kind: Literal["video", "audio"],
    stamps: list[tuple[int, int]],
    decoder: AudioCodecContext | None = None,
) -> Any:
    """Yield every decoded frame of a container, and append the stream and time stamp of each packet to ``stamps``.

    ``decoder`` replaces the decoder of the stream.
    """
    stream = container.streams.best(kind)
    assert isinstance(stream, VideoStream | AudioStream)
    stream.codec_context.thread_count = 1
    for other in container.streams:
        other.discard = Discard.default if other.index == stream.index else Discard.all
    failures = 0
    packets = container.demux(stream)
    while failures < MOST_FAILURES:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, IndexError):  # readable packets may follow an unreadable one
            failures += 1
            packets = container.demux(stream)
            continue
        if packet is None:
            return
        if packet.pts is not None:
            stamps.append((packet.stream_index, packet.pts))
        try:
            yield from packet.decode() if decoder is None else decoder.decode(packet)
        except av.error.FFmpegError:
            continue


def _mono(frame: Any, entry: Entry) -> NDArray[np.float32]:
    values = frame.to_ndarray()
    values = values if frame.format.is_planar else values.reshape(frame.samples, -1).T
    name = frame.format.name.removesuffix("p")
    scale = {"u8": 256.0, "s16": 1.0, "s32": 2.0**-16, "s64": 2.0**-48, "flt": 32768.0, "dbl": 32768.0}[name]
    mixed = values[0].astype(float) if entry.downmix == "first" else values.mean(axis=0, dtype=float)
    return ((mixed - (128.0 if name == "u8" else 0.0)) * scale).astype(np.float32)


def track(whole: Whole, rate: int) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Return all samples, the tolerated difference of each, and the start in seconds.

    Each block starts at the end of the previous block, unless its time stamp clearly states another position.
    """
    begin = min((at for at, _ in whole.blocks if at is not None), default=0.0)
    position, starts, last = 0, list[int](), begin
    unstamped = False
    for at, block in whole.blocks:
        stamped = position if at is None else round((at - begin) * rate)
        late = stamped - position > 0.005 * rate + (len(block) if whole.reservoir else 0)
        early = (at is not None and at < last - 0.05) or (unstamped and stamped < position - 0.05 * rate)
        if not starts or late or early:
            position = min(stamped, position + 600 * rate)
        last, unstamped = last if at is None else at, at is None
        starts.append(position)
        position += len(block)
    ends = [k + len(block) for k, (_, block) in zip(starts, whole.blocks, strict=True)]
    if max(ends, default=0) > MOST_SAMPLES:
        raise UnknownError("the time stamps span days")
    track, noise = np.zeros((2, max(ends, default=0)), np.float32)
    for k, (_, block), most in zip(starts, whole.blocks, whole.noise, strict=True):
        track[k : k + len(block)], noise[k : k + len(block)] = block, NOISE_MARGIN * most
    return track, noise, begin
