"""Tests of SIGReg against the closed form of its integral, and of LeJEPA's objective against loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, TimeShift
from avgdt.objective.sigreg import SLICES, epps_pulley, lejepa


def closed_form(x: torch.Tensor) -> float:
    """Return the statistic (n times an integral over all t) as a sum of Gaussian integrals over pairs of samples."""
    n = len(x)
    pairs = sum(math.exp(-((float(a) - float(b)) ** 2) / 2) for a in x for b in x) / n**2
    single = sum(math.exp(-(float(a) ** 2) / 4) for a in x) / n
    return n * math.sqrt(2 * math.pi) * (pairs - math.sqrt(2) * single + 1 / math.sqrt(3))


@given(st.lists(st.floats(-2.5, 2.5), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_statistic_equals_the_closed_form(samples: list[float]) -> None:
    x = torch.tensor(samples)
    assert epps_pulley(x).item() == pytest.approx(closed_form(x), abs=2e-3 * len(samples))


def test_the_statistic_is_smallest_for_normal_samples_and_large_for_a_collapse() -> None:
    normal = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    statistics = {
        name: epps_pulley(x).item()
        for name, x in {
            "normal": normal,
            "twice as wide": 2 * normal,
            "shifted": normal + 1,
            "point": 0 * normal,
        }.items()
    }
    assert statistics["normal"] < 2.0
    assert all(value > 50 * statistics["normal"] for name, value in statistics.items() if name != "normal")


@pytest.mark.parametrize(
    "composition", [Composition(Modality()), Composition(Modality(), TimeShift(at_least=0.5, distinctive=True))]
)
def test_the_objective_equals_that_of_loops(composition: Composition) -> None:
    views, batch, dim, weight = len(composition.views), 5, 7, 0.2
    x = torch.randn(views, batch, dim, generator=torch.Generator().manual_seed(1))
    near, pairs = 0.0, 0
    for i, row in enumerate(composition.attract):
        for j, attracts in enumerate(row):
            if attracts:
                pairs += 1
                middle = (x[i] + x[j]) / 2
                near += float(((x[i] - middle) ** 2).mean())
    directions = torch.randn(dim, SLICES, generator=torch.Generator().manual_seed(3))
    gaussian = 0.0
    for view in x:
        for s in range(SLICES):
            gaussian += float(epps_pulley(view @ (directions[:, s] / directions[:, s].norm()))) / views / SLICES
    expected = (1 - weight) * near / pairs + weight * gaussian
    got = lejepa(list(x), composition.attract, weight, torch.Generator().manual_seed(3))
    assert got.item() == pytest.approx(expected, rel=1e-4)


def test_minimising_the_objective_undoes_a_collapse() -> None:
    x = (0.01 * torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(2))).requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.05)
    attract = ((False, True), (True, False))
    for step in range(200):
        optimiser.zero_grad()
        torch.autograd.backward(lejepa(list(x), attract, 0.5, torch.Generator().manual_seed(step)))
        optimiser.step()
    assert 0.7 < x.detach().std(1).mean().item() < 1.3
    assert (x[0] - x[1]).detach().square().mean().item() < 0.05
