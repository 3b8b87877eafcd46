"""Tests of the memory bank against a reference list of the most recent keys."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avgdt.objective.bank import Bank
from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import contrastive_loss

VIEWS, DIM = 3, 2


def batch(size: int, seed: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    keys = list(torch.randn(VIEWS, size, DIM, generator=generator))
    return keys, torch.randint(0, 5, (size,), generator=generator)


def entries_of(bank: Bank, view: int) -> set[tuple[float, ...]]:
    """Return (key, owner) of all entries that are negatives for a recording that occurs in no batch."""
    negatives = bank.negatives(view, torch.tensor([99]))
    entries = torch.cat([negatives.keys, bank.owners[:, None].float()], dim=1)[negatives.mask[0]]
    return {tuple(entry) for entry in entries.tolist()}


@given(size=st.integers(1, 11), batches=st.lists(st.integers(0, 14), max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_bank_holds_the_last_keys_of_each_view_and_their_owners(size: int, batches: list[int]) -> None:
    bank = Bank(VIEWS, size, DIM)
    past: list[list[tuple[float, ...]]] = [[] for _ in range(VIEWS)]
    for seed, length in enumerate(batches):
        keys, recordings = batch(length, seed)
        bank.push(keys, recordings)
        for view in range(VIEWS):
            rows = torch.cat([keys[view], recordings[:, None].float()], dim=1).tolist()
            past[view] = (past[view] + [tuple(row) for row in rows])[-size:]
    for view in range(VIEWS):
        assert entries_of(bank, view) == set(past[view])
    assert bank.filled == len(past[0])
    assert bank.size == size


def test_unfilled_entries_and_keys_of_the_query_recording_are_masked() -> None:
    bank = Bank(1, 5, DIM)
    assert not bank.negatives(0, torch.tensor([0, 1])).mask.any()
    bank.push([torch.ones(3, DIM)], torch.tensor([0, 4, 0]))
    mask = bank.negatives(0, torch.tensor([0, 4, 2])).mask
    assert mask.tolist() == [
        [False, True, False, False, False],
        [True, False, True, False, False],
        [True, True, True, False, False],
    ]


def test_the_oldest_key_is_replaced_first() -> None:
    bank = Bank(1, 3, 1)
    for value in range(5):
        bank.push([torch.tensor([[float(value)]])], torch.tensor([value]))
    assert sorted(bank.negatives(0, torch.tensor([9])).keys.flatten().tolist()) == [2, 3, 4]


@given(size=st.integers(1, 11), batches=st.lists(st.integers(0, 14), max_size=8))
@settings(max_examples=60, deadline=None)
def test_age_is_the_mean_over_the_stored_keys(size: int, batches: list[int]) -> None:
    bank, steps = Bank(VIEWS, size, DIM), list[int]()
    for step, length in enumerate(batches):
        bank.push(*batch(length, step))
        steps = (steps + [step] * length)[-size:]
    ages = [len(batches) - step for step in steps]
    assert float(bank.age()) == pytest.approx(sum(ages) / len(ages) if ages else 0.0)


def test_a_restored_bank_is_bit_identical() -> None:
    bank, other = Bank(VIEWS, 7, DIM), Bank(VIEWS, 7, DIM)
    for seed in range(3):
        bank.push(*batch(4, seed))
    state = {name: tensor.clone() for name, tensor in bank.state_dict().items()}
    other.load_state_dict(state)
    for seed in range(3, 6):
        bank.push(*batch(4, seed))
        other.push(*batch(4, seed))
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in bank.state_dict().items())
    assert not torch.equal(bank.keys, state["keys"])


def test_large_recording_indices_are_distinguished() -> None:
    bank = Bank(1, 2, 1)
    bank.push([torch.ones(2, 1)], torch.tensor([2**53, 2**53 + 1]))
    assert bank.negatives(0, torch.tensor([2**53])).mask.tolist() == [[False, True]]


def test_half_precision_keys_are_stored_as_float32_without_gradient() -> None:
    bank = Bank(1, 2, 1)
    bank.push([torch.ones(2, 1, dtype=torch.bfloat16, requires_grad=True)], torch.arange(2))
    assert bank.keys.dtype == torch.float32
    assert not bank.keys.requires_grad


def test_the_bank_can_be_updated_after_every_backward_pass() -> None:
    """The bank is updated after the backward pass, in the order of a training step."""
    bank = Bank(2, 4, DIM)
    bank.push(batch(4, 0)[0][:2], torch.arange(4))
    queries = [torch.randn(2, DIM, requires_grad=True) for _ in range(2)]
    keys = [torch.randn(2, DIM) for _ in range(2)]
    recordings = torch.tensor([4, 5])
    for _ in range(2):
        negatives = [bank.negatives(view, recordings) for view in range(2)]
        loss = contrastive_loss(queries, keys, negatives, ((False, True), (True, False)), ((False,) * 2,) * 2, 0.5).loss
        (gradient,) = torch.autograd.grad(loss, queries[0])
        assert gradient.abs().min() > 0
        bank.push(keys, recordings)
    assert bank.owners.tolist() == [4, 5, 4, 5]


@pytest.mark.parametrize("sizes", [(0, 4, 2), (2, 0, 2), (2, 4, 0)])
def test_invalid_sizes_raise_errors(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ObjectiveError, match=r"objective\.bank"):
        Bank(*sizes)


def test_keys_that_do_not_fit_raise_errors_and_change_nothing() -> None:
    bank = Bank(VIEWS, 4, DIM)
    keys, recordings = batch(2, 0)
    for wrong in (keys[:2], [*keys[:2], keys[2][:1]], [key[:, :1] for key in keys]):
        with pytest.raises(ObjectiveError, match="expected 3 x"):
            bank.push(wrong, recordings)
    assert bank.filled == 0
