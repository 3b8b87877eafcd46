"""Tests of ``Phi``: encoders, pooling, heads and embeddings."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from avgdt.models.errors import ModelError
from avgdt.models.head import ProjectionHead
from avgdt.models.phi import Phi
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

SMALL = Model(VideoEncoder((1, 1, 1, 1), 2), AudioEncoder((1, 1, 1, 1), 3), Head(hidden=7, out=5))


@pytest.fixture
def phi() -> Phi:
    torch.manual_seed(0)
    return Phi(SMALL)


def clips(batch: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, 3, 4, 32, 32, generator=generator),
        torch.randn(batch, 1, 40, 50, generator=generator),
    )


def test_each_modality_has_its_own_encoder_and_head(phi: Phi) -> None:
    video, audio = clips(2)
    assert phi.modalities == ("video", "audio")
    assert phi.dims == {"video": 16, "audio": 24}
    assert phi.feature_map("video", video).shape == (2, 16, 1, 2, 2)
    assert phi.feature_map("audio", audio).shape == (2, 24, 2, 2)
    torch.autograd.backward(phi.embed("audio", audio).sum())
    touched = {name for name, parameter in phi.named_parameters() if parameter.grad is not None}
    assert touched == {name for name, _ in phi.named_parameters() if ".audio." in name}


def test_features_are_pooled_maps_and_embeddings_are_normalised_head_outputs(phi: Phi) -> None:
    phi.eval()
    for modality, x in zip(phi.modalities, clips(3), strict=True):
        features = phi.feature_map(modality, x).flatten(2).mean(2)
        torch.testing.assert_close(phi.features(modality, x), features)
        state = phi.heads[modality].state_dict()
        hidden = (features @ state["0.weight"].T + state["0.bias"]).clamp(min=0)
        out = hidden @ state["2.weight"].T + state["2.bias"]
        torch.testing.assert_close(phi.embed(modality, x), out / out.square().sum(1, keepdim=True).sqrt())


def test_views_of_a_modality_are_normalised_together_and_keep_their_order(phi: Phi) -> None:
    (v0, a0), (v1, a1) = clips(3, seed=1), clips(3, seed=2)
    embeddings = phi([a0, v0, a1, v1], ["audio", "video", "audio", "video"])
    audio, video = phi.embed("audio", torch.cat([a0, a1])), phi.embed("video", torch.cat([v0, v1]))
    for got, expected in zip(embeddings, (audio[:3], video[:3], audio[3:], video[3:]), strict=True):
        torch.testing.assert_close(got, expected)
    apart = phi.embed("video", v0)
    assert not torch.allclose(embeddings[1], apart, atol=1e-3)  # a separate batch has different batch norm statistics


def test_embeddings_are_float32_of_unit_length_in_half_precision(phi: Phi) -> None:
    video, audio = clips(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        embeddings = phi([video, audio], ["video", "audio"])
        assert phi.feature_map("video", video).dtype == torch.bfloat16
    for embedding in embeddings:
        assert embedding.dtype == torch.float32
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_a_model_of_one_modality_has_no_weights_for_the_other() -> None:
    phi = Phi(SMALL, ("audio",))
    assert all(".audio." in name for name in phi.state_dict())
    with pytest.raises(ModelError, match="no encoder for 'video', only for audio"):
        phi.embed("video", clips(2)[0])


def test_an_unknown_modality_raises_an_error() -> None:
    with pytest.raises(ModelError, match="'touch'"):
        Phi(SMALL, ("touch",))


def test_the_default_networks_have_the_sizes_of_the_paper() -> None:
    phi = Phi(Model())
    sizes = {
        name: sum(p.numel() for p in module.parameters())
        for name, module in (*phi.encoders.items(), ("head", phi.heads["video"]))
    }
    assert sizes == {"video": 31_300_125, "audio": 11_170_240, "head": 2 * (512 * 512 + 512)}


@pytest.mark.parametrize(("placement", "layer", "affine"), [("hidden", 1, True), ("output", 3, False)])
def test_the_head_can_have_batch_norm(placement: Literal["hidden", "output"], layer: int, affine: bool) -> None:
    torch.manual_seed(0)
    head = ProjectionHead(4, Head(hidden=8, out=3, batch_norm=placement))
    seen: list[torch.Tensor] = []
    head[layer].register_forward_hook(lambda module, given, out: seen.append(out.clone()))
    out = head(torch.randn(200, 4) * 5 + 3)
    assert out.shape == (200, 3)
    torch.testing.assert_close(seen[0].mean(0), torch.zeros(seen[0].shape[1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[0].var(0, correction=0), torch.ones(seen[0].shape[1]), atol=1e-2, rtol=0)
    assert (f"{layer}.weight" in dict(head.named_parameters())) is affine
    assert (seen[0] is not None and torch.equal(seen[0], out)) is (placement == "output")
    with pytest.raises(ModelError, match="batch_norm needs 2"):
        head(torch.randn(1, 4))
    assert head.eval()(torch.randn(1, 4)).shape == (1, 3)


def test_an_invalid_head_raises_an_error() -> None:
    with pytest.raises(ModelError, match=r"model\.head"):
        ProjectionHead(4, Head(out=0))


def test_dropout_precedes_both_linear_layers_and_acts_only_in_training() -> None:
    head = ProjectionHead(6, Head(hidden=7, out=5, batch_norm="hidden", dropout=0.25))
    names = [type(layer).__name__ for layer in head]
    assert names == ["Dropout", "Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]
    x = torch.randn(400, 6)
    head.eval()
    assert torch.equal(head(x), head(x))
    head.train()
    assert not torch.equal(head(x), head(x))
    dropped = next(iter(head))(torch.ones(400, 100)) == 0
    assert float(dropped.float().mean()) == pytest.approx(0.25, abs=0.01)


def test_a_head_without_dropout_has_no_dropout_layers() -> None:
    names = [type(layer).__name__ for layer in ProjectionHead(6, Head(hidden=7, out=5))]
    assert names == ["Linear", "ReLU", "Linear"]
