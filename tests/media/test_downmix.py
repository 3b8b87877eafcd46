"""Tests of the downmix of channels to mono without cancellation, and of the detection of digital silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality
from avgdt.data.errors import ManifestError
from avgdt.data.inspection import inspect
from avgdt.data.manifest import read_manifest, write_manifest
from avgdt.data.scan_summary import summary
from avgdt.data.windows import unfit
from avgdt.evaluation.plans import unusable_segment
from avgdt.evaluation.segments import Segment
from avgdt.media.recording import Recording
from avgdt.recipes.clip import Clip
from tests.helpers.media_files import noise, write_media, write_wav


def test_channels_out_of_phase_do_not_cancel(tmp_path: Path) -> None:
    waveform = noise(4, 16000)
    path = write_wav(tmp_path / "a.wav", np.concatenate([waveform, -waveform]), 16000)
    entry = inspect(path)
    assert (entry.downmix, entry.silent) == ("first", False)
    with Recording(path) as recording:
        assert recording.downmix == "first"
        assert np.array_equal(recording.waveform(1, 1, 16000).samples, waveform[0, 16000:32000])
    with Recording(path, downmix="mean") as recording:
        assert not recording.waveform(1, 1, 16000).samples.any()


@pytest.mark.parametrize("other", ["same", "unrelated", "silent", "out of phase at the start"])
def test_the_mean_is_used_if_channels_do_not_cancel(tmp_path: Path, other: str) -> None:
    waveform = noise(4, 16000)
    second = {
        "same": waveform,
        "unrelated": noise(4, 16000, seed=1),
        "silent": np.zeros_like(waveform),
        "out of phase at the start": np.concatenate([-waveform[:, :16000], waveform[:, 16000:]], axis=1),
    }[other]
    path = write_wav(tmp_path / "a.wav", np.concatenate([waveform, second]), 16000)
    assert inspect(path).downmix == "mean"
    with Recording(path) as recording:
        mean = (waveform[0].astype(float) + second[0]) / 2
        assert np.allclose(recording.waveform(2, 1, 16000).samples, mean[32000:48000], atol=1e-2)


def surround(**channels: np.ndarray) -> np.ndarray:
    """Return the channels FL, FR, FC, LFE, BL and BR, (6, samples); channels that are not given are silent."""
    quiet = np.zeros_like(next(iter(channels.values())))
    return np.concatenate([channels.get(name, quiet) for name in ("FL", "FR", "FC", "LFE", "BL", "BR")])


def late(waveform: np.ndarray) -> np.ndarray:
    """Return 20 s of audio that is silent except from 6 to 9 s, where the inspection takes no samples."""
    long = np.zeros((1, 320000), dtype=np.int16)
    long[:, 96000:144000] = waveform[:, :48000]
    return long


@pytest.mark.parametrize("form", ["wav", "flac"])
@pytest.mark.parametrize(
    ("case", "downmix"),
    [
        ("rear out of phase", "channel 5"),
        ("one rear channel louder", "channel 6"),
        ("silent at first and out of phase", "channel 5"),
        ("stereo, silent at first and out of phase", "first"),
        ("amplitude below the number of channels", "channel 4"),
    ],
)
def test_audio_is_found_in_any_channel(tmp_path: Path, case: str, downmix: str, form: str) -> None:
    waveform = noise(4, 16000) // 2
    sounds = {
        "rear out of phase": surround(BL=waveform, BR=-waveform),
        "one rear channel louder": surround(
            FL=waveform // 100, BL=-waveform - waveform // 100, BR=waveform + waveform // 64
        ),
        "silent at first and out of phase": surround(BL=late(waveform), BR=-late(waveform)),
        "stereo, silent at first and out of phase": np.concatenate([late(waveform), -late(waveform)]),
        "amplitude below the number of channels": surround(LFE=np.sign(waveform) * 3),
    }
    path = tmp_path / "a.mka"
    codec = {"wav": "pcm_s16le", "flac": "flac"}[form]
    write_media(path, None, sounds[case], sample_rate=16000, audio_codec=codec, container="matroska")
    entry = inspect(path)
    assert (entry.downmix, entry.silent, entry.extra) == (downmix, False, {})
    at = 0 if "silent at first" not in case else 6
    expected = sounds[case][0 if downmix == "first" else int(downmix[-1]) - 1]
    for given in ("auto", entry.downmix):
        with Recording(path, downmix=given) as recording:
            assert np.array_equal(recording.waveform(at, 2, 16000).samples, expected[at * 16000 :][:32000])
    write_manifest([entry], tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv")[0].downmix == downmix


def test_the_mean_is_used_for_one_channel_of_six_and_for_late_audio(tmp_path: Path) -> None:
    waveform = noise(20, 16000)
    dither = np.tile(np.array([[0, 1]], dtype=np.int16), 160000)
    kept = {
        "one": surround(LFE=waveform),
        "late": surround(BL=late(waveform)),
        "dither": np.concatenate([dither, 0 * dither]),
    }
    kept["dither"][:, 96000:144000] = waveform[:, :48000]
    for name, channels in kept.items():
        path = write_wav(tmp_path / f"{name}.wav", channels, 16000)
        assert (inspect(path).downmix, inspect(path).silent) == ("mean", False)
        with Recording(path) as recording:
            mean = channels.astype(float).mean(axis=0)
            assert np.allclose(recording.waveform(6, 2, 16000).samples, mean[96000:128000], atol=1e-2)


def test_the_mean_is_used_for_frames_without_the_channel(tmp_path: Path) -> None:
    waveform = noise(2, 16000, channels=2)
    with Recording(write_wav(tmp_path / "a.wav", waveform, 16000), downmix="channel 6") as recording:
        mean = waveform.astype(float).mean(axis=0)
        assert np.allclose(recording.waveform(0, 1, 16000).samples, mean[:16000], atol=1e-2)


def test_audio_that_is_silent_throughout_is_reported(tmp_path: Path) -> None:
    quiet = np.zeros((1, 160000), dtype=np.int16)
    click = quiet.copy()
    click[0, 55555] = 3000
    silent = inspect(write_wav(tmp_path / "silent.wav", quiet, 16000))
    clicks = inspect(write_wav(tmp_path / "clicks.wav", click, 16000))
    assert (silent.silent, clicks.silent) == (True, False)
    assert silent.extra["note"] == "its audio is silent throughout"
    film = replace(silent, has_video=True, video_start=0.0, video_end=10.0)
    assert unfit(film, Composition(Modality()), Clip()) == "its audio is silent throughout"
    assert unfit(replace(film, silent=False), Composition(Modality()), Clip()) == ""
    assert unusable_segment(Segment(0, "test"), silent, ("audio",)) == "its audio is silent throughout"
    assert unusable_segment(Segment(0, "test"), clicks, ("audio",)) == ""
    assert ("silent throughout", "1 file, such as silent.wav") in summary([silent, clicks])


def test_the_manifest_stores_downmix_and_silence(tmp_path: Path) -> None:
    waveform = noise(2, 16000)
    entry = inspect(write_wav(tmp_path / "a.wav", np.concatenate([waveform, -waveform]), 16000))
    write_manifest([entry], tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text().splitlines()[0].endswith("silent,downmix,error")
    (read_back,) = read_manifest(tmp_path / "m.csv")
    assert (read_back.downmix, read_back.silent) == ("first", False)
    (tmp_path / "m.csv").write_text("path,downmix\na.wav,loudest\n")
    with pytest.raises(ManifestError, match="line 2, column `downmix`: `loudest` is not mean, first or a channel"):
        read_manifest(tmp_path / "m.csv")
