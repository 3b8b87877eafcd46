"""Reads one damaged file as training and evaluation do, and compares the result with decoding the whole file.

``python benchmarks/fuzz_judge.py`` serves ``fuzz.py``: a path and a seed in JSON per line in, a verdict per line out.
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

CHUNK = 256  # samples compared at once
LEAST = 0.02  # on the int16 scale: samples that differ by less are the same
STRAY_SECONDS = 0.03  # where time stamps are rounded or damaged, the same samples may lie this far off
MEMORY_BYTES = 2**33


class WrongError(Exception):
    """A frame or a sample is not that of decoding the whole file."""


def judge(path: Path, seed: int) -> str:
    """The verdict: right, the name of a typed error, or "wrong: why"."""
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
    """Raise ``WrongError`` unless all frames and samples are those of the whole file."""
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
    decoding = packets == sorted(packets) and near != sorted(near)  # packets say when frames are decoded
    if not whole.ordered or decoding:  # only the order is known: a frame near that time
        return any(np.array_equal(pixels, frame) for frame in whole.frames)
    times = np.array(whole.times)
    if requested > times.max() + 0.2:
        raise UnknownError("not reached by reading from the start")
    for at in (requested, latest, requested - 1e-6):
        before = times[times <= at + 1e-6]
        wanted = before.max() if len(before) else times.min()
        if wanted in whole.varying:
            raise UnknownError("frames that the decoder makes up")
        if any(np.array_equal(pixels, whole.frames[i]) for i in np.flatnonzero(np.abs(times - wanted) < 1e-9)):
            return True
    return False


def _compare_audio(samples: NDArray[np.float32], start: float, rate: int, whole: Whole) -> None:
    samples_of_all, noise, begin = track(whole, rate)
    padded, margin = (np.pad(values, (2 * rate, 4 * rate)) for values in (samples_of_all, noise))
    margin += LEAST
    first, stray = round((start - begin) * rate) + 2 * rate, round(max(STRAY_SECONDS, 3 * whole.tick) * rate)
    for k in range(0, len(samples) - CHUNK + 1, CHUNK):
        chunk = samples[k : k + CHUNK]
        place = first + k
        if place > len(padded) - 4 * rate + 0.2 * rate and chunk.any():
            raise UnknownError("not reached by reading from the start")
        here = slice(place, place + CHUNK)
        if 0 <= place <= len(padded) - CHUNK and (np.abs(padded[here] - chunk) < margin[here]).all():
            continue
        near = slice(max(place - stray, 0), min(place + stray + CHUNK, len(padded)))
        if not _contains(padded[near], margin[near], chunk):
            if not chunk.any() or not np.trim_zeros(chunk).size:
                inside = padded[max(place, 0) : place + CHUNK]
                if not inside.any():
                    continue
            raise WrongError(f"audio at {start + k / rate:.3f} s")


def _contains(stretch: NDArray[np.float32], margin: NDArray[np.float32], chunk: NDArray[np.float32]) -> bool:
    """Whether the samples of ``chunk`` follow each other somewhere in ``stretch``, each within its ``margin``."""
    count = len(stretch) - len(chunk) + 1
    places = np.arange(max(count, 0))
    for k in (0, len(chunk) // 2, len(chunk) - 1):  # most places drop out at once
        places = places[np.abs(stretch[places + k] - chunk[k]) < margin[places + k]]
    return any((np.abs(stretch[at : at + len(chunk)] - chunk) < margin[at : at + len(chunk)]).all() for at in places)


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
