"""Frames in the order in which they are shown, with their time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from av.video.frame import VideoFrame

from avgdt.media.approach import Approach
from avgdt.media.decoding import Decoder


class BackwardsError(Exception):
    """Frames in the order of presentation have time stamps in another order."""


@dataclass(frozen=True)
class Shown:
    """A frame and when it appears."""

    stamp: int
    """Presentation time stamp."""
    frame: VideoFrame
    """The decoded frame."""

    @property
    def end(self) -> int:
        """Time stamp at which the frame disappears, if the container says so; else its own."""
        return self.stamp + max(0, self.frame.duration or 0)


def shown(decoder: Decoder, way: Approach, skip: bool = False) -> Iterator[Shown]:
    """The frames of an approach; with ``skip``, those that no other needs are left out before the wanted one.

    Ends early where a frame's time or wholeness can be had only from further back. Raises ``BackwardsError``.
    """
    last: int | None = None
    for packet in chain(way.packets, (None,)):  # None drains the decoder
        if packet is not None:
            early = skip and way.first is not None and packet.pts is not None and packet.pts < way.first
            decoder.skip_non_reference(early)
        for frame in decoder.video(packet):
            stamp = way.stamps.frame(frame, last)
            if stamp is None and way.from_start:
                stamp = 0
            if stamp is None or (last is None and not way.from_start and not frame.key_frame):
                return
            if last is not None and stamp < last and way.stamps.may_run_backwards:
                raise BackwardsError
            last = stamp
            yield Shown(stamp, frame)
