"""Tests of the momentum encoder: update, independence of the query encoder, and shuffled batch norm."""

from __future__ import annotations

import pytest
import torch

from avgdt.models.phi import Phi
from avgdt.objective.errors import ObjectiveError
from avgdt.objective.momentum import MomentumEncoder
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

MODALITIES = ["video", "audio", "video"]


@pytest.fixture
def phi() -> Phi:
    torch.manual_seed(0)
    return Phi(Model(VideoEncoder((1, 1, 1, 1), 2), AudioEncoder((1, 1, 1, 1), 2), Head(6, 4)))


def views(batch: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"video": (batch, 3, 4, 32, 32), "audio": (batch, 1, 40, 33)}
    return [torch.randn(*shapes[modality], generator=generator) for modality in MODALITIES]


def shuffle(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_weights_follow_the_closed_form_of_the_update(phi: Phi) -> None:
    slow = MomentumEncoder(phi)
    start = {name: parameter.clone() for name, parameter in phi.named_parameters()}
    with torch.no_grad():
        for parameter in phi.parameters():
            parameter.add_(1.0)
    for _ in range(5):
        slow.update(phi, 0.9)
    for name, parameter in slow.phi.named_parameters():  # five updates scale the difference by 0.9 ** 5
        torch.testing.assert_close(parameter, start[name] + (1 - 0.9**5), atol=1e-5, rtol=1e-5)
    for name, parameter in phi.named_parameters():
        assert torch.equal(parameter, start[name] + 1.0)


@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_momentum_of_zero_copies_and_of_one_freezes_the_weights(phi: Phi, momentum: float) -> None:
    slow = MomentumEncoder(phi)
    before = [parameter.clone() for parameter in slow.phi.parameters()]
    with torch.no_grad():
        for parameter in phi.parameters():
            parameter.mul_(-3.0)
    slow.update(phi, momentum)
    expected = before if momentum == 1.0 else list(phi.parameters())
    assert all(torch.equal(a, b) for a, b in zip(slow.phi.parameters(), expected, strict=True))


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_an_invalid_momentum_raises_an_error(phi: Phi, momentum: float) -> None:
    with pytest.raises(ObjectiveError, match=r"objective\.momentum"):
        MomentumEncoder(phi).update(phi, momentum)


def test_the_momentum_encoder_has_no_gradient_and_its_own_statistics(phi: Phi) -> None:
    slow = MomentumEncoder(phi)
    before = {name: buffer.clone() for name, buffer in phi.named_buffers()}
    keys = slow.keys(views(4), MODALITIES, 2, shuffle(0))
    slow.update(phi, 0.5)
    assert not any(key.requires_grad for key in keys)
    assert not any(parameter.requires_grad for parameter in slow.parameters())
    assert all(parameter.requires_grad for parameter in phi.parameters())
    assert all(torch.equal(buffer, before[name]) for name, buffer in phi.named_buffers())
    statistics = dict(slow.phi.named_buffers())
    assert (
        statistics["encoders.video.stem.1.num_batches_tracked"] == 1
    )  # the statistics are updated once, with the mean over the groups
    assert not torch.equal(
        statistics["encoders.video.stem.1.running_mean"], before["encoders.video.stem.1.running_mean"]
    )


def test_each_group_is_normalised_separately_and_keys_keep_their_order(phi: Phi) -> None:
    slow, batch = MomentumEncoder(phi), views(5)
    keys = slow.keys(batch, MODALITIES, 2, shuffle(3))
    order = torch.randperm(5, generator=shuffle(3))
    assert order.tolist() != list(range(5))
    phi.train()
    for group in (order[:3], order[3:]):  # sizes differ: the first group gets the remainder
        alone = phi([view[group] for view in batch], MODALITIES)
        for key, expected in zip(keys, alone, strict=True):
            torch.testing.assert_close(key[group], expected, atol=1e-5, rtol=1e-5)


def test_batch_norm_statistics_are_not_shared_between_groups(phi: Phi) -> None:
    slow, batch = MomentumEncoder(phi), views(6)
    order = torch.randperm(6, generator=shuffle(1))
    first, second = order[:3], order[3:]
    before = slow.keys(batch, MODALITIES, 2, shuffle(1))
    changed = [view.clone() for view in batch]
    for view in changed:
        view[first[0]] *= 3
    after = slow.keys(changed, MODALITIES, 2, shuffle(1))
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old[second], new[second])
        assert not torch.allclose(old[first], new[first], atol=1e-4)


def test_a_single_group_normalises_the_whole_batch(phi: Phi) -> None:
    batch = views(4)
    keys = MomentumEncoder(phi).keys(batch, MODALITIES, 1, shuffle(0))
    for key, query in zip(keys, phi(batch, MODALITIES), strict=True):
        torch.testing.assert_close(key, query, atol=1e-5, rtol=1e-5)


def test_keys_use_batch_statistics_even_after_eval(phi: Phi) -> None:
    batch = views(4)
    training = MomentumEncoder(phi).keys(batch, MODALITIES, 2, shuffle(0))
    slow = MomentumEncoder(phi)
    slow.eval()
    for a, b in zip(slow.keys(batch, MODALITIES, 2, shuffle(0)), training, strict=True):
        assert torch.equal(a, b)


def test_shuffling_depends_on_its_generator_only(phi: Phi) -> None:
    slow, batch = MomentumEncoder(phi), views(6)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = slow.keys(batch, MODALITIES, 3, shuffle(5))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    same, second = slow.keys(batch, MODALITIES, 3, shuffle(5)), slow.keys(batch, MODALITIES, 3, shuffle(6))
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(torch.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("groups", [0, 3])
def test_more_groups_than_recordings_raise_errors(phi: Phi, groups: int) -> None:
    with pytest.raises(ObjectiveError, match=r"objective\.key_groups"):
        MomentumEncoder(phi).keys(views(2), MODALITIES, groups, shuffle(0))


def test_the_state_is_restored_unchanged(phi: Phi) -> None:
    slow = MomentumEncoder(phi)
    slow.keys(views(4), MODALITIES, 2, shuffle(0))
    other = MomentumEncoder(phi)
    other.load_state_dict(slow.state_dict())
    batch = views(4, seed=1)
    for a, b in zip(
        slow.keys(batch, MODALITIES, 2, shuffle(1)), other.keys(batch, MODALITIES, 2, shuffle(1)), strict=True
    ):
        assert torch.equal(a, b)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in slow.state_dict().items())
