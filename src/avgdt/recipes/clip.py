"""When and how much: the time windows of a recording that the network sees and hears."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.limits import above, at_least, share


@dataclass(frozen=True)
class Clip:
    """One clip: the frames and the second of sound that one view is made from."""

    frames: int = 30
    """Frames in a clip."""
    frame_rate: float = 30.0
    """Frames per second at which a clip is sampled (by timestamp, from any native rate)."""
    height: int = 128
    """Height in pixels to which every frame is scaled while decoding."""
    width: int = 171
    """Width in pixels to which every frame is scaled while decoding."""
    audio_seconds: float = 1.0
    """Seconds of sound in a clip."""
    sample_rate: int = 24000
    """Samples per second (Hz) to which sound is resampled, mono."""

    def __post_init__(self) -> None:
        for name in ("frames", "height", "width", "sample_rate"):
            at_least(f"clip.{name}", getattr(self, name), 1)
        above("clip.frame_rate", self.frame_rate, 0)
        at_least("clip.audio_seconds", self.audio_seconds, 1 / self.sample_rate)

    @property
    def video_seconds(self) -> float:
        """Seconds that the frames of a clip span."""
        return self.frames / self.frame_rate

    @property
    def samples(self) -> int:
        """Samples of sound in a clip."""
        return round(self.audio_seconds * self.sample_rate)

    @property
    def seconds(self) -> float:
        """Seconds of a recording that a clip needs, the longer of picture and sound."""
        return max(self.video_seconds, self.audio_seconds)


@dataclass(frozen=True)
class Normalisation:
    """How pixels, from 0 to 1, become what the video network sees; in training and evaluation alike."""

    mean: float = 0.45
    """Subtracted from every pixel."""
    std: float = 0.225
    """Divides every pixel."""
    subtract_mean_frame: float = 0.0
    """Share, 0 to 1, of the still picture that is subtracted: of each pixel's mean over the clip, in place of that
    share of ``mean``. At 1 only what moves is seen (not in the paper; for recordings that share one scene)."""

    def __post_init__(self) -> None:
        above("normalisation.std", self.std, 0)
        share("normalisation.subtract_mean_frame", self.subtract_mean_frame)


@dataclass(frozen=True)
class LogMel:
    """The log mel filter bank that the audio network sees (section 4.1 of the paper; the values of
    ``python_speech_features.logfbank`` on the int16 scale, then standardised)."""

    mels: int = 40
    """Triangular mel filters."""
    window: float = 0.02
    """Seconds in an analysis window (rectangular)."""
    step: float = 0.01
    """Seconds between two windows."""
    fft: int = 1024
    """Points of the Fourier transform."""
    low: float = 0.0
    """Lowest frequency in Hz."""
    high: float = 12000.0
    """Highest frequency in Hz (at most half the sample rate)."""
    pre_emphasis: float = 0.97
    """Coefficient of the pre-emphasis filter."""
    mean: float = 1.93
    """Subtracted from every value."""
    std: float = 17.89
    """Divides every value."""

    def __post_init__(self) -> None:
        for name in ("mels", "fft"):
            at_least(f"log_mel.{name}", getattr(self, name), 1)
        for name in ("window", "step", "std"):
            above(f"log_mel.{name}", getattr(self, name), 0)
