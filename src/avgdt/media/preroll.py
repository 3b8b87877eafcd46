"""How far ahead of a position each audio decoder must start to give the samples of a sequential decode.

Some decoders forget: a little later, nothing is left of where they began. Others never do. AAC and AC-3 fill bands with
noise from one generator that runs on, MP2 dithers, WMA carries exponents over, ADPCM and G.72x add differences up. What
is not known to forget is read from the first packet, where that is near, and behind that in segments that always begin
at the same places: a sample depends on its place alone, whatever was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from avgdt.media.source import SEQUENTIAL_BYTES

FROM_START_SECONDS = 5.0
"""Moments up to here are read from the first packet where a decoder does not forget.

In the segments behind it, noise that a decoder makes up differs from that of reading everything.
"""

_FORGETTING = {
    "alac": 0.25,
    "flac": 0.25,
    "mp3": 0.25,  # draws on up to ten earlier blocks
    "mp3float": 0.25,
    "opus": 2.0,  # predicts each band's energy from the block before, at worst with a factor of 0.9 per 2.5 ms
    "tta": 0.25,
    "vorbis": 0.25,
    "wavpack": 0.25,
}
_OTHERWISE = 0.25
_RUNNING = ("dpcm", "g72")  # parts of names of decoders that add differences up


@dataclass(frozen=True)
class Preroll:
    """Amount of audio that is decoded and discarded before a position."""

    seconds: float
    """From so far ahead of a moment on it is decoded, where not from the first packet."""
    from_start: float
    """Moments up to so many seconds behind the first packet are read from there: none of them at -inf."""
    memory: float
    """Seconds after which nothing is heard any more of a damaged packet."""

    @classmethod
    def of(cls, decoder: str, size: int) -> Preroll:
        """The pre-roll of a decoder, by name, in a file of ``size`` bytes."""
        if any(name in decoder for name in _RUNNING) and not decoder.startswith("pcm_"):
            return cls(_OTHERWISE, inf if size <= SEQUENTIAL_BYTES else FROM_START_SECONDS, inf)
        if decoder.startswith("pcm_"):
            return cls(_OTHERWISE, -inf, 0.0)
        seconds = _FORGETTING.get(decoder, _OTHERWISE)
        return cls(seconds, -inf if decoder in _FORGETTING else FROM_START_SECONDS, seconds)
