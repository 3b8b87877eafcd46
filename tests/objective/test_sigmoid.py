"""Tests of the sigmoid loss against loops over its formula, in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, TimeShift
from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import Negatives, batch_negatives
from avgdt.objective.sigmoid import SigmoidLoss

COMPOSITIONS = [Composition(Modality()), Composition(Modality(), TimeShift(at_least=0.5, distinctive=True))]


def unit(*shape: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def loss_by_loops(
    queries: torch.Tensor,
    keys: torch.Tensor,
    negatives: list[Negatives],
    composition: Composition,
    scale: torch.Tensor,
    bias: torch.Tensor,
) -> torch.Tensor:
    total, pairs, batch = torch.zeros((), dtype=torch.float64), 0, queries.shape[1]

    def term(query: torch.Tensor, key: torch.Tensor, sign: float) -> torch.Tensor:
        return torch.log1p(torch.exp(-sign * (scale.double() * (query.double() @ key.double()) + bias.double())))

    for i, row in enumerate(composition.attract):
        for j, attracts in enumerate(row):
            if not attracts:
                continue
            pairs += 1
            for n in range(batch):
                total = total + term(queries[i, n], keys[j, n], 1) / batch
                for m, repels in enumerate(composition.repel[i]):
                    if repels:
                        total = total + term(queries[i, n], keys[m, n], -1) / batch
                for key, counts in zip(negatives[j].keys, negatives[j].mask[n].tolist(), strict=True):
                    if counts:
                        total = total + term(queries[i, n], key, -1) / batch
    return total / pairs


@pytest.mark.parametrize("composition", COMPOSITIONS)
@pytest.mark.parametrize("source", ["bank", "batch"])
def test_values_and_gradients_equal_those_of_loops(composition: Composition, source: str) -> None:
    views, batch, dim = len(composition.views), 4, 5
    loss = SigmoidLoss()
    with torch.no_grad():
        loss.log_scale.fill_(math.log(3.0))
        loss.bias.fill_(-1.0)
    mask = torch.rand(views, batch, 6, generator=torch.Generator().manual_seed(0)) < 0.5
    found = []
    for oracle in (False, True):
        queries = unit(views, batch, dim, seed=1).requires_grad_()
        keys = unit(views, batch, dim, seed=2).requires_grad_()
        others = unit(views, 6, dim, seed=3)
        negatives = (
            batch_negatives(list(keys), torch.arange(batch))
            if source == "batch"
            else [Negatives(others[j], mask[j]) for j in range(views)]
        )
        value = (
            loss_by_loops(queries, keys, negatives, composition, loss.log_scale.exp(), loss.bias)
            if oracle
            else loss(list(queries), list(keys), negatives, composition.attract, composition.repel)
        )
        gradients = torch.autograd.grad(value, [queries, keys, loss.log_scale, loss.bias])
        found.append((value.detach().double(), *gradients))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs.to(ours.dtype), atol=1e-6, rtol=1e-5)


def test_initial_losses_of_negatives_are_small() -> None:
    """With scale 10 and bias -10, an orthogonal negative costs log(1 + exp(-10)), a positive log(1 + exp(10))."""
    query, key = torch.eye(2)[:1], torch.eye(2)[1:]
    pair = ((False, True), (True, False))
    nothing = ((False, False), (False, False))
    negatives = [Negatives(key, torch.ones(1, 1, dtype=torch.bool))] * 2
    value = SigmoidLoss()([query, key], [query, key], negatives, pair, nothing)
    # view 0 has an orthogonal negative, view 1 a negative equal to its query
    expected = math.log1p(math.exp(10)) + (math.log1p(math.exp(-10)) + math.log(2)) / 2
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_the_initial_bias_can_be_chosen() -> None:
    query, key = torch.eye(2)[:1], torch.eye(2)[1:]
    pair, nothing = ((False, True), (False, False)), ((False, False), (False, False))
    loss = SigmoidLoss(bias=-2.5)
    value = loss([query, key], [query, key], [Negatives(key, torch.zeros(1, 1, dtype=torch.bool))] * 2, pair, nothing)
    assert value.item() == pytest.approx(math.log1p(math.exp(2.5)), rel=1e-5)


def test_a_composition_without_attracting_views_raises_an_error() -> None:
    nothing = ((False, False), (False, False))
    with pytest.raises(ObjectiveError, match="no view attracts"):
        SigmoidLoss()([torch.eye(2)] * 2, [torch.eye(2)] * 2, [], nothing, nothing)
