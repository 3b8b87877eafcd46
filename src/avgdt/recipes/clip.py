"""Configuration of clips: length and resolution, normalisation of pixels, and log-mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.checks import above, at_least, fraction


@dataclass(frozen=True)
class Clip:
    """Size of a clip, which consists of frames and a waveform."""

    frames: int = 30
    """Number of frames in a clip."""
    frame_rate: float = 30.0
    """Frame rate of a clip, in Hz; frames are sampled by timestamp from video of any frame rate."""
    height: int = 128
    """Height, in pixels, to which frames are scaled when they are decoded."""
    width: int = 171
    """Width, in pixels, to which frames are scaled when they are decoded."""
    audio_seconds: float = 1.0
    """Length of the audio of a clip, in seconds."""
    sample_rate: int = 24000
    """Sample rate of the audio of a clip, in Hz; audio is resampled to it and converted to mono."""

    def __post_init__(self) -> None:
        for name in ("frames", "height", "width", "sample_rate"):
            at_least(f"clip.{name}", getattr(self, name), 1)
        above("clip.frame_rate", self.frame_rate, 0)
        at_least("clip.audio_seconds", self.audio_seconds, 1 / self.sample_rate)

    @property
    def video_seconds(self) -> float:
        """Length of the video of a clip, in seconds."""
        return self.frames / self.frame_rate

    @property
    def samples(self) -> int:
        """Number of audio samples in a clip."""
        return round(self.audio_seconds * self.sample_rate)

    @property
    def seconds(self) -> float:
        """Length of a clip in seconds: that of its video or its audio, whichever is longer."""
        return max(self.video_seconds, self.audio_seconds)


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of pixel values, which lie between 0 and 1; identical in training and evaluation."""

    mean: float = 0.45
    """Mean that is subtracted from every pixel value."""
    std: float = 0.225
    """Standard deviation by which every pixel value is divided."""
    subtract_mean_frame: float = 0.0
    """Weight, from 0 to 1, of the clip's mean frame in the subtracted mean: 0 subtracts ``mean``, and 1 subtracts the
    mean frame, so that only motion remains (not in the paper; for recordings of a single scene)."""

    def __post_init__(self) -> None:
        above("normalisation.std", self.std, 0)
        fraction("normalisation.subtract_mean_frame", self.subtract_mean_frame)


@dataclass(frozen=True)
class LogMel:
    """Log-mel spectrogram, the input of the audio encoder (section 4.1 of the paper).

    It is computed as in ``python_speech_features.logfbank`` from waveforms on the int16 scale, then standardised.
    """

    mels: int = 40
    """Number of triangular mel filters."""
    window: float = 0.02
    """Length of the rectangular analysis window, in seconds."""
    step: float = 0.01
    """Time between the starts of consecutive windows, in seconds."""
    fft: int = 1024
    """Number of points of the discrete Fourier transform."""
    low: float = 0.0
    """Lowest frequency of the mel filters, in Hz."""
    high: float = 12000.0
    """Highest frequency of the mel filters, in Hz, at most half the sample rate."""
    pre_emphasis: float = 0.97
    """Coefficient of the pre-emphasis filter."""
    mean: float = 1.93
    """Mean that is subtracted from every log-mel value."""
    std: float = 17.89
    """Standard deviation by which every log-mel value is divided."""

    def __post_init__(self) -> None:
        for name in ("mels", "fft"):
            at_least(f"log_mel.{name}", getattr(self, name), 1)
        for name in ("window", "step", "std"):
            above(f"log_mel.{name}", getattr(self, name), 0)
