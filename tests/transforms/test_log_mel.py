"""Tests of log-mel spectrograms against python_speech_features, on which the settings of the paper are based."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from python_speech_features import get_filterbanks, logfbank

from avgdt.recipes.clip import LogMel
from avgdt.transforms.errors import TransformError
from avgdt.transforms.log_mel import LogMelSpectrogram, log_mel, mel_filters, steps

RATE = 24000
PAPER = LogMel()
SPEECH = LogMel(mels=26, window=0.025, step=0.01, fft=512, low=50.0, high=7600.0, pre_emphasis=0.9)


def reference_log_mel(samples: np.ndarray, recipe: LogMel, rate: int) -> np.ndarray:
    return logfbank(
        samples.astype(np.float64),
        samplerate=rate,
        winlen=recipe.window,
        winstep=recipe.step,
        nfilt=recipe.mels,
        nfft=recipe.fft,
        lowfreq=recipe.low,
        highfreq=recipe.high,
        preemph=recipe.pre_emphasis,
    ).T


def avgdt_log_mel(samples: np.ndarray, recipe: LogMel, rate: int) -> np.ndarray:
    waveform = torch.from_numpy(samples.astype(np.float32))
    return log_mel(waveform, recipe, rate, mel_filters(recipe, rate)).numpy()


def signal(name: str, count: int, rate: int) -> np.ndarray:
    time = np.arange(count) / rate
    random = np.random.default_rng(3)
    match name:
        case "noise":
            return random.integers(-32768, 32768, count)
        case "faint noise":
            return random.integers(-1, 2, count)
        case "tone":
            return np.round(20000 * np.sin(2 * np.pi * 440 * time))
        case "high tone on a faint one":
            return np.round(30000 * np.sin(2 * np.pi * 7000 * time) + 3 * np.sin(2 * np.pi * 300 * time))
        case "click":
            return 32767 * (np.arange(count) == count // 2)
        case _:
            return np.full(count, {"silence": 0, "constant": 3000}[name])


NAMES = ["noise", "faint noise", "tone", "high tone on a faint one", "click", "silence", "constant"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("recipe", "rate"), [(PAPER, RATE), (SPEECH, 16000)])
def test_values_equal_those_of_python_speech_features(name: str, recipe: LogMel, rate: int) -> None:
    samples = signal(name, rate, rate)
    expected = reference_log_mel(samples, recipe, rate)
    np.testing.assert_allclose(avgdt_log_mel(samples, recipe, rate), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("count", [1, 100, 480, 481, 720, 721, 12345])
def test_the_number_of_steps_equals_that_of_python_speech_features(count: int) -> None:
    samples = signal("noise", count, RATE)
    expected = reference_log_mel(samples, PAPER, RATE)
    assert steps(PAPER, RATE, count) == expected.shape[1]
    np.testing.assert_allclose(avgdt_log_mel(samples, PAPER, RATE), expected, rtol=0, atol=1e-4)


def test_filters_equal_those_of_python_speech_features() -> None:
    np.testing.assert_allclose(mel_filters(PAPER, RATE), get_filterbanks(40, 1024, RATE, 0, 12000), atol=1e-12)
    np.testing.assert_allclose(mel_filters(SPEECH, 16000), get_filterbanks(26, 512, 16000, 50, 7600), atol=1e-12)


def test_silence_has_the_logarithm_of_the_machine_epsilon() -> None:
    np.testing.assert_allclose(avgdt_log_mel(np.zeros(RATE), PAPER, RATE), np.log(np.finfo(np.float64).eps), atol=1e-12)
    spectrogram = LogMelSpectrogram(PAPER, RATE)(torch.zeros(RATE))
    torch.testing.assert_close(spectrogram, torch.full((40, 99), (-36.0436533891 - 1.93) / 17.89))


def test_the_spectrogram_of_one_second_is_standardised() -> None:
    samples = signal("noise", RATE, RATE)
    spectrogram = LogMelSpectrogram(PAPER, RATE)(torch.from_numpy(samples.astype(np.float32)))
    assert spectrogram.shape == (40, 99)
    assert spectrogram.dtype == torch.float32
    np.testing.assert_allclose(spectrogram, (reference_log_mel(samples, PAPER, RATE) - 1.93) / 17.89, rtol=0, atol=1e-5)


def test_spectrograms_of_a_batch_are_computed_independently() -> None:
    bank = LogMelSpectrogram(PAPER, RATE)
    waveforms = torch.from_numpy(np.stack([signal(name, 6000, RATE) for name in NAMES[:6]]).astype(np.float32))
    together = bank(waveforms.view(2, 3, 6000))
    assert together.shape == (2, 3, 40, bank.steps(6000))
    separate = torch.stack([bank(waveform) for waveform in waveforms]).view_as(together)
    torch.testing.assert_close(together, separate, rtol=0, atol=1e-6)


def test_spectrograms_are_float32_within_autocast() -> None:
    bank = LogMelSpectrogram(PAPER, RATE)
    waveform = torch.from_numpy(signal("noise", RATE, RATE).astype(np.float32))
    expected = bank(waveform)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(bank(waveform), expected)


@pytest.mark.parametrize(
    ("recipe", "rate", "says"),
    [
        (PAPER, 16000, "half of clip.sample_rate"),
        (LogMel(low=500, high=400), RATE, "low 500 and high 400"),
        (LogMel(fft=256, window=0.01), RATE, "40 mels are too many"),
        (LogMel(window=0.05), RATE, "raise log_mel.fft"),
    ],
)
def test_invalid_settings_are_refused(recipe: LogMel, rate: int, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        LogMelSpectrogram(recipe, rate)
