from __future__ import annotations

import torch

from avgdt.evaluation.readers import embeddings, mean_features, timed_features
from avgdt.training.runs import LoadedRun


@torch.inference_mode()
def test_pooling_over_space_keeps_the_time_steps(model: LoadedRun) -> None:
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
def test_embeddings_are_the_heads_output(model: LoadedRun) -> None:
    view = torch.randn(2, 1, 16, 49)
    found = embeddings(model.phi, "audio", view)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    head = model.phi.heads["audio"](mean_features(model.phi, "audio", view))
    torch.testing.assert_close(found, head / head.norm(dim=1, keepdim=True))
