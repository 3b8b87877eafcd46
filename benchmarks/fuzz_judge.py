"""Check of one damaged file: clips read as in training and evaluation are compared with a decode of the whole file.

``python benchmarks/fuzz_judge.py`` is the child process of ``fuzz.py``. Each line of input is a path and a seed; each
line of output is a verdict with the resident and peak memory in bytes. All lines are JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

import av
import av.error
import av.logging
import numpy as np
from fuzz_oracle import HEIGHT, WIDTH, UnknownError, Whole, decode, track
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader, Item
from avgdt.data.inspection import inspect
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window, common_span, uniform
from avgdt.media.errors import MediaError
from avgdt.media.recording import Recording
from avgdt.recipes.clip import Clip

CHUNK = 256  # number of samples that are compared at once
LEAST = 0.02  # tolerated difference between samples, on the int16 scale
STRAY_SECONDS = 0.03  # tolerated shift of samples, in seconds, as time stamps may be rounded or damaged
MEMORY_BYTES = 2**33


class WrongError(Exception):
    """Raised if a frame or a sample differs from a decode of the whole file."""


def check(path: Path, seed: int) -> str:
    """Return "right", "right, but for ERROR", the name of a typed error, "unknown: REASON" or "wrong: REASON"."""
    entry = inspect(path)
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
    """Raise ``WrongError`` unless all frames and samples equal the decode of the whole file."""
    if item.video is not None:
        for k, pixels in enumerate(item.video[0].transpose(1, 2, 3, 0)):
            requested = window.video + k / clip.frame_rate
            if not _is_frame(pixels, requested + zero, min(requested, (entry.video_end or 0) - 1e-3) + zero, whole):
                raise WrongError(f"frame at {requested:.3f} s")
    if item.audio is not None and item.audio_start is not None:
        start = float(item.audio_start[0])
        _compare_audio(item.audio[0], start + zero, clip.sample_rate, whole)


def _is_frame(pixels: NDArray[np.uint8], requested: float, latest: float, whole: Whole) -> bool:
    near = [t for t in whole.times if abs(t - requested) < 0.25]
    packets = [t for t in whole.stamps if abs(t - requested) < 0.25]
    decoding = packets == sorted(packets) and near != sorted(near)  # time stamps are in the order of decoding
    if not whole.ordered or decoding:  # the times are unknown, so any frame may be right
        return any(np.array_equal(pixels, frame) for frame in whole.frames)
    times = np.array(whole.times)
    if requested > times.max() + 0.2:
        raise UnknownError("not reached by a sequential decode")
    for at in (requested, latest, requested - 1e-6):
        before = times[times <= at + 1e-6]
        nearest = before.max() if len(before) else times.min()
        if nearest in whole.varying:
            raise UnknownError("frames that the decoder synthesises")
        if any(np.array_equal(pixels, whole.frames[i]) for i in np.flatnonzero(np.abs(times - nearest) < 1e-9)):
            return True
    return False


def _compare_audio(samples: NDArray[np.float32], start: float, rate: int, whole: Whole) -> None:
    reference, noise, begin = track(whole, rate)
    padded, margin = (np.pad(values, (2 * rate, 4 * rate)) for values in (reference, noise))
    margin += LEAST
    first, stray = round((start - begin) * rate) + 2 * rate, round(max(STRAY_SECONDS, 3 * whole.tick) * rate)
    for k in range(0, len(samples) - CHUNK + 1, CHUNK):
        chunk = samples[k : k + CHUNK]
        position = first + k
        if position > len(padded) - 4 * rate + 0.2 * rate and chunk.any():
            raise UnknownError("not reached by a sequential decode")
        expected = slice(position, position + CHUNK)
        if 0 <= position <= len(padded) - CHUNK and (np.abs(padded[expected] - chunk) < margin[expected]).all():
            continue
        near = slice(max(position - stray, 0), min(position + stray + CHUNK, len(padded)))
        if not _contains(padded[near], margin[near], chunk):
            if not chunk.any() or not np.trim_zeros(chunk).size:
                inside = padded[max(position, 0) : position + CHUNK]
                if not inside.any():
                    continue
            raise WrongError(f"audio at {start + k / rate:.3f} s")


def _contains(stretch: NDArray[np.float32], margin: NDArray[np.float32], chunk: NDArray[np.float32]) -> bool:
    """Return whether ``stretch`` contains the consecutive samples of ``chunk``, each within its ``margin``."""
    count = len(stretch) - len(chunk) + 1
    starts = np.arange(max(count, 0))
    for k in (0, len(chunk) // 2, len(chunk) - 1):  # comparing three samples excludes most positions quickly
        starts = starts[np.abs(stretch[starts + k] - chunk[k]) < margin[starts + k]]
    return any((np.abs(stretch[at : at + len(chunk)] - chunk) < margin[at : at + len(chunk)]).all() for at in starts)


def _together(reader: ClipReader, entry: Entry, items: list[tuple[Window, Item]], whole: Whole, zero: float) -> None:
    """Raise ``WrongError`` unless windows read together, in reverse order, equal the windows read one by one."""
    windows = [window for window, _ in items]
    try:
        together = reader.read(0, entry, windows[::-1])
    except MediaError:
        return  # overlapping windows are read as one span, which may contain damage between them
    for name in ("video", "audio"):
        ours = getattr(together, name)
        for k, (_, item) in enumerate(items[::-1]):
            alone = getattr(item, name)
            if alone is not None and not np.array_equal(ours[k], alone[0]):
                if name == "video" and item.video_times is not None:
                    made_up = [t for t in whole.varying if item.video_times.min() <= t - zero <= item.video_times.max()]
                    if made_up:
                        raise UnknownError("frames that the decoder synthesises")
                raise WrongError(f"{name} depends on earlier reads")


def serve() -> None:
    """Check the files listed on standard input, until its end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    av.logging.set_level(av.logging.PANIC)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        path, seed = json.loads(line)
        verdict = check(Path(path), seed)
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answers.write(json.dumps([verdict, resident, peak]) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
