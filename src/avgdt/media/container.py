"""Media containers: opening a file, selecting its video and audio streams, seeking, and reading packets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeVar, cast

import av.error
from av.audio.stream import AudioStream
from av.format import Flags
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from avgdt.media.errors import Corrupt, RecordingTooLarge
from avgdt.media.gaps import Cuts, first_hole
from avgdt.media.opening import MAX_PIXELS, open_container

MAX_SAMPLE_RATE = 768_000
"""Maximum accepted sample rate of an audio stream, in Hz."""
SEQUENTIAL_BYTES = 2**26
"""Maximum size, in bytes, of a file that is read from its start if its container does not support accurate seeks."""
WITHOUT_GAPS = frozenset({"mpegts", "mpeg", "ogg", "mp3", "flac", "aac", "ac3", "eac3"})
"""Container formats whose packets follow each other without gaps in time; a gap indicates damage."""
DROPPED_SECONDS = 0.1
"""Gap between packets above which packets count as missing, in seconds; cameras and rounding cause shorter gaps."""
# Up to the sum of these limits, bytes that belong to no packet are attributed to the container, not to lost packets.
OVERHEAD_BYTES = 256  # constant number of bytes
OVERHEAD_FRACTION = 0.15  # fraction of the bytes between the packets
OVERHEAD_PACKET_BYTES = 20  # bytes for each packet of another stream

Kind = Literal["video", "audio"]
AnyStream = TypeVar("AnyStream", bound=VideoStream | AudioStream)

# Decoders that do not mark partly decoded frames as corrupt. They are set to raise an error instead, which is possible
# because their frames are independent.
_UNFLAGGED = frozenset({"mjpeg", "mjpegb"})
_STILL_IMAGES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def tick(stream: VideoStream | AudioStream) -> Fraction:
    """Return the duration of one time stamp unit of the stream, in seconds."""
    assert stream.time_base is not None
    return stream.time_base


class Container:
    """An open media file with its best video stream and its best audio stream.

    Raises ``RecordingTooLarge`` and the errors of :func:`avgdt.media.opening.open_container`.
    """

    def __init__(self, path: Path, video: bool = True, audio: bool = True) -> None:
        self.path = path
        self._enabled = video, audio
        self._holes: dict[Kind, float | None] = {}
        self._cuts = Cuts(path)
        self._open()

    def _open(self) -> None:
        self.demuxer = open_container(self.path)
        self.video = self._best_video() if self._enabled[0] else None
        self.audio = self._best_audio() if self._enabled[1] else None
        self._fresh = True

    def _best_video(self) -> VideoStream | None:
        stream = self.demuxer.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & _STILL_IMAGES:  # such as cover art
            return None
        if stream.codec_context is not None:
            if stream.width * stream.height > MAX_PIXELS:
                raise RecordingTooLarge(self.path, f"frames of {stream.width} x {stream.height} pixels are too large")
            _prepare(stream)
        return stream

    def _best_audio(self) -> AudioStream | None:
        stream = self.demuxer.streams.best("audio")
        if not isinstance(stream, AudioStream):
            return None
        if stream.codec_context is not None:
            if stream.sample_rate > MAX_SAMPLE_RATE:
                raise RecordingTooLarge(self.path, f"its sample rate of {stream.sample_rate} Hz is too high")
            _prepare(stream)
        return stream

    def seekable(self, stream: VideoStream | AudioStream) -> bool:
        """Return whether positions in the stream are reached by seeking, not by reading the file from its start.

        In some formats, time stamps after a seek may differ from the time stamps in sequential reading. In raw streams,
        AVI and MPEG program streams, FFmpeg seeks by bytes or counts and estimates time stamps; Ogg stores time stamps
        of pages, not of packets. Files in these formats of up to ``SEQUENTIAL_BYTES`` are read from the start.
        """
        name = self.demuxer.format.name
        by_bytes = Flags.generic_index in Flags(self.demuxer.format.flags) or name in ("avi", "mpeg", "ogg")
        return _evenly_stored(stream) or not by_bytes or self.demuxer.size > SEQUENTIAL_BYTES

    def seek(self, stream: VideoStream | AudioStream, ticks: int) -> bool:
        """Seek to a keyframe at or before the time stamp ``ticks`` of the stream; return whether that succeeded."""
        if not self.seekable(stream):
            return False
        if self.demuxer.format.name == "ogg":  # after a seek in Ogg, FFmpeg continues the earlier time stamps
            self.rewind()
            stream = self.stream("video" if isinstance(stream, VideoStream) else "audio")
        self._fresh = False
        try:
            self.demuxer.seek(ticks, stream=stream, backward=True)
        except (av.error.FFmpegError, OverflowError):
            return False
        return True

    def rewind(self) -> None:
        """Go to the first packet; the stream objects may be replaced by new ones."""
        if not self._fresh:
            self.reopen()  # some demuxers cannot seek to the start reliably

    def reopen(self) -> None:
        """Open the file again, which replaces all streams and decoders and takes about 1 ms."""
        self.close()
        self._open()

    def packets(self, stream: AnyStream) -> Iterator[Packet[AnyStream]]:
        """Yield the packets of the stream from the current position on."""
        self._fresh = False
        for other in self.demuxer.streams:
            other.discard = Discard.default if other.index == stream.index else Discard.all
        try:
            for packet in self.demuxer.demux(stream):
                # PyAV marks the end with an empty packet.
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield cast("Packet[AnyStream]", packet)
        except (av.error.FFmpegError, IndexError):
            # The file is truncated. PyAV raises IndexError at the end if a stream appeared after the header.
            return

    @property
    def is_contiguous(self) -> bool:
        """Whether a gap between packets indicates damage, since the container format stores them without gaps."""
        return self.demuxer.format.name in WITHOUT_GAPS

    def lost_between(self, first: Packet[AnyStream], then: Packet[AnyStream]) -> bool:
        """Return whether packets are missing between two packets of a stream.

        A gap in time is not sufficient, as it may be silence or a long frame. Packets are missing if bytes in the gap
        belong to no packet, if both streams have a gap (see ``avgdt.media.gaps``), or if the container format allows no
        gaps.
        """
        if self.is_contiguous:
            return self._seconds_between(first, then) > DROPPED_SECONDS
        if self._cuts.between(first, then):
            return True
        if first.pos is None or then.pos is None or self.demuxer.format.name == "asf":  # ASF pads its packets
            return False
        used_up = first.size
        if isinstance(first.stream, AudioStream) and first.stream.codec_context.name.startswith("mp"):
            # The parser of MPEG audio includes unreadable bytes in this packet.
            used_up = min(used_up, 4 * then.size + OVERHEAD_BYTES)
        begin, end = first.pos + used_up, then.pos
        if end - begin <= OVERHEAD_BYTES:
            return False
        used = 0
        with open_container(self.path) as container:
            try:
                for packet in container.demux():
                    at = packet.pos
                    if at is not None and begin <= at < end:
                        used += packet.size + OVERHEAD_PACKET_BYTES
                    if at is not None and at > end + SEQUENTIAL_BYTES:
                        break
            except (av.error.FFmpegError, IndexError):
                pass
        return end - begin - used > OVERHEAD_BYTES + OVERHEAD_FRACTION * (end - begin)

    def check_known(self, kind: Kind, until: float, zero: float) -> None:
        """Raise ``Corrupt`` if times of a stream before container time ``until`` are unknown because of damage."""
        if kind not in self._holes:
            self._holes[kind] = first_hole(self.demuxer, self.path, self.stream(kind).index)
        hole = self._holes[kind]
        if hole is not None and until > hole:
            raise Corrupt(self.path, f"its {kind} is damaged at {hole - zero:.1f} s, so all later times are unknown")

    @staticmethod
    def _seconds_between(first: Packet[AnyStream], then: Packet[AnyStream]) -> float:
        stamps = [packet.dts if packet.dts is not None else packet.pts for packet in (first, then)]
        if stamps[0] is None or stamps[1] is None or first.time_base is None:
            return 0.0
        return float((stamps[1] - stamps[0] - (first.duration or 0)) * first.time_base)

    def stream(self, kind: Kind) -> VideoStream | AudioStream:
        """Return the video or audio stream, which must exist."""
        stream = self.video if kind == "video" else self.audio
        assert stream is not None
        return stream

    def start(self, kind: Kind) -> float | None:
        """Return the container time of the first packet of a stream according to its header, in seconds."""
        stream = self.stream(kind)
        return None if stream.start_time is None else float(stream.start_time * tick(stream))

    def end(self, kind: Kind) -> float:
        """Return the container time at which a stream ends, in seconds, from the header or else from its packets."""
        stream = self.stream(kind)
        if stream.duration is not None:
            return float(((stream.start_time or 0) + stream.duration) * tick(stream))
        if self.demuxer.duration is not None:
            # The duration counts from container time 0 in Matroska, and from the first packet in other containers.
            matroska = self.demuxer.format.name.startswith("matroska")
            return ((0 if matroska else self.demuxer.start_time or 0) + self.demuxer.duration) / 1e6
        return self._last_packet_end(kind)

    def _last_packet_end(self, kind: Kind) -> float:
        self.rewind()
        stream = self.stream(kind)
        ends, count = [], 0
        for packet in self.packets(stream):
            at = packet.pts if packet.pts is not None else packet.dts
            ends += [] if at is None else [at + (packet.duration or 0)]
            count += 1
        if not ends and isinstance(stream, VideoStream) and stream.average_rate:
            return float(count / stream.average_rate)  # raw streams have no time stamps
        return float(max(ends, default=0) * tick(stream))

    def close(self) -> None:
        """Close the media file."""
        self.demuxer.close()


def _evenly_stored(stream: VideoStream | AudioStream) -> bool:
    """Return whether seeks by bytes are exact, because the stream has uncompressed samples of constant size."""
    context = stream.codec_context
    if not isinstance(stream, AudioStream) or context is None or not context.name.startswith("pcm_"):
        return False
    digits = "".join(filter(str.isdigit, context.name))
    bits = stream.sample_rate * stream.channels * int(digits or 8)  # A-law and mu-law samples have eight bits
    return not context.bit_rate or context.bit_rate == bits


def _prepare(stream: VideoStream | AudioStream) -> None:
    stream.codec_context.thread_count = 1
    strict = {"err_detect": "explode"} if stream.codec_context.name in _UNFLAGGED else {}
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS), **strict}
    stream.codec_context.copy_opaque = True  # copies the opaque object of a packet to its frame
