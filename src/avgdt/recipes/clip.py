"""Clips of a recording: their length and resolution, the normalisation of pixels and the log-mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.checks import above, at_least, share


@dataclass(frozen=True)
class Clip:
    """Size of a clip: the frames and the waveform from which one view is made."""

    frames: int = 30
    """Frames in a clip."""
    frame_rate: float = 30.0
    """Frames per second at which a clip is sampled, by timestamp, from video of any frame rate."""
    height: int = 128
    """Height in pixels to which every frame is scaled while decoding."""
    width: int = 171
    """Width in pixels to which every frame is scaled while decoding."""
    audio_seconds: float = 1.0
    """Seconds of audio in a clip."""
    sample_rate: int = 24000
    """Samples per second (Hz) to which audio is resampled, mono."""

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
        """Audio samples in a clip."""
        return round(self.audio_seconds * self.sample_rate)

    @property
    def seconds(self) -> float:
        """Seconds of a recording that a clip needs, the longer of video and audio."""
        return max(self.video_seconds, self.audio_seconds)


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of pixels in 0 to 1 before the video encoder, the same in training and evaluation."""

    mean: float = 0.45
    """Subtracted from every pixel."""
    std: float = 0.225
    """Divides every pixel."""
    subtract_mean_frame: float = 0.0
    """Share, 0 to 1, of the clip's mean frame to subtract in place of the same share of ``mean``: at 1 only motion
    remains (not in the paper; for recordings that share one scene)."""

    def __post_init__(self) -> None:
        above("normalisation.std", self.std, 0)
        share("normalisation.subtract_mean_frame", self.subtract_mean_frame)


@dataclass(frozen=True)
class LogMel:
    """The log-mel spectrogram, the input of the audio encoder (section 4.1 of the paper).

    Its values are those of ``python_speech_features.logfbank`` on the int16 scale, then standardised.
    """

    mels: int = 40
    """Number of triangular mel filters."""
    window: float = 0.02
    """Seconds in an analysis window (rectangular)."""
    step: float = 0.01
    """Seconds between the starts of two windows."""
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
