from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.data.manifest import Entry
from avgdt.evaluation.features import conv5_features, extract
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import AUDIO, SubClips, log_mel_inputs, on_sub_clips, plan_sub_clips
from avgdt.media.recording import Recording
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected
from tests.helpers.media_files import noise, write_wav

TEN = SubClips(10, 2.0)


@pytest.fixture(scope="module")
def waveform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("sub_clips") / "a.wav", noise(5, 8000), 8000)


@torch.inference_mode()
def test_ten_sub_clips_of_two_seconds_start_a_third_of_a_second_apart(model: PretrainedModel, waveform: Path) -> None:
    with Recording(waveform) as file:
        entries = [Entry.of(file.info)]
    model = on_sub_clips(model, TEN)
    plans, skipped = plan_sub_clips(model, [Segment(0, "1", "a")], entries, TEN)
    assert not skipped
    np.testing.assert_allclose([w.video for w in plans[0].windows], [i / 3 for i in range(10)])
    samples = noise(5, 8000)[0].astype(np.float32)
    cut = np.stack([samples[round(8000 * i / 3) :][:16000] for i in range(10)])
    views = model.views.preprocessing.log_mel(torch.from_numpy(cut))
    assert views.shape == (10, 16, 199)
    shown = log_mel_inputs(inspected(model, model), [Segment(0, "1", "a")], entries, TEN)
    np.testing.assert_allclose(shown, views.numpy()[None], atol=1e-4)
    # Reference for the pooling: maxima of three neighbouring time steps, with a stride of two.
    maps = model.phi.feature_map("audio", views[:, None])
    pooled = torch.stack([maps[..., t : t + 3].amax(dim=-1) for t in (0, 2, 4)], dim=-1)
    assert maps.shape == (10, 32, 1, 7)
    extraction = extract([model], entries, plans, AUDIO, conv5_features, workers=0, average=False).vectors[0]["audio"]
    assert extraction.shape == (1, 10, 32 * 1 * 3)
    np.testing.assert_allclose(extraction[0], pooled.flatten(1).numpy(), rtol=1e-4, atol=1e-4)


def test_short_recordings_are_padded_with_silence(model: PretrainedModel, waveform: Path, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "short.wav", noise(0.7, 8000), 8000)
    with Recording(path) as file:
        entries = [Entry.of(file.info)]
    model = on_sub_clips(model, TEN)
    plans, _ = plan_sub_clips(model, [Segment(0, "1", "a")], entries, TEN)
    assert {window.video for window in plans[0].windows} == {0.0}
    broken = [replace(entries[0], error="broken")]
    assert plan_sub_clips(model, [Segment(0, "1", "a")], broken, TEN)[1][0].reason == "broken"
