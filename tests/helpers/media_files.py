"""Media files with exactly known frames and samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 2, 8  # a frame is a grid of 16 black or white fields that encode its index in binary

TURNED_LEFT = (0, -1, 1, 0)  # display matrices (a, b, c, d), which rotate or mirror the stored image
TURNED_RIGHT = (0, 1, -1, 0)
UPSIDE_DOWN = (-1, 0, 0, -1)
MIRRORED = (-1, 0, 0, 1)


def board(index: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return the frame with the given index, (height, width, 3) uint8, as 16 black or white fields."""
    bits = np.array([(index >> k) & 1 for k in range(ROWS * COLUMNS)], dtype=np.uint8).reshape(ROWS, COLUMNS)
    rows, columns = np.arange(height) * ROWS // height, np.arange(width) * COLUMNS // width
    return np.repeat((bits[rows][:, columns] * 235)[..., None], 3, axis=2).astype(np.uint8)


def board_index(pixels: NDArray[np.uint8]) -> int:
    """Return the index encoded in a decoded, scaled and compressed board (height, width, channels)."""
    height, width, _ = pixels.shape
    rows = [(2 * r + 1) * height // (2 * ROWS) for r in range(ROWS)]
    columns = [(2 * c + 1) * width // (2 * COLUMNS) for c in range(COLUMNS)]
    bits = pixels[rows][:, columns].mean(axis=2).ravel() > 118
    return int(sum(1 << k for k, bit in enumerate(bits) if bit))


def board_indices(pixels: NDArray[np.uint8]) -> list[int]:
    """Return the indices of several boards (time, height, width, channels)."""
    return [board_index(frame) for frame in pixels]


def evenly(count: int, rate: float | Fraction = 25) -> list[Fraction]:
    """Return the times of ``count`` evenly spaced frames, starting at zero."""
    return [i / Fraction(rate) for i in range(count)]


def noise(seconds: float, sample_rate: int, channels: int = 1, seed: int = 0) -> NDArray[np.int16]:
    """Return white noise, (channels, samples) int16, drawn from ``seed``."""
    generator = np.random.default_rng(seed)
    return generator.integers(-20000, 20000, (channels, round(seconds * sample_rate)), dtype=np.int16)


def tone(seconds: float, sample_rate: int, frequency: float, amplitude: float = 10000.0) -> NDArray[np.int16]:
    """Return a sine wave that starts at phase zero, (1, samples) int16."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return np.round(amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.int16)[None]


def write_media(
    path: Path,
    times: Sequence[float | Fraction] | None = None,
    waveform: NDArray[np.int16] | None = None,
    *,
    size: tuple[int, int] = (48, 64),
    video_codec: str = "libx264",
    key_every: int = 12,
    b_frames: int = 2,
    video_options: dict[str, str] | None = None,
    sample_rate: int = 16000,
    audio_codec: str = "flac",
    audio_options: dict[str, str] | None = None,
    audio_start: float = 0.0,
    gaps: Sequence[tuple[float, float]] = (),
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    images: Sequence[NDArray[np.uint8]] | None = None,
) -> Path:
    """Write a file whose frame i, at ``times[i]`` seconds, is ``board(i)`` or ``images[i]``, with audio ``waveform``.

    Args:
        path: the file; its suffix determines the container unless ``container`` names a muxer.
        times: presentation time of each frame, in seconds; without it, the file has no video.
        waveform: (channels, samples) int16, which lossless codecs (flac, alac, pcm_s16le) preserve; without it,
            the file has no audio.
        size: height and width, in pixels.
        video_codec: FFmpeg's video encoder, such as ``mpeg4``, ``libvpx-vp9`` or ``mjpeg``.
        key_every: number of frames from one keyframe to the next.
        b_frames: maximum number of consecutive B-frames.
        video_options: options of the video encoder.
        sample_rate: sample rate of the audio, in Hz.
        audio_codec: FFmpeg's audio encoder.
        audio_options: options of the audio encoder.
        audio_start: presentation time of the first sample, in seconds.
        gaps: pairs (time, seconds): audio from sample round(time * sample_rate) on is delayed by ``seconds``.
        container: name of FFmpeg's muxer.
        container_options: options of the muxer, such as ``{"use_editlist": "0"}``.
        images: (height, width, 3) uint8 frames instead of boards.
    """
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        packets = []
        video = audio = None
        if times is not None:
            video = output.add_stream(video_codec, rate=25, options=video_options or {})
            video.height, video.width = size
            video.pix_fmt = "yuvj420p" if video_codec == "mjpeg" else "yuv420p"
            # AVI and codecs such as MPEG-4 count time in frames: their times must be multiples of 1 / 25.
            frames_only = video_codec in ("mpeg4", "mjpeg", "mpeg1video", "mpeg2video") or path.suffix == ".avi"
            video.codec_context.time_base = Fraction(1, 25) if frames_only else Fraction(1, 90000)
            video.codec_context.gop_size, video.codec_context.max_b_frames = key_every, b_frames
        if waveform is not None:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(waveform)]
            audio = output.add_stream(audio_codec, rate=sample_rate, layout=layout, options=audio_options or {})
        if video is not None:
            base = video.codec_context.time_base
            for i, time in enumerate(times or ()):
                frame = av.VideoFrame.from_ndarray(board(i, *size) if images is None else images[i])
                frame = frame.reformat(format=video.pix_fmt)
                frame.pts, frame.time_base = round(Fraction(time) / base), base
                packets += video.encode(frame)
            packets += video.encode()
        if audio is not None:
            for frame in _blocks(waveform, sample_rate, audio_start, gaps):
                packets += audio.encode(frame)
            packets += audio.encode()
        packets.sort(key=lambda p: (p.dts or 0) * p.time_base)
        for packet in packets:
            output.mux(packet)
    return path


def write_wav(path: Path, waveform: NDArray[np.int16], sample_rate: int) -> Path:
    """Write (channels, samples) int16 as a WAV file."""
    return write_media(path, None, waveform, sample_rate=sample_rate, audio_codec="pcm_s16le", container="wav")


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Set the display matrix (a, b, c, d) of the video of an MP4 or MOV file, in place."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    a, b, c, d = (k * 65536 for k in matrix)
    numbers = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], dtype=">i4")
    data[header + 44 : header + 80] = numbers.tobytes()
    path.write_bytes(bytes(data))
    return path


def _blocks(
    waveform: NDArray[np.int16], sample_rate: int, start: float, gaps: Sequence[tuple[float, float]]
) -> Iterator[av.AudioFrame]:
    """Return frames of at most 1024 samples, none of which extends across the start of a gap."""
    cuts = sorted({0, waveform.shape[1], *(round(time * sample_rate) for time, _ in gaps)})
    for begin, end in pairwise(cuts):
        late = sum(round(seconds * sample_rate) for time, seconds in gaps if round(time * sample_rate) <= begin)
        for first in range(begin, end, 1024):
            block = waveform[:, first : min(first + 1024, end)]
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(waveform)]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T.reshape(1, -1)), "s16", layout)
            frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
            frame.pts = first + late + round(start * sample_rate)
            yield frame
