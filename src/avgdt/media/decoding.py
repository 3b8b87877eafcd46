"""Packets to frames, past the packets that a decoder refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avgdt.media.errors import Corrupt, Encrypted


class Decoder:
    """A stream's decoder that counts what it gives and remembers why it refused something.

    Raises ``Encrypted`` at an encrypted packet.
    """

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self.kind = stream.type
        self.context: CodecContext = stream.codec_context
        self.given = 0
        self.refused = 0
        self.refusal = ""
        self._skipped = ""  # the context's own answer is slow

    def video(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """The frames that this packet completes; ``None`` drains the decoder."""
        assert isinstance(self.context, VideoCodecContext)
        frames: list[VideoFrame] = []
        with self._refusals(packet):
            frames = self.context.decode(packet)
        self.given += len(frames)
        return frames

    def audio(self, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
        """The blocks of samples that this packet completes; ``None`` drains the decoder."""
        assert isinstance(self.context, AudioCodecContext)
        frames: list[AudioFrame] = []
        with self._refusals(packet):
            frames = self.context.decode(packet)
        self.given += len(frames)
        return frames

    @contextmanager
    def _refusals(self, packet: Packet[Any] | None) -> Iterator[None]:
        """Note why a packet is refused, and go on: a damaged packet does not end a recording."""
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise Encrypted(self.path, f"its {self.kind} is encrypted")  # it would decode to noise
        try:
            yield
        except (av.error.FFmpegError, MemoryError) as error:
            self.refused += 1
            self.refusal = getattr(error, "strerror", None) or str(error)

    def check(self) -> None:
        """Raise ``Corrupt`` when nothing was decoded."""
        if not self.given:
            raise Corrupt(self.path, f"nothing of its {self.kind} can be decoded ({self.refusal or 'no data'})")

    def skip_non_reference(self, skip: bool) -> None:
        """Whether frames that no other frame needs are dropped undecoded."""
        wanted: Literal["NONREF", "DEFAULT"] = "NONREF" if skip else "DEFAULT"
        if self._skipped != wanted:
            self.context.skip_frame = self._skipped = wanted
