"""Tracking of damaged video packets and of the frames that may depend on damaged packets."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

ONE_FRAME_A_PACKET = frozenset({"av1", "libdav1d", "mpeg1video", "mpeg2video", "hevc"})
"""Decoders that return a displayed frame for each packet; a missing frame indicates a damaged packet."""

LONGEST_DELAY = 16
"""Maximum number of packets that a decoder reads before it returns the frame of the first of them."""


class DamagedError(Exception):
    """Raised if the packet of a frame, or a packet on which the frame depends, is damaged or missing."""

    def __init__(self, stamp: int) -> None:
        super().__init__(stamp)
        self.stamp = stamp


@dataclass
class Damage:
    """A record of the damaged packets since a keyframe: packets rejected, dropped, or decoded to a corrupt frame.

    A frame counts as undamaged if no packet from the last undamaged keyframe up to its own packet is damaged, because
    the dependencies of frames are not known outside the decoder.
    """

    in_order: bool
    """Whether frames have decoding time stamps, which increase in the order in which the decoder returns frames."""
    complete: bool
    """Whether the decoder must return a displayed frame for every packet."""
    delayed: bool
    """Whether the decoder may return a frame after it has read later packets."""
    met: bool = False
    """Whether any damage was found."""
    lost: list[int] = field(default_factory=list)
    """Sorted time stamps of missing frames."""
    _damaged: list[int] = field(default_factory=list)
    """Sorted serial numbers of the damaged packets since the last undamaged keyframe."""
    _awaited: dict[int, int] = field(default_factory=dict)
    """Time stamps, by serial number, of the packets whose frames the decoder has not returned yet."""
    _last: int | None = None
    """Time stamp of the last frame that the decoder returned."""

    def fed(self, serial: int, stamp: int | None) -> None:
        """Record a packet sent to the decoder, and the time stamp of its frame (``None`` if not displayed)."""
        if (self.complete or self.delayed) and stamp is not None and not self.in_order:
            self._awaited[serial] = stamp

    def refused(self, serial: int, stamp: int | None) -> None:
        """Record a packet that the decoder rejected; ``stamp`` is the time stamp of its frame."""
        self._awaited.pop(serial, None)
        self._hit(serial)
        if stamp is not None:
            insort(self.lost, stamp)

    def returned(self, serial: int, stamp: int, corrupt: bool, key: bool) -> bool:
        """Record that the decoder returned the frame of a packet; return whether the frame is undamaged."""
        self._awaited.pop(serial, None)
        if self.complete:
            self._passed_over(stamp)
        elif len(self._awaited) > LONGEST_DELAY:
            for overdue in [awaited for awaited in self._awaited if awaited < serial - LONGEST_DELAY]:
                del self._awaited[overdue]  # the packet has no frame of its own, such as the second field of a frame
        self._last = stamp
        if corrupt:
            self._hit(serial)
            return False
        if key and self._damaged:
            self._damaged = [damaged for damaged in self._damaged if damaged > serial]
        return not self._damaged or (self._damaged[0] > serial and not self.in_order)

    def pending(self, stamp: int, limit: int) -> bool:
        """Return whether the decoder may still return a frame with a time stamp after ``stamp`` and up to ``limit``."""
        return self.delayed and any(stamp < at <= limit for at in self._awaited.values())

    def late(self, serial: int, stamp: int) -> None:
        """Record a frame returned after a frame with a later time stamp, which indicates missing packets."""
        self._awaited.pop(serial, None)
        self.met = True
        insort(self.lost, stamp)

    def ended(self) -> None:
        """Record that the decoder has returned all frames."""
        if self.complete:
            self._passed_over(None)

    def _passed_over(self, stamp: int | None) -> None:
        """Record the packets whose frames are missing before ``stamp``, or before the end if ``stamp`` is ``None``."""
        due = [serial for serial, at in self._awaited.items() if stamp is None or at < stamp]
        for serial in due:
            at = self._awaited.pop(serial)
            if self._last is not None and at > self._last:  # leading frames may be missing without damage
                self.refused(serial, at)

    def _hit(self, serial: int) -> None:
        self.met = True
        insort(self._damaged, serial)

    def check(self, current: int, limit: int) -> None:
        """Raise ``DamagedError`` if a missing frame should be on screen at the time stamp ``limit``.

        ``current`` is the time stamp of the decoded frame that would otherwise be on screen.
        """
        for stamp in self.lost:
            if stamp <= limit and (stamp > current or current > limit):
                raise DamagedError(stamp)
