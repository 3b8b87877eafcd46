"""Tests that a pretrained model embeds files and tensors as the evaluation does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.data.clips import ClipReader
from avgdt.data.inspection import inspect
from avgdt.data.windows import Window
from avgdt.media.recording import Recording
from avgdt.models.errors import ModelError, WeightsError
from avgdt.models.pretrained import PretrainedModel, load, untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from avgdt.recipes.model import VideoEncoder
from tests.helpers.media_files import evenly, noise, write_media
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def model() -> PretrainedModel:
    return untrained(tiny(), seed=3)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "a.mkv"
    write_media(path, evenly(24, 8), noise(3.0, 8000, seed=1), size=(24, 32), sample_rate=8000)
    return path


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_each_window_gives_a_vector(model: PretrainedModel, film: Path, modality: str) -> None:
    result = model.embed(film, modality, every=0.75, batch=2)  # type: ignore[arg-type]
    assert result.seconds == 0.5
    assert result.times.tolist() == [0.0, 0.75, 1.5, 2.25]
    assert result.vectors.shape == (4, model.phi.dims[modality])
    entry = inspect(film)
    reader = ClipReader(model.recipe.clip, (modality,), grey=False)
    for start, vector in zip(result.times, result.vectors, strict=True):
        item = reader.read(0, entry, [Window(float(start))])
        with torch.inference_mode():
            if item.video is not None:
                pixels = (torch.from_numpy(item.video).float() / 255 - 0.45) / 0.225
                slow = model.phi.features("video", pixels[..., 4:28])  # the central crop of 24 pixels
            else:
                assert item.audio is not None
                slow = model.phi.features(
                    "audio", model.views.preprocessing.log_mel(torch.from_numpy(item.audio))[:, None]
                )
        np.testing.assert_allclose(vector, slow[0].numpy(), rtol=1e-4, atol=1e-5)


def test_the_vector_of_a_file_is_the_mean_of_consecutive_windows(model: PretrainedModel, film: Path) -> None:
    expected = model.embed(str(film), "audio", output="embeddings")
    parts = model.embed(film, "audio", every=0.5, output="embeddings")
    assert len(parts.vectors) == 6
    np.testing.assert_allclose(np.linalg.norm(parts.vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(expected.vectors, parts.vectors.mean(0, keepdims=True), atol=1e-6)
    assert expected.times.tolist() == [0.0]


def test_frames_of_a_file_give_the_vector_of_the_file(model: PretrainedModel, film: Path) -> None:
    clip = model.recipe.clip
    with Recording(film) as file:
        frames = file.frames([i / clip.frame_rate for i in range(clip.frames)], clip.height, clip.width).pixels
    tensor = torch.from_numpy(frames).permute(3, 0, 1, 2)  # (channels, time, height, width)
    expected = model.embed(film, "video", every=10.0).vectors
    np.testing.assert_allclose(model.embed_video(tensor).numpy(), expected, rtol=1e-4, atol=1e-5)
    larger = tensor.repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)  # scaling back gives the same frames
    similar = torch.cosine_similarity(model.embed_video(larger), torch.from_numpy(expected))
    assert similar.item() > 0.99


def test_grey_networks_accept_colour_frames(model: PretrainedModel) -> None:
    grey = untrained(replace(tiny(), model=replace(tiny().model, video=VideoEncoder((1, 1, 1, 1), 4, channels=1))))
    colours = torch.randint(0, 256, (2, 3, 4, 24, 32), dtype=torch.uint8)
    luma = (colours.float() * torch.tensor([0.299, 0.587, 0.114])[:, None, None, None]).sum(1, keepdim=True)
    expected = grey.embed_video(luma.round().to(torch.uint8))
    assert (
        torch.cosine_similarity(grey.embed_video(colours), expected).min() > 0.9999
    )  # some pixels are rounded differently


def test_waveforms_give_the_features_of_their_samples(model: PretrainedModel) -> None:
    samples = torch.from_numpy(noise(0.5, 8000, seed=2)[0])
    ours = model.embed_audio(samples, 8000)
    torch.testing.assert_close(model.embed_audio(samples.float() / 2**15, 8000), ours, rtol=1e-4, atol=1e-5)
    with torch.inference_mode():
        slow = model.phi.features("audio", model.views.preprocessing.log_mel(samples[None].float())[:, None])
    torch.testing.assert_close(ours, slow, rtol=1e-4, atol=1e-5)


def test_waveforms_are_resampled_to_the_rate_of_the_recipe(model: PretrainedModel) -> None:
    def tone(rate: int) -> torch.Tensor:
        return 0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(rate) / rate)

    ours, theirs = (model.embed_audio(tone(rate), rate) for rate in (8000, 44100))
    assert torch.cosine_similarity(ours, theirs).item() > 0.999


def test_inputs_that_cannot_be_embedded_raise_errors(model: PretrainedModel, film: Path, tmp_path: Path) -> None:
    silent = tmp_path / "no sound.mkv"
    write_media(silent, evenly(12, 8), None, size=(24, 32))
    (tmp_path / "text.mp4").write_text("no film")
    audio = untrained(tiny(composition=Composition(Modality(("audio",)), Repeats(2), partners="equal")))
    for call, words in (
        (lambda: model.embed(silent, "audio"), "no sound.mkv: has no audio"),
        (lambda: model.embed(tmp_path / "text.mp4"), "text.mp4: "),
        (lambda: audio.embed(film, "video"), "no encoder for video"),
        (lambda: model.embed_video(torch.zeros(3, 4, 24, 32)), "frames: expected uint8"),
        (lambda: model.embed_video(torch.zeros(24, 32, dtype=torch.uint8)), "frames: expected uint8"),
        (lambda: model.embed_audio(torch.zeros(3, 2, 5), 8000), "waveform: expected"),
    ):
        with pytest.raises(ModelError, match=words):
            call()  # type: ignore[no-untyped-call]


def test_a_saved_model_is_loaded_unchanged(model: PretrainedModel, film: Path, tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.safetensors", model.phi, to_plain(model.recipe), "pretrain")
    for path in (tmp_path, str(tmp_path / "weights.safetensors")):
        loaded = load(path, device="cpu")
        np.testing.assert_array_equal(loaded.embed(film).vectors, model.embed(film).vectors)
    with pytest.raises(WeightsError, match="contains no weights; name a run folder"):
        load(tmp_path / "nothing")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").touch()
    with pytest.raises(WeightsError, match="pretrain --resume --out"):
        load(tmp_path / "run")
