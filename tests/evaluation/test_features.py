from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from avgdt.composition.factors import ModalityName
from avgdt.data.batch import collate
from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import conv5_features, embeddings, extract, mean_features, pool_conv5, timed_features
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.model import AudioEncoder, Model

BOTH: tuple[ModalityName, ...] = ("video", "audio")


def plans_of(*windows: tuple[int, list[float]]) -> list[Plan]:
    return [Plan(Segment(entry, "test"), tuple(Window(s) for s in starts)) for entry, starts in windows]


@torch.inference_mode()
def embed_window(model: PretrainedModel, entry: Entry, window: Window, modality: ModalityName) -> np.ndarray:
    """Return the features of one window, extracted separately by one network."""
    item = ClipReader(model.recipe.clip, BOTH, grey=False).read(0, entry, [window])
    view = model.views.test_view(collate([item]), modality)
    return mean_features(model.phi, modality, view)[0].numpy()


def test_features_equal_those_of_separately_extracted_windows(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    # The plans have different numbers of windows, together exceed a batch, and contain some files repeatedly.
    plans = plans_of((0, [0.1]), (7, [0.0, 0.5, 1.0]), (3, [0.7]), (7, [0.2, 0.9]), *[(i, [0.4]) for i in range(12)])
    calls: list[tuple[int, int]] = []
    extraction = extract(
        (model, random), entries, plans, BOTH, mean_features, workers=0, progress=lambda *at: calls.append(at)
    )
    assert extraction.read == list(range(16))
    for network, vectors in zip((model, random), extraction.vectors, strict=True):
        for modality in BOTH:
            for one, vector in zip(plans, vectors[modality], strict=True):
                entry = entries[one.segment.entry]
                slow = np.mean([embed_window(network, entry, window, modality) for window in one.windows], axis=0)
                np.testing.assert_allclose(vector, slow, rtol=1e-4, atol=1e-5)
    assert not np.allclose(extraction.vectors[0]["video"], extraction.vectors[1]["video"])
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert calls[-1] == (16, 16)


def test_features_of_windows_are_not_averaged_if_requested(model: PretrainedModel, entries: list[Entry]) -> None:
    plans = plans_of((2, [0.0, 0.9]), (5, [0.3, 0.6]))
    (vectors,) = extract((model,), entries, plans, BOTH, mean_features, workers=0, average=False).vectors
    assert vectors["audio"].shape == (2, 2, 32)
    slow = embed_window(model, entries[5], Window(0.6), "audio")
    np.testing.assert_allclose(vectors["audio"][1, 1], slow, rtol=1e-4, atol=1e-5)


def test_every_clip_is_decoded_once(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, opened = ClipReader.read, []

    def counted(self: ClipReader, recording: int, entry: Entry, windows: Any, epoch: int = 0) -> Any:
        opened.append((entry.path, tuple(windows), self.modalities))
        return read(self, recording, entry, windows, epoch)

    monkeypatch.setattr(ClipReader, "read", counted)
    plans = plans_of((0, [0.1, 0.4]), (1, [0.0]))
    extract((model, random), entries, plans, ("audio",), embeddings, workers=0)
    assert sorted(opened) == sorted((entries[p.segment.entry].path, p.windows, ("audio",)) for p in plans)


def test_unreadable_recordings_are_reported(model: PretrainedModel, entries: list[Entry], gone: Entry) -> None:
    plans = plans_of((0, [0.1]), (1, [0.1, 0.2]), (2, [0.1]))
    extraction = extract((model,), [gone, *entries[1:]], plans, BOTH, embeddings, workers=0)
    assert extraction.read == [1, 2]
    assert list(extraction.failures) == [0]
    assert "gone.mkv" in extraction.failures[0]
    alone = extract((model,), entries, plans, BOTH, embeddings, workers=0)
    np.testing.assert_allclose(extraction.vectors[0]["video"], alone.vectors[0]["video"][1:], rtol=1e-4, atol=1e-5)
    nothing = extract((model,), [gone], plans_of((0, [0.1])), BOTH, embeddings, workers=0)
    assert nothing.read == []


def test_features_do_not_depend_on_worker_processes(model: PretrainedModel, entries: list[Entry]) -> None:
    plans = plans_of(*[(i, [0.1, 0.5]) for i in range(4)], (5, [0.3]))
    runs = [extract((model,), entries, plans, BOTH, embeddings, workers=w).vectors[0] for w in (0, 1)]
    for modality in BOTH:
        assert (runs[0][modality] == runs[1][modality]).all()


def test_a_diverged_network_raises_an_error(model: PretrainedModel, entries: list[Entry]) -> None:
    def broken(phi: Any, modality: str, view: torch.Tensor) -> torch.Tensor:
        return mean_features(phi, modality, view) * float("nan")

    with pytest.raises(EvaluationError, match="audio network's output is not finite"):
        extract((model,), entries, plans_of((0, [0.0])), ("audio",), broken, workers=0)


def test_grey_networks_get_grey_clips(model: PretrainedModel, entries: list[Entry]) -> None:
    from avgdt.models.pretrained import untrained

    sizes = replace(model.recipe.model, video=replace(model.recipe.model.video, channels=1))
    grey = untrained(replace(model.recipe, model=sizes))
    (vectors,) = extract((grey,), entries, plans_of((0, [0.0])), ("video",), mean_features, workers=0).vectors
    assert vectors["video"].shape == (1, 32)


@torch.inference_mode()
def test_pooling_over_space_keeps_the_time_steps(model: PretrainedModel) -> None:
    views = {"video": torch.randn(2, 3, 16, 24, 24), "audio": torch.randn(2, 1, 16, 99)}
    for modality, view in views.items():
        features = model.phi.feature_map(modality, view)
        time = features.shape[2] if modality == "video" else features.shape[-1]
        assert time > 1
        steps = timed_features(model.phi, modality, view).unflatten(1, (-1, time))
        for t in range(time):
            step = features[:, :, t] if modality == "video" else features[..., t]
            torch.testing.assert_close(steps[:, :, t], step.flatten(2).mean(dim=2))
        torch.testing.assert_close(steps.mean(dim=2), mean_features(model.phi, modality, view))


@torch.inference_mode()
def test_embeddings_are_the_normalised_output_of_the_head(model: PretrainedModel) -> None:
    view = torch.randn(2, 1, 16, 49)
    vectors = embeddings(model.phi, "audio", view)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    head = model.phi.heads["audio"](mean_features(model.phi, "audio", view))
    torch.testing.assert_close(vectors, head / head.norm(dim=1, keepdim=True))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("encoder", "features"), [(AudioEncoder(), 3072), (AudioEncoder((1, 1, 1, 1), 16), 8 * 16 * 2 * 3)]
)
def test_conv5_features_are_pooled_over_time_only(encoder: AudioEncoder, features: int) -> None:
    phi = Phi(Model(audio=encoder), ("audio",)).eval()
    assert conv5_features(phi, "audio", torch.randn(2, 1, 40, 199)).shape == (2, features)


def test_too_few_time_steps_raise_errors() -> None:
    with pytest.raises(EvaluationError, match=r"has only 2 time steps, .* log_mel.step is too long"):
        pool_conv5(torch.zeros(1, 4, 2, 2))
