"""Tests of the contrastive loss against loops over its formula and closed forms, in value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, TimeShift
from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import Matrix, Negatives, batch_negatives, contrastive_loss, pooled_negatives
from tests.helpers.compositions import Plan, plans

PAIR: Matrix = ((False, True), (True, False))
NOTHING: Matrix = ((False, False), (False, False))

COMPOSITIONS = {
    "modality": Composition(Modality()),
    "distinctive shift": Composition(Modality(), TimeShift(at_least=0.5, distinctive=True)),
    "invariant reversal": Composition(Modality(), Reversal(invariant=True)),
    "shift and reversal": Composition(
        Modality(), TimeShift(at_least=0.5, distinctive=True), Reversal(distinctive=True)
    ),
    "audio twice": Composition(Modality(levels=("audio",)), Repeats(2), partners="equal"),
    "all partners": Composition(Modality(), Reversal(distinctive=True), Repeats(2), partners="both"),
}


def unit(*shape: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator), dim=-1)


def loss_by_loops(
    queries: list[torch.Tensor],
    keys: list[torch.Tensor],
    negatives: list[Negatives],
    attract: Matrix,
    repel: Matrix,
    temperature: float,
) -> tuple[torch.Tensor, list[float], list[list[float]]]:
    """Return the loss, the accuracy per pair and the probabilities, computed by loops in double precision."""

    def similarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for a, b in zip(x.double(), y.double(), strict=True):
            total = total + a * b
        return total / temperature

    loss = torch.zeros((), dtype=torch.float64)
    accuracies, probabilities = [], []
    batch = len(queries[0])
    for i, query in enumerate(queries):
        for j, key in enumerate(keys):
            if not attract[i][j]:
                continue
            hits, chances = 0, []
            for row in range(batch):
                positive = similarity(query[row], key[row])
                rivals = [
                    similarity(query[row], other)
                    for other, counts in zip(negatives[j].keys, negatives[j].mask[row].tolist(), strict=True)
                    if counts
                ]
                rivals += [similarity(query[row], keys[m][row]) for m in range(len(keys)) if repel[i][m]]
                everything = torch.exp(positive)
                for rival in rivals:
                    everything = everything + torch.exp(rival)
                loss = loss - torch.log(torch.exp(positive) / everything) / batch
                hits += bool(rivals) and all(positive.item() > rival.item() for rival in rivals)
                chances.append((torch.exp(positive) / everything).item())
            accuracies.append(hits / batch)
            probabilities.append(chances)
    return loss, accuracies, probabilities


@pytest.mark.parametrize("name", COMPOSITIONS)
@pytest.mark.parametrize(("batch", "count", "temperature"), [(1, 0, 0.07), (1, 4, 0.07), (3, 5, 0.2), (2, 1, 1.0)])
def test_values_and_gradients_equal_those_of_loops(name: str, batch: int, count: int, temperature: float) -> None:
    composition = COMPOSITIONS[name]
    views = len(composition.views)
    dim = 3
    leaves = [unit(views, batch, dim, seed=1), unit(views, batch, dim, seed=2), unit(views, max(count, 1), dim, seed=3)]
    mask = torch.rand(views, batch, count, generator=torch.Generator().manual_seed(4)) < 0.6

    def given() -> tuple[list[torch.Tensor], tuple[list[torch.Tensor], list[torch.Tensor], list[Negatives]]]:
        queries, keys, others = fresh = [leaf.clone().requires_grad_() for leaf in leaves]
        return fresh, (list(queries), list(keys), [Negatives(others[j, :count], mask[j]) for j in range(views)])

    inputs, arguments = given()
    got = contrastive_loss(*arguments, composition.attract, composition.repel, temperature)
    gradients = torch.autograd.grad(got.loss, inputs, materialize_grads=True)
    inputs, arguments = given()
    loss, accuracies, probabilities = loss_by_loops(*arguments, composition.attract, composition.repel, temperature)
    oracles = torch.autograd.grad(loss, inputs, materialize_grads=True)
    assert got.loss.item() == pytest.approx(loss.item(), rel=1e-5, abs=1e-6)
    assert got.pair_accuracy.tolist() == pytest.approx(accuracies)
    assert got.accuracy.item() == pytest.approx(sum(accuracies) / len(accuracies))
    torch.testing.assert_close(got.positive_probability, torch.tensor(probabilities), atol=1e-6, rtol=1e-5)
    assert [composition.attract[i][j] for i, j in got.pairs] == [True] * sum(map(sum, composition.attract))
    for gradient, oracle in zip(gradients, oracles, strict=True):
        torch.testing.assert_close(gradient, oracle, atol=1e-5, rtol=1e-4)


@settings(deadline=None, max_examples=40)
@given(plans, st.integers(1, 3), st.integers(0, 3), st.integers(0, 2**16))
def test_the_loss_of_random_compositions_equals_that_of_loops(plan: Plan, batch: int, count: int, seed: int) -> None:
    assume(len(plan.views()) <= 12 and any("a" in row for row in plan.letters()))
    composition = plan.build()
    views = len(composition.views)
    queries, keys = unit(views, batch, 3, seed=seed), unit(views, batch, 3, seed=seed + 1)
    others = unit(views, max(count, 1), 3, seed=seed + 2)[:, :count]
    mask = torch.rand(views, batch, count, generator=torch.Generator().manual_seed(seed)) < 0.6

    def measured(loss_of: Callable[..., Any]) -> tuple[float, list[torch.Tensor]]:
        inputs = [leaf.clone().requires_grad_() for leaf in (queries, keys, others)]
        negatives = [Negatives(inputs[2][j], mask[j]) for j in range(views)]
        found = loss_of(list(inputs[0]), list(inputs[1]), negatives, composition.attract, composition.repel, 0.2)
        loss = found[0] if isinstance(found, tuple) and not hasattr(found, "loss") else found.loss
        return loss.item(), list(torch.autograd.grad(loss, inputs, materialize_grads=True))

    (value, gradients), (oracle, expected) = measured(contrastive_loss), measured(loss_by_loops)
    assert value == pytest.approx(oracle, rel=1e-5, abs=1e-6)
    for gradient, slow in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, slow, atol=1e-5, rtol=1e-4)


def test_the_loss_can_be_averaged_over_pairs() -> None:
    views = list(unit(4, 3, 8, seed=1))
    every = tuple(tuple(i != j for j in range(4)) for i in range(4))
    negatives = batch_negatives(views, torch.arange(3))
    summed = contrastive_loss(views, views, negatives, every, ((False,) * 4,) * 4, 0.2)
    mean = contrastive_loss(views, views, negatives, every, ((False,) * 4,) * 4, 0.2, "mean")
    assert mean.loss.item() == pytest.approx(summed.loss.item() / 12)


def test_the_gradient_equals_its_closed_form() -> None:
    """The gradient is -dL/dq = (1 / tau) [(1 - p_j) k_j - sum over n of p_n n], which is small for p_j near 1."""
    query, key, bank = unit(1, 8, seed=1), unit(1, 8, seed=2), unit(6, 8, seed=3)
    query.requires_grad_()
    tau = 0.07
    negatives = Negatives(bank, torch.ones(1, 6, dtype=torch.bool))
    result = contrastive_loss(
        [query, query.detach()], [key, key], [negatives, negatives], ((False, True), (False, False)), NOTHING, tau
    )
    (gradient,) = torch.autograd.grad(result.loss, query)
    q = query.detach()[0].double()
    weights = torch.exp(torch.cat([key, bank]).double() @ q / tau)
    p = weights / weights.sum()
    expected = ((1 - p[0]) * key[0].double() - sum(p[n + 1] * bank[n].double() for n in range(6))) / tau
    torch.testing.assert_close(-gradient[0].double(), expected, atol=1e-5, rtol=1e-5)
    assert result.positive_probability.item() == pytest.approx(p[0].item(), rel=1e-5)


def test_the_loss_of_two_views_of_a_batch_is_a_symmetric_cross_entropy() -> None:
    video, audio = unit(5, 16, seed=1).requires_grad_(), unit(5, 16, seed=2).requires_grad_()
    views = [video, audio]
    loss = contrastive_loss(views, views, batch_negatives(views, torch.arange(5)), PAIR, NOTHING, 0.1).loss
    logits, target = video @ audio.T / 0.1, torch.arange(5)
    expected = F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
    torch.testing.assert_close(loss, expected)
    for got, oracle in zip(
        torch.autograd.grad(loss, views), torch.autograd.grad(expected, views), strict=True
    ):  # both sides have a gradient
        torch.testing.assert_close(got, oracle)


def test_the_loss_of_orthonormal_keys_has_a_closed_form() -> None:
    basis, tau = torch.eye(9), 0.5
    queries = [basis[:1], basis[:1]]
    negatives = [Negatives(basis[1:], torch.ones(1, 8, dtype=torch.bool))] * 2
    result = contrastive_loss(queries, queries, negatives, PAIR, NOTHING, tau)
    assert result.loss.item() == pytest.approx(2 * math.log1p(8 * math.exp(-1 / tau)), rel=1e-6)
    assert result.accuracy == 1


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_each_key_counts_once_also_in_repeated_calls(name: str) -> None:
    """For identical embeddings, the loss of a pair is log(1 + number of negatives)."""
    composition = COMPOSITIONS[name]
    views = [F.normalize(torch.ones(4, 3), dim=1)] * len(composition.views)
    recordings = torch.tensor(
        [7, 8, 9, 7]
    )  # the first and the last belong to the same recording, so they are not negatives of each other
    expected = sum(
        sum(math.log(1 + others + sum(composition.repel[i])) for others in (2, 3, 3, 2)) / 4
        for i in range(len(views))
        for j in range(len(views))
        if composition.attract[i][j]
    )
    negatives = batch_negatives(views, recordings)
    for _ in range(3):
        result = contrastive_loss(views, views, negatives, composition.attract, composition.repel, 0.07)
        assert result.loss.item() == pytest.approx(expected, rel=1e-5)
        assert result.accuracy == 0  # ties do not count as correct


def test_rounding_does_not_resolve_ties() -> None:
    for seed in range(20):
        one = unit(1, 512, seed=seed)
        views = [one.expand(64, 512).contiguous()] * 2
        result = contrastive_loss(views, views, batch_negatives(views, torch.arange(64)), PAIR, NOTHING, 0.07)
        assert result.pair_accuracy.tolist() == [0, 0]


def test_loss_and_accuracy_are_zero_without_negatives() -> None:
    views = [unit(1, 4, seed=1).requires_grad_(), unit(1, 4, seed=2)]
    result = contrastive_loss(views, views, batch_negatives(views, torch.arange(1)), PAIR, NOTHING, 0.07)
    assert (result.loss.item(), result.accuracy.item()) == (0, 0)
    (gradient,) = torch.autograd.grad(result.loss, views[0])
    assert gradient.abs().max() == 0


def test_values_of_masked_negatives_do_not_matter() -> None:
    queries = [unit(2, 4, seed=1).requires_grad_(), unit(2, 4, seed=2)]
    bank = torch.cat([unit(3, 4, seed=3), torch.zeros(2, 4)])
    bank[4] = queries[0][0].detach()  # equal to the query, so it would be the hardest negative
    mask = torch.tensor([[True, True, True, False, False]] * 2)
    full = contrastive_loss(queries, queries, [Negatives(bank, mask)] * 2, PAIR, NOTHING, 0.07)
    cut = contrastive_loss(queries, queries, [Negatives(bank[:3], mask[:, :3])] * 2, PAIR, NOTHING, 0.07)
    torch.testing.assert_close(full.loss, cut.loss)
    assert torch.equal(full.pair_accuracy, cut.pair_accuracy)
    got, expected = (torch.autograd.grad(result.loss, queries[0])[0] for result in (full, cut))
    torch.testing.assert_close(got, expected)


def test_own_keys_in_a_gathered_batch_are_masked() -> None:
    keys = [unit(6, 4, seed=1)]
    (negatives,) = batch_negatives(keys, torch.tensor([0, 1, 2, 3, 4, 5]), torch.tensor([2, 3]))
    assert negatives.mask.tolist() == [[n != 2 for n in range(6)], [n != 3 for n in range(6)]]


def test_the_loss_is_float32_within_autocast() -> None:
    views = [unit(8, 64, seed=1), unit(8, 64, seed=2)]
    negatives = batch_negatives(views, torch.arange(8))
    expected = contrastive_loss(views, views, negatives, PAIR, NOTHING, 0.07)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = contrastive_loss(views, views, negatives, PAIR, NOTHING, 0.07)
    assert torch.equal(got.loss, expected.loss)
    assert got.loss.dtype == torch.float32


def test_views_of_one_modality_share_their_pooled_negatives() -> None:
    parts = batch_negatives([unit(3, 4, seed=view) for view in range(4)], torch.arange(3))
    pooled = pooled_negatives(parts, ("video", "audio", "video", "audio"))
    assert pooled[0] is pooled[2]  # stored once for all views of a modality
    assert torch.equal(pooled[1].keys, torch.cat([parts[1].keys, parts[3].keys]))
    assert torch.equal(pooled[3].mask, torch.cat([parts[1].mask, parts[3].mask], dim=1))


def test_loss_and_gradient_are_finite_for_small_temperatures() -> None:
    views = [unit(8, 16, seed=1).requires_grad_(), unit(8, 16, seed=2)]
    result = contrastive_loss(views, views, batch_negatives(views, torch.arange(8)), PAIR, NOTHING, 1e-4)
    (gradient,) = torch.autograd.grad(result.loss, views[0])
    assert torch.isfinite(result.loss)
    assert torch.isfinite(gradient).all()


def test_inputs_that_do_not_match_raise_errors() -> None:
    views = [unit(2, 4, seed=1), unit(2, 4, seed=2)]
    negatives = batch_negatives(views, torch.arange(2))
    with pytest.raises(ObjectiveError, match="one entry per view"):
        contrastive_loss(views, views, negatives[:1], PAIR, NOTHING, 0.07)
    with pytest.raises(ObjectiveError, match="one entry per view"):
        contrastive_loss(views, views, negatives, PAIR, ((False,), (False,)), 0.07)
    with pytest.raises(ObjectiveError, match="the same non-empty shape"):
        contrastive_loss(views, [views[0], views[1][:1]], negatives, PAIR, NOTHING, 0.07)
    with pytest.raises(ObjectiveError, match="the same non-empty shape"):
        contrastive_loss([v[:0] for v in views], [v[:0] for v in views], negatives, PAIR, NOTHING, 0.07)
    with pytest.raises(ObjectiveError, match="negatives of view 0"):
        contrastive_loss(views, views, batch_negatives(views, torch.arange(2), torch.arange(3)), PAIR, NOTHING, 0.07)
    with pytest.raises(ObjectiveError, match=r"objective\.temperature"):
        contrastive_loss(views, views, negatives, PAIR, NOTHING, 0.0)
    with pytest.raises(ObjectiveError, match="attracts"):
        contrastive_loss(views, views, negatives, NOTHING, NOTHING, 0.07)
