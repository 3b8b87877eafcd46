"""One damaged file read as training and evaluation read it, and compared with decoding it from first packet to last.

``python benchmarks/fuzz_judge.py`` serves ``fuzz.py``: a path and a seed in JSON per line in, a verdict per line out.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections import deque
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import av
import av.error
import av.logging
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader, Item
from avgdt.data.span import common_span
from avgdt.data.windows import Window, uniform
from avgdt.media.entry import Entry
from avgdt.media.errors import MediaError
from avgdt.media.probe import probe
from avgdt.media.recording import Recording
from avgdt.recipes.clip import Clip

HEIGHT, WIDTH = 24, 32
CHUNK = 256  # samples compared at once
STRAY_SECONDS = 0.03  # where time stamps are rounded or damaged, the same samples may lie this far off
MOST_FAILURES = 20  # to read a packet
MEMORY_BYTES = 2**33


@dataclass
class Whole:
    """A file decoded from the first packet to the last."""

    times: list[float] = field(default_factory=list)
    varying: set[float] = field(default_factory=set)
    """Times of frames that come out otherwise when earlier ones are kept in memory, which fill holes."""
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    ordered: bool = True
    """Whether the container stores when frames are shown."""
    tick: float = 0.0
    """Seconds of one time stamp unit of the sound."""
    blocks: list[tuple[float | None, NDArray[np.float32]]] = field(default_factory=list)


def decode(path: Path, entry: Entry) -> Whole:
    """Every frame with its container time, and every block of sound."""
    whole = Whole()
    kinds: tuple[Literal["video"], Literal["audio"]] = ("video", "audio")
    for kind in kinds:
        if not getattr(entry, f"has_{kind}"):
            continue
        with av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as container:
            whole.ordered = container.format.name not in ("avi", "h264", "hevc", "m4v", "mpegvideo")
            assert isinstance(container, InputContainer)
            stamps: list[int] = []
            for frame in _frames(container, kind, stamps):
                at = None if frame.pts is None else float(frame.pts * frame.time_base)
                if kind == "video":
                    whole.frames.append(_pixels(frame))
                    whole.times.append(at if at is not None else (whole.times[-1] if whole.times else 0.0))
                else:
                    whole.tick = float(frame.time_base)
                    whole.blocks.append((at, _mono(frame, entry)))
            if kind == "video" and stamps == sorted(stamps) and whole.times != sorted(whole.times):
                whole.ordered = False  # these are the times at which frames are decoded
    if whole.frames:
        _decode_again(path, whole)
    return whole


def _decode_again(path: Path, whole: Whole) -> None:
    """Note the frames that differ where others are kept in memory."""
    kept = deque[Any](maxlen=8)
    with av.open(BytesIO(path.read_bytes()), metadata_errors="replace") as container:
        assert isinstance(container, InputContainer)
        for k, frame in enumerate(_frames(container, "video", [])):
            kept.append(frame)
            if not np.array_equal(_pixels(frame), whole.frames[k]):
                whole.varying.add(whole.times[k])


def _pixels(frame: Any) -> NDArray[np.uint8]:
    h, w = (WIDTH, HEIGHT) if abs(frame.rotation) % 180 == 90 else (HEIGHT, WIDTH)
    pixels = frame.reformat(width=w, height=h, format="rgb24", dst_color_range=2).to_ndarray()
    return np.rot90(pixels, round(frame.rotation / 90))


def _frames(container: InputContainer, kind: Literal["video", "audio"], stamps: list[int]) -> Any:
    """Decoded frames, and the time stamps of the packets so far in ``stamps``."""
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
        except (av.error.FFmpegError, IndexError):  # behind what cannot be read there may be more
            failures += 1
            packets = container.demux(stream)
            continue
        if packet is None:
            return
        if packet.pts is not None:
            stamps.append(packet.pts)
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _mono(frame: Any, entry: Entry) -> NDArray[np.float32]:
    values = frame.to_ndarray()
    values = values if frame.format.is_planar else values.reshape(frame.samples, -1).T
    name = frame.format.name.removesuffix("p")
    scale = {"u8": 256.0, "s16": 1.0, "s32": 2.0**-16, "s64": 2.0**-48, "flt": 32768.0, "dbl": 32768.0}[name]
    mixed = values[0].astype(float) if entry.downmix == "first" else values.mean(axis=0, dtype=float)
    return ((mixed - (128.0 if name == "u8" else 0.0)) * scale).astype(np.float32)


class UnknownError(Exception):
    """Decoding the file from its start does not tell what is right here."""


class WrongError(Exception):
    """A frame or a sample is not that of decoding the whole file."""


def judge(path: Path, seed: int) -> str:
    """The verdict: right, the name of a typed error, or "wrong: why"."""
    entry = probe(path)
    if entry.error:
        return entry.error.partition(":")[0]
    modalities = tuple(kind for kind in ("video", "audio") if getattr(entry, f"has_{kind}"))
    rate = entry.sample_rate or 16000
    clip = Clip(frames=12, frame_rate=12.0, height=HEIGHT, width=WIDTH, audio_seconds=1.0, sample_rate=rate)
    reader = ClipReader(clip, modalities, grey=False)
    span = common_span(entry, modalities)
    rng = np.random.default_rng(seed)
    room = max(span.seconds - clip.seconds, 0.0)
    drawn = [Window(span.start + float(rng.uniform(0, room))) for _ in range(3)]
    items: list[tuple[Window, Item]] = []
    errors: list[str] = []
    windows = [*drawn, *uniform(clip, span, 3)]
    for window in windows:
        try:
            items.append((window, reader.read(0, entry, [window])))
        except MediaError as error:
            errors.append(type(error).__name__)
    if items:
        whole = decode(path, entry)
        with Recording(path) as recording:
            zero = recording._zero
        try:
            for window, item in items:
                compare(window, item, whole, entry, clip, zero)
            _together(reader, entry, items, whole, zero)
        except WrongError as wrong:
            return f"wrong: {wrong}"
        except UnknownError as unknown:
            return f"unknown: {unknown}"
    return "right" if not errors else f"{'right, but for ' if items else ''}{max(set(errors), key=errors.count)}"


def compare(window: Window, item: Item, whole: Whole, entry: Entry, clip: Clip, zero: float) -> None:
    """Raise ``WrongError`` unless all frames and samples are those of the whole file."""
    if item.video is not None:
        for k, pixels in enumerate(item.video[0].transpose(1, 2, 3, 0)):
            asked = window.video + k / clip.frame_rate
            if not _is_frame(pixels, asked + zero, min(asked, (entry.video_end or 0) - 1e-3) + zero, whole):
                raise WrongError(f"frame at {asked:.3f} s")
    if item.audio is not None and item.audio_start is not None:
        start = float(item.audio_start[0])
        _compare_sound(item.audio[0], start + zero, clip.sample_rate, whole)


def _is_frame(pixels: NDArray[np.uint8], asked: float, latest: float, whole: Whole) -> bool:
    if not whole.ordered:  # only the order is known: a frame near that time
        return any(np.array_equal(pixels, frame) for frame in whole.frames)
    times = np.array(whole.times)
    if asked > times.max() + 0.2:
        raise UnknownError("not reached by reading from the start")
    for at in (asked, latest, asked - 1e-6):
        before = times[times <= at + 1e-6]
        wanted = before.max() if len(before) else times.min()
        if wanted in whole.varying:
            raise UnknownError("frames that the decoder makes up")
        if any(np.array_equal(pixels, whole.frames[i]) for i in np.flatnonzero(np.abs(times - wanted) < 1e-9)):
            return True
    return False


def _track(whole: Whole, rate: int) -> tuple[NDArray[np.float32], float]:
    """All samples, each block behind the one before, or where its stamp says if that is elsewhere; and their start."""
    begin = min((at for at, _ in whole.blocks if at is not None), default=0.0)
    place, places = 0, list[int]()
    for at, block in whole.blocks:
        stamped = place if at is None else round((at - begin) * rate)
        if not places or not -0.05 * rate <= stamped - place <= 0.005 * rate:
            place = min(stamped, place + 600 * rate)
        places.append(place)
        place += len(block)
    track = np.zeros(
        max((k + len(block) for k, (_, block) in zip(places, whole.blocks, strict=True)), default=0), np.float32
    )
    for k, (_, block) in zip(places, whole.blocks, strict=True):
        track[k : k + len(block)] = block
    return track, begin


def _compare_sound(samples: NDArray[np.float32], start: float, rate: int, whole: Whole) -> None:
    track, begin = _track(whole, rate)
    pad = np.zeros(2 * rate, np.float32)
    track = np.concatenate([pad, track, pad, pad])
    first, stray = round((start - begin) * rate) + len(pad), round(max(STRAY_SECONDS, 3 * whole.tick) * rate)
    for k in range(0, len(samples) - CHUNK + 1, CHUNK):
        chunk = samples[k : k + CHUNK]
        place = first + k
        if place > len(track) + rate:
            raise UnknownError("not reached by reading from the start")
        if 0 <= place <= len(track) - CHUNK and np.abs(track[place : place + CHUNK] - chunk).max() < 0.02:
            continue
        low, high = max(place - stray, 0), min(place + stray + CHUNK, len(track))
        views = np.lib.stride_tricks.sliding_window_view(track[low:high], CHUNK) if high - low >= CHUNK else None
        if views is None or not (np.abs(views - chunk).max(axis=1) < 0.02).any():
            if not chunk.any() or not np.trim_zeros(chunk).size:
                inside = track[max(place, 0) : place + CHUNK]
                if not inside.any():
                    continue
            raise WrongError(f"sound at {start + k / rate:.3f} s")


def _together(reader: ClipReader, entry: Entry, items: list[tuple[Window, Item]], whole: Whole, zero: float) -> None:
    """Raise ``WrongError`` unless windows read in one opening, backwards, are those read alone."""
    windows = [window for window, _ in items]
    try:
        together = reader.read(0, entry, windows[::-1])
    except MediaError:
        return  # the windows between are read too where they overlap
    for name in ("video", "audio"):
        ours = getattr(together, name)
        for k, (_, item) in enumerate(items[::-1]):
            alone = getattr(item, name)
            if alone is not None and not np.array_equal(ours[k], alone[0]):
                if name == "video" and item.video_times is not None:
                    spoilt = [t for t in whole.varying if item.video_times.min() <= t - zero <= item.video_times.max()]
                    if spoilt:
                        raise UnknownError("frames that the decoder makes up")
                raise WrongError(f"{name} depends on what was read before")


def serve() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    av.logging.set_level(av.logging.PANIC)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        path, seed = json.loads(line)
        verdict = judge(Path(path), seed)
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answers.write(json.dumps([verdict, resident, peak]) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
