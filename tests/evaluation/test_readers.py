from __future__ import annotations

import pytest
import torch

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.readers import conv5_features, embeddings, mean_features, pool_conv5, timed_features
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.model import AudioEncoder, Model


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
def test_embeddings_are_the_heads_output(model: PretrainedModel) -> None:
    view = torch.randn(2, 1, 16, 49)
    found = embeddings(model.phi, "audio", view)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    head = model.phi.heads["audio"](mean_features(model.phi, "audio", view))
    torch.testing.assert_close(found, head / head.norm(dim=1, keepdim=True))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("encoder", "features"), [(AudioEncoder(), 3072), (AudioEncoder((1, 1, 1, 1), 16), 8 * 16 * 2 * 3)]
)
def test_conv5_of_two_seconds_is_pooled_in_time_alone(encoder: AudioEncoder, features: int) -> None:
    phi = Phi(Model(audio=encoder), ("audio",)).eval()
    assert conv5_features(phi, "audio", torch.randn(2, 1, 40, 199)).shape == (2, features)


def test_too_few_time_steps_are_told() -> None:
    with pytest.raises(EvaluationError, match=r"leaves 2 time steps .* log_mel.step is too long"):
        pool_conv5(torch.zeros(1, 4, 2, 2))
