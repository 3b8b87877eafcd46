"""Tracking of damaged video packets and of the frames that depend on them."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

ONE_FRAME_A_PACKET = frozenset({"av1", "libdav1d", "mpeg1video", "mpeg2video", "hevc"})
"""Decoders that drop a damaged packet without an error although each packet has a frame; others have hidden frames."""


LONGEST_DELAY = 16  # packets that a decoder takes before it returns the frame of the first


class DamagedError(Exception):
    """A frame cannot be decoded correctly: its packet, or one that it depends on, is damaged or missing."""

    def __init__(self, stamp: int) -> None:
        super().__init__(stamp)
        self.stamp = stamp


@dataclass
class Damage:
    """Tracks the packets since a keyframe that the decoder refused, dropped, or returned a corrupt frame for.

    A frame is whole if neither its own packet nor any before it is damaged, back to the last whole keyframe: the
    dependencies of frames are not known outside the decoder.
    """

    in_order: bool
    """Whether frames are stamped in the order in which they leave the decoder (the container has no other stamps)."""
    complete: bool
    """Whether every packet should give a frame."""
    delayed: bool
    """Whether the decoder gives frames later than their packets."""
    met: bool = False
    """Whether any damage was met."""
    lost: list[int] = field(default_factory=list)
    """Time stamps, in order, at which a frame should appear and none does."""
    _damaged: list[int] = field(default_factory=list)
    """Serial numbers, in order, of damaged packets since the last whole keyframe."""
    _awaited: dict[int, int] = field(default_factory=dict)
    """Serial number -> time stamp of packets whose frame the decoder has not returned yet."""
    _last: int | None = None
    """Time stamp of the last frame."""

    def fed(self, serial: int, stamp: int | None) -> None:
        """Record a packet sent to the decoder, whose frame is due at ``stamp``; ``None`` if it is not displayed."""
        if (self.complete or self.delayed) and stamp is not None and not self.in_order:
            self._awaited[serial] = stamp

    def refused(self, serial: int, stamp: int | None) -> None:
        """Record a packet that the decoder refused, whose frame was due at ``stamp``."""
        self._awaited.pop(serial, None)
        self._hit(serial)
        if stamp is not None:
            insort(self.lost, stamp)

    def returned(self, serial: int, stamp: int, corrupt: bool, key: bool) -> bool:
        """Record that the decoder returned the frame of a packet; returns whether the frame is whole."""
        self._awaited.pop(serial, None)
        if self.complete:
            self._passed_over(stamp)
        elif len(self._awaited) > LONGEST_DELAY:
            for overdue in [awaited for awaited in self._awaited if awaited < serial - LONGEST_DELAY]:
                del self._awaited[overdue]  # the packet has no frame of its own, such as the second field of one
        self._last = stamp
        if corrupt:
            self._hit(serial)
            return False
        if key and self._damaged:
            self._damaged = [damaged for damaged in self._damaged if damaged > serial]
        return not self._damaged or (self._damaged[0] > serial and not self.in_order)

    def pending(self, stamp: int, limit: int) -> bool:
        """Whether a packet's frame, due after ``stamp`` and by ``limit``, may still come out of the decoder."""
        return self.delayed and any(stamp < at <= limit for at in self._awaited.values())

    def late(self, serial: int, stamp: int) -> None:
        """Record a frame that came after one with a later time stamp, as packets between them are missing."""
        self._awaited.pop(serial, None)
        self.met = True
        insort(self.lost, stamp)

    def ended(self) -> None:
        """Record that no frame is left in the decoder."""
        if self.complete:
            self._passed_over(None)

    def _passed_over(self, stamp: int | None) -> None:
        """Record packets whose frames should have come before ``stamp`` (None: before the end) and did not."""
        due = [serial for serial, at in self._awaited.items() if stamp is None or at < stamp]
        for serial in due:
            at = self._awaited.pop(serial)
            if self._last is not None and at > self._last:  # before the first frame, others lead up to a keyframe
                self.refused(serial, at)

    def _hit(self, serial: int) -> None:
        self.met = True
        insort(self._damaged, serial)

    def check(self, current: int, limit: int) -> None:
        """Raise ``DamagedError`` if another frame than that stamped ``current`` should be on screen at ``limit``."""
        for stamp in self.lost:
            if stamp <= limit and (stamp > current or current > limit):
                raise DamagedError(stamp)
