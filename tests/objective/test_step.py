"""Tests of networks, momentum encoder, banks and loss together: one full-size step, and training at a small size."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality
from avgdt.models.phi import Phi
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.objective.nce import batch_negatives, contrastive_loss
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder
from avgdt.recipes.training import Objective

COMPOSITION = Composition(Modality())
MODALITIES = [view.modality for view in COMPOSITION.views]
SMALL = Model(VideoEncoder((1, 1, 1, 1), 4), AudioEncoder((1, 1, 1, 1), 4), Head(16, 16))


@pytest.mark.slow
def test_the_training_step_of_the_paper_runs_at_full_size_on_a_cpu() -> None:
    """One training step on two recordings (frames 30 x 112 x 112, spectrograms 40 x 99), with a bank of 15000 keys."""
    torch.manual_seed(0)
    model, objective = Model(), Objective()
    phi = Phi(model)
    copy, bank = MomentumEncoder(phi), Bank(2, objective.bank, model.head.out)
    bank.push(
        list(F.normalize(torch.randn(2, objective.bank, model.head.out), dim=2)), torch.arange(objective.bank) + 2
    )
    assert bank.filled == bank.size == 15000
    views, recordings = [torch.randn(2, 3, 30, 112, 112), torch.randn(2, 1, 40, 99)], torch.arange(2)
    optimiser = torch.optim.SGD(phi.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-5)
    before = {name: parameter.clone() for name, parameter in phi.named_parameters()}

    queries = phi(views, MODALITIES)
    keys = copy.keys(views, MODALITIES, objective.key_groups, torch.Generator().manual_seed(0))
    negatives = [bank.negatives(view, recordings) for view in range(2)]
    result = contrastive_loss(queries, keys, negatives, COMPOSITION.attract, COMPOSITION.repel, objective.temperature)
    torch.autograd.backward(result.loss)
    optimiser.step()
    copy.update(phi, objective.momentum)
    bank.push(keys, recordings)

    assert [tuple(query.shape) for query in queries] == [(2, 512)] * 2
    assert torch.isfinite(result.loss)
    assert result.loss > 0
    for name, parameter in phi.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0, name
        moved = parameter.detach() - before[name]
        followed = copy.phi.get_parameter(name) - before[name]
        torch.testing.assert_close(followed, moved * 1e-3, atol=2e-7, rtol=0.05)
    assert bank.owners[:3].tolist() == [0, 1, 4]


@pytest.mark.parametrize("negatives", ["bank", "batch"])
def test_a_small_model_is_trained_to_distinguish_recordings(negatives: str) -> None:
    """Video and audio of each of 32 recordings share only a colour, which determines the audio spectrum."""
    torch.manual_seed(0)
    phi = Phi(SMALL)
    copy, bank = MomentumEncoder(phi), Bank(2, 32, SMALL.head.out)
    optimiser = torch.optim.AdamW(phi.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    colours = torch.randn(32, 3, generator=generator)
    losses = []
    for step in range(40):
        recordings = torch.arange(8) + 8 * (step % 4)
        colour = colours[recordings]
        video = colour[:, :, None, None, None] + 0.1 * torch.randn(8, 3, 4, 32, 32, generator=generator)
        bands = colour.repeat_interleave(12, dim=1)[:, None, :, None]
        views = [video, bands + 0.1 * torch.randn(8, 1, 36, 33, generator=generator)]
        queries = phi(views, MODALITIES)
        if negatives == "bank":
            keys = copy.keys(views, MODALITIES, 2, generator)
            others = [bank.negatives(view, recordings) for view in range(2)]
        else:
            keys, others = queries, batch_negatives(queries, recordings)
        result = contrastive_loss(queries, keys, others, COMPOSITION.attract, COMPOSITION.repel, 0.2)
        optimiser.zero_grad()
        torch.autograd.backward(result.loss)
        optimiser.step()
        copy.update(phi, 0.9)
        bank.push(keys, recordings)
        losses.append(result.loss.item())
    candidates = 32 if negatives == "bank" else 8
    uninformed = 2 * math.log(candidates)  # the loss if all keys are equally probable
    assert sum(losses[-8:]) / 8 < 0.9 * uninformed
