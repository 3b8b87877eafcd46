"""Media files for the fuzzer, and the mutations that damage them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.random import Generator

RECIPES = (  # file name, video codec, maximum number of consecutive B-frames, audio codec, sample rate in Hz
    ("a.mp4", "libx264", 2, "aac", 24000),
    ("b.mkv", "libx264", 3, "libmp3lame", 24000),
    ("c.webm", "libvpx", 0, "libopus", 48000),
    ("d.avi", "mpeg4", 0, "libmp3lame", 24000),
    ("e.ts", "mpeg2video", 2, "mp2", 48000),
    ("f.mpg", "mpeg1video", 2, "mp2", 44100),
    ("g.flv", "flv", 0, "adpcm_swf", 22050),
    ("h.mov", "mjpeg", 0, "pcm_s16le", 16000),
    ("i.mp4", "libx265", 2, "ac3", 48000),
    ("j.webm", "libvpx-vp9", 0, "libopus", 48000),
    ("k.wav", "", 0, "pcm_s16le", 16000),
    ("l.mp3", "", 0, "libmp3lame", 44100),
    ("m.ogg", "", 0, "libopus", 48000),
    ("n.flac", "", 0, "flac", 22050),
    ("o.wma", "", 0, "wmav2", 44100),
)
_VIDEO_OPTIONS = {
    "libx265": {"x265-params": "log-level=none", "preset": "ultrafast"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def write_files(folder: Path, count: int | None = None, seconds: float = 3.0) -> list[Path]:
    """Write the first ``count`` files of ``RECIPES``, which are small files in various containers and codecs."""
    return [_write(folder / name, seconds, *rest) for name, *rest in RECIPES[:count]]  # type: ignore[arg-type]


def _write(path: Path, seconds: float, video_codec: str, b_frames: int, audio_codec: str, sample_rate: int) -> Path:
    rng = np.random.default_rng(len(path.name) + ord(path.name[0]))
    with av.open(str(path), "w") as output:
        assert isinstance(output, OutputContainer)
        if video_codec:
            video = output.add_stream(video_codec, rate=25, options=_VIDEO_OPTIONS.get(video_codec, {}))
            assert isinstance(video, VideoStream)
            video.height, video.width = 96, 128
            video.pix_fmt = "yuvj420p" if video_codec == "mjpeg" else "yuv420p"
            video.codec_context.gop_size, video.codec_context.max_b_frames = 12, b_frames
        audio = output.add_stream(audio_codec, rate=sample_rate, layout="mono")
        assert isinstance(audio, AudioStream)
        audio.bit_rate = 64000
        packets: list[Packet[Any]] = []
        if video_codec:
            still = rng.integers(0, 120, (96, 128, 3), dtype=np.uint8)
            assert isinstance(video, VideoStream)
            for index in range(round(25 * seconds)):
                pixels = still + np.uint8(0)
                pixels[10:40, 2 + index % 90 : 32 + index % 90] = 40 + 5 * (index % 40)
                frame = av.VideoFrame.from_ndarray(pixels).reformat(format=video.pix_fmt)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                packets += video.encode(frame)
            packets += video.encode(None)
        t = np.arange(round(sample_rate * seconds)) / sample_rate
        waveform = 8000 * np.sin(2 * np.pi * (200 + 300 * t) * t) + rng.normal(0, 1000, len(t))
        for first in range(0, len(t), 1024):
            block = np.round(waveform[first : first + 1024]).astype(np.int16)
            piece = av.AudioFrame.from_ndarray(block[None], "s16", "mono")
            piece.sample_rate, piece.pts, piece.time_base = sample_rate, first, Fraction(1, sample_rate)
            packets += audio.encode(piece)
        packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * (packet.time_base or Fraction(1))):
            output.mux(packet)
    return path


def _bytes(data: bytearray, rng: Generator) -> bytes:
    for at in rng.integers(0, len(data), rng.integers(1, 40)):
        data[at] = rng.integers(256)
    return bytes(data)


def _zeros(data: bytearray, rng: Generator) -> bytes:
    begin, length = rng.uniform(0, 0.9), rng.uniform(0.001, 0.5) ** 2
    first, last = round(begin * len(data)), round(min(begin + length, 1) * len(data))
    data[first:last] = bytes(last - first)
    return bytes(data)


def _cut(data: bytearray, rng: Generator) -> bytes:
    return bytes(data[: round(rng.uniform(0.05, 0.99) * len(data))])


def _header(data: bytearray, rng: Generator) -> bytes:
    for at in rng.integers(0, min(len(data), 1500), rng.integers(1, 9)):
        data[at if rng.random() < 0.7 else len(data) - 1 - at] = rng.integers(256)
    return bytes(data)


def _insert(data: bytearray, rng: Generator) -> bytes:
    at = int(rng.integers(0, len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 2000)))
    return bytes(data)


def _payload(data: bytearray, rng: Generator) -> bytes:
    """Overwrite consecutive packets of one stream with zeros, without changing the container."""
    first, last = np.sort(rng.uniform(0.05, 1.0, 2))
    stream = rng.integers(2)
    with av.open(BytesIO(bytes(data))) as container:
        assert isinstance(container, InputContainer)
        packets = [packet for packet in container.demux() if packet.pos is not None and packet.size]
    kinds = sorted({packet.stream_index for packet in packets})
    packets = [packet for packet in packets if packet.stream_index == kinds[stream % len(kinds)]]
    for packet in packets[int(first * len(packets)) : int(last * len(packets)) + 1]:
        assert packet.pos is not None
        data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    return bytes(data)


def _drop(data: bytearray, rng: Generator) -> bytes:
    """Drop packets, and write the remaining ones to a new container."""
    output = BytesIO()
    loss, run = rng.uniform(0.005, 0.2), int(rng.integers(1, 10))
    with av.open(BytesIO(bytes(data))) as source, av.open(output, "w", format=_muxer(source.format.name)) as target:
        assert isinstance(source, InputContainer)
        assert isinstance(target, OutputContainer)
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        dropping = 0
        for packet in source.demux():
            if packet.dts is None:
                continue
            dropping = run if rng.random() < loss / run else dropping
            if dropping:
                dropping -= 1
                continue
            packet.stream = streams[packet.stream_index]
            target.mux(packet)
    return output.getvalue()


def _muxer(demuxer: str) -> str:
    for name in ("mp4", "matroska", "mpegts", "flv", "wav", "mp3", "ogg", "flac", "asf"):
        if name in demuxer:
            return name
    return "matroska"


MUTATIONS: dict[str, Callable[[bytearray, Generator], bytes]] = {
    "bytes changed": _bytes,
    "range zeroed": _zeros,
    "cut off": _cut,
    "header changed": _header,
    "bytes inserted": _insert,
    "packets zeroed": _payload,
    "packets dropped": _drop,
}


def mutate(data: bytes, rng: Generator) -> tuple[str, bytes]:
    """Apply a random mutation; return its kind and the mutated file.

    A file that cannot be rewritten is truncated instead.
    """
    kind = list(MUTATIONS)[rng.integers(len(MUTATIONS))]
    try:
        return kind, MUTATIONS[kind](bytearray(data), rng)
    except (av.error.FFmpegError, ValueError, IndexError):
        return "cut off", _cut(bytearray(data), rng)
