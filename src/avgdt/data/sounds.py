"""The sound of several time spans of one file, decoded once where the spans overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avgdt.data.store import StoredRecording
from avgdt.media.recording import Recording
from avgdt.media.sound import Waveform


@dataclass(frozen=True)
class SoundSpan:
    """A stretch of sound to read."""

    start: float
    """Seconds on the recording's timeline."""
    samples: int
    """How many samples."""
    rate: int
    """Samples per second."""

    @property
    def first(self) -> int:
        """Index of the first sample on the grid of ``rate``, where the recording's own reader puts it."""
        return round(self.start * self.rate)

    @property
    def end(self) -> float:
        """Seconds at which it ends."""
        return (self.first + self.samples) / self.rate


def read_sounds(file: Recording | StoredRecording, spans: Sequence[SoundSpan]) -> list[Waveform]:
    """The waveform of each span, in order; raise ``MediaError`` where the sound cannot be read.

    A sample's value depends on its place alone: spans that overlap on the whole are cut from one reading.
    """
    rates = {span.rate for span in spans}
    begin, end = min((s.first for s in spans), default=0), max((s.first + s.samples for s in spans), default=0)
    if len(rates) != 1 or len(spans) < 2 or end - begin > sum(span.samples for span in spans):
        return [file.waveform(span.start, span.samples / span.rate, span.rate) for span in spans]
    (rate,) = rates
    whole = file.waveform(begin / rate, (end - begin) / rate, rate)

    def cut(span: SoundSpan) -> Waveform:
        ended = whole.end if whole.end is not None and whole.end < span.end else None
        return Waveform(whole.samples[span.first - begin :][: span.samples], span.first / rate, ended)

    return [cut(span) for span in spans]
