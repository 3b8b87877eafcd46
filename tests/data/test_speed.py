"""Tests of clips that are played faster or slower than they were recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Reversal, Speed, TimeShift
from avgdt.data.batch import collate
from avgdt.data.clips import ClipReader, Item
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window, unfit
from avgdt.recipes.clip import Clip, LogMel
from avgdt.transforms.views import Views
from tests.helpers.media_files import evenly, noise, tone, write_media

RATE, FRAMES, BRIGHTER = 25, 75, 2
CLIP = Clip(frames=5, frame_rate=12.5, height=24, width=32, audio_seconds=0.4, sample_rate=16000)
HERTZ = 500.0


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a recording of 3 s whose grey level increases by 2 per frame and whose audio is a tone."""
    images = [np.full((24, 32, 3), 40 + BRIGHTER * i, dtype=np.uint8) for i in range(FRAMES)]
    path = tmp_path_factory.mktemp("speed") / "ramp.mkv"
    waveform = tone(3, 16000, HERTZ)
    options = {"crf": "0", "preset": "ultrafast"}
    return write_media(path, evenly(FRAMES, RATE), waveform, size=(24, 32), images=images, video_options=options)


def read(path: Path, *windows: Window, clip: Clip = CLIP) -> Item:
    return ClipReader(clip, ("video", "audio"), grey=True).read(0, Entry(path), windows)


def hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return float(spectrum.argmax() * CLIP.sample_rate / (1 << 17))


@pytest.mark.parametrize("speed", [1.0, 2.0, 0.5, 1.5])
def test_speed_scales_the_frame_distance_and_the_pitch(speed: float, ramp: Path) -> None:
    item = read(ramp, Window(0.4, speed=speed))
    assert item.video is not None
    assert item.audio is not None
    assert item.video_times is not None
    assert item.audio_start is not None
    requested = 0.4 + speed * np.arange(5) / 12.5
    expected = np.floor(requested * RATE + 1e-6)
    assert item.video_times[0] == pytest.approx(expected / RATE, abs=1e-3)
    steps = np.diff(item.video[0, 0].mean(axis=(1, 2)))
    assert steps == pytest.approx(BRIGHTER * np.diff(expected), abs=2.5)
    assert item.audio.shape == (1, CLIP.samples)
    assert item.audio_start == pytest.approx([0.4], abs=1e-3)
    assert hertz(item.audio[0]) == pytest.approx(speed * HERTZ, abs=1)


def test_faster_audio_covers_a_longer_span(tmp_path: Path) -> None:
    waveform = noise(2, 8000)
    path = write_media(tmp_path / "a.mkv", evenly(50), waveform, size=(24, 32), sample_rate=8000)
    item = read(path, Window(0.2, speed=2.0))
    # At double speed, 0.4 s at 16 kHz (6400 samples) are 0.8 s of the recording at its own rate of 8 kHz.
    assert item.audio is not None
    np.testing.assert_allclose(item.audio[0], waveform[0, 1600:8000], atol=1)


def test_a_fractional_sample_rate_keeps_the_number_of_samples(ramp: Path) -> None:
    item = read(ramp, Window(0.0, speed=1.7), Window(0.0))
    assert item.audio is not None
    assert item.audio.shape == (2, CLIP.samples)
    assert hertz(item.audio[0]) == pytest.approx(1.7 * HERTZ, abs=1)


def test_every_view_gets_the_window_of_its_speed(ramp: Path) -> None:
    composition = Composition(
        Modality(), TimeShift(0.5, invariant=True), Reversal(invariant=True), Speed((1.0, 2.0), distinctive=True)
    )
    windows = [
        Window(0.0),
        Window(0.0, speed=2.0),
        Window(1.0),
        Window(1.0, speed=2.0),
    ]  # the order of composition.clips
    views = Views(composition, CLIP, LogMel(high=8000.0), 1, 0)(collate([read(ramp, *windows)]), augment=False)
    sizes = {(view.modality, tuple(made.shape)) for view, made in zip(composition.views, views, strict=True)}
    assert len(sizes) == 2
    for view, made in zip(composition.views, views, strict=True):
        if view.modality == "video":
            grey = (made[0, 0].mean(dim=(1, 2)) * 0.225 + 0.45) * 255
            step = BRIGHTER * RATE / 12.5 * view.speed * (-1 if view.reversed else 1)
            np.testing.assert_allclose(torch.diff(grey).numpy(), step, atol=2.5)
            first = grey[-1] if view.reversed else grey[0]
            at = {"now": 0, "later": RATE}[view.window]
            assert float(first) == pytest.approx(40 + BRIGHTER * at, abs=4)
    sounds = {view.name: made for view, made in zip(composition.views, views, strict=True) if view.modality == "audio"}
    loudest = {name: int(made[0, 0].mean(dim=1).argmax()) for name, made in sounds.items()}
    assert all(loudest[f"{name} 2x"] > loudest[name] for name in loudest if not name.endswith("2x"))


def test_a_recording_must_be_as_long_as_the_longest_window() -> None:
    entry = Entry(
        Path("a.mkv"), has_video=True, has_audio=True, video_start=0, video_end=1.0, audio_start=0, audio_end=1.0
    )
    plain, fast = Composition(Modality()), Composition(Modality(), Speed((1.0, 3.0), invariant=True))
    assert unfit(entry, plain, CLIP) == ""
    assert unfit(entry, fast, CLIP) == "too short: 1.00 s with all modalities, 1.20 s needed"
    assert unfit(replace(entry, video_end=1.2, audio_end=1.2), fast, CLIP) == ""
    assert unfit(entry, Composition(Modality(), Speed((1.0, 0.5), invariant=True)), CLIP) == ""
