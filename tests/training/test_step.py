"""Tests of one training step."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Speed, TimeShift
from avgdt.models.precision import Precision
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.model import Head
from avgdt.recipes.training import Objective, Optimiser, Schedule
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.training.step_count import SavedTensors
from tests.helpers.batches import CPU, batch_of
from tests.helpers.recipes import tiny


def test_each_step_fills_the_bank_and_updates_the_momentum_encoder() -> None:
    learner = Learner(tiny(), 10, CPU)
    assert learner.bank is not None
    assert learner.key_encoder is not None
    before = [p.clone() for p in learner.phi.parameters()]
    train_step(learner, [batch_of(learner.recipe)])
    assert learner.bank.filled == 6
    assert sorted(learner.bank.owners.tolist()) == [-1, -1, -1, -1, 0, 1, 2, 3, 4, 5]
    train_step(learner, [batch_of(learner.recipe, 6)])
    moved = [torch.dist(p, q) for p, q in zip(before, learner.phi.parameters(), strict=True)]
    followed = [torch.dist(p, q) for p, q in zip(before, learner.key_encoder.phi.parameters(), strict=True)]
    assert 0 < sum(followed) < sum(moved)


@pytest.mark.parametrize(
    ("composition", "pairs"),
    [
        (Composition(Modality()), 2),
        (Composition(Modality(), TimeShift(0.2, distinctive=True)), 4),
        (Composition(Modality(), TimeShift(0.2, invariant=True)), 8),
        (Composition(Modality(), Speed(invariant=True)), 8),
        (Composition(Modality(("audio",)), Repeats(2), partners="equal"), 2),
    ],
)
@pytest.mark.parametrize("objective", [Objective(bank=10), Objective(negatives="batch", negatives_from="modality")])
def test_any_composition_is_trained_to_distinguish_a_few_recordings(
    composition: Composition, pairs: int, objective: Objective
) -> None:
    adamw = Optimiser("adamw", 3e-3)
    learner = Learner(tiny(composition=composition, objective=objective, optimiser=adamw), 10, CPU)
    batch = batch_of(learner.recipe)
    losses = []
    for _ in range(25):
        result, std = train_step(learner, [batch])
        losses.append(float(result.loss.detach()))
    assert len(result.pairs) == pairs
    assert all(value > 0 for value in std.values())
    if objective.negatives == "batch":  # a bank that contains only the six recordings of the batch has no negatives
        assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    "objective",
    [
        Objective(loss="sigmoid", negatives="batch"),
        Objective(loss="sigmoid", bank=10, momentum=0.9),
        Objective(loss="sigreg", negatives="batch", sigreg_weight=0.1),
    ],
)
def test_other_losses_train_and_resume_bit_for_bit(objective: Objective) -> None:
    composition = Composition(Modality(), TimeShift(0.2, distinctive=True))
    recipe = tiny(composition=composition, objective=objective, optimiser=Optimiser("adamw", 3e-3))
    learner, losses = Learner(recipe, 10, CPU), []
    for step in range(30):
        if step == 20:
            state = copy.deepcopy(learner.state())
        result, _ = train_step(learner, [batch_of(recipe, 6 * (step % 2))])
        losses.append(float(result.loss.detach()))
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    resumed = Learner(recipe, 10, CPU)
    resumed.load_state(state)
    again = [float(train_step(resumed, [batch_of(recipe, 6 * (step % 2))])[0].loss.detach()) for step in range(20, 30)]
    assert again == losses[20:]


def test_a_bank_for_a_loss_without_negatives_raises_an_error() -> None:
    with pytest.raises(RecipeError, match="no negatives"):
        Objective(loss="sigreg")


def gradients(learner: Learner) -> list[torch.Tensor]:
    return [p.grad.clone() for p in learner.phi.parameters() if p.grad is not None]


def test_detached_keys_have_no_gradient() -> None:
    recipe = tiny(objective=Objective(negatives="batch", detach_keys=True))
    learner, batch = Learner(recipe, 10, CPU), batch_of(recipe)
    views = learner.views(batch)
    learner.phi.train()
    video, audio = learner.phi(views, learner.modalities)
    logits = [q @ k.detach().T / recipe.objective.temperature for q, k in ((video, audio), (audio, video))]
    loss = sum(torch.nn.functional.cross_entropy(one, torch.arange(6)) for one in logits)
    torch.autograd.backward(loss)
    expected = gradients(learner)
    learner = Learner(recipe, 10, CPU)
    train_step(learner, [batch])
    # 1e-5 covers float32 rounding; with gradients through the keys, the difference would exceed the gradient's norm.
    torch.testing.assert_close(gradients(learner), expected, rtol=1e-4, atol=1e-5)
    both = Learner(tiny(objective=Objective(negatives="batch")), 10, CPU)
    train_step(both, [batch])
    assert any(not torch.allclose(a, b, rtol=1e-2) for a, b in zip(gradients(both), expected, strict=True))


def test_dropout_depends_on_the_step_only() -> None:
    recipe = tiny(model=replace(tiny().model, head=Head(8, 8, dropout=0.5)), objective=Objective(negatives="batch"))
    batch, found = batch_of(recipe), []
    for noise in (0, 1):
        learner = Learner(recipe, 10, CPU)
        torch.manual_seed(noise)
        found.append([float(train_step(learner, [batch])[0].loss.detach()) for _ in range(2)])
    assert found[0] == found[1]


def test_the_gradient_norm_covers_all_parameters_and_is_unscaled() -> None:
    norms = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=1024.0)):
        learner = Learner(tiny(objective=Objective(loss="sigmoid", negatives="batch")), 10, CPU)
        learner.scaler = scaler or learner.scaler
        train_step(learner, [batch_of(learner.recipe)])
        assert learner.sigmoid is not None
        gradients = [p.grad for p in [*learner.phi.parameters(), *learner.sigmoid.parameters()] if p.grad is not None]
        norm = float(torch.cat([gradient.double().flatten() for gradient in gradients]).norm())
        assert float(learner.gradient_norm) == pytest.approx(norm, rel=1e-5)
        norms.append(float(learner.gradient_norm))
    assert norms[0] > 0
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)


def test_a_step_that_the_scaler_skips_has_a_gradient_norm_of_zero() -> None:
    learner = Learner(tiny(objective=Objective(negatives="batch")), 10, CPU)
    learner.scaler = torch.amp.GradScaler("cpu", init_scale=3e38)
    before = [p.clone() for p in learner.phi.parameters()]
    train_step(learner, [batch_of(learner.recipe)])
    assert float(learner.gradient_norm) == 0
    assert all(torch.equal(p, q) for p, q in zip(before, learner.phi.parameters(), strict=True))


@pytest.mark.parametrize("objective", [Objective(bank=10), Objective(negatives="batch")])
def test_recomputing_activations_gives_bit_identical_states(objective: Objective) -> None:
    states = []
    for recompute in (False, True):
        recipe = tiny(objective=objective)
        learner = Learner(replace(recipe, run=replace(recipe.run, recompute=recompute)), 10, CPU)
        for step in range(3):
            train_step(learner, [batch_of(recipe, 6 * (step % 2))])
        states.append(learner.state())
    assert_close(*states, rtol=0, atol=0)


def test_recomputed_activations_are_not_stored() -> None:
    stored = []
    for recompute in (False, True):
        recipe = tiny(objective=Objective(negatives="batch"))
        learner = Learner(replace(recipe, run=replace(recipe.run, recompute=recompute)), 10, CPU)
        saved = SavedTensors(learner.phi)
        with saved:
            learner.phi(learner.views(batch_of(recipe)), learner.modalities)
        stored.append(saved.bytes)
    assert stored[1] < stored[0] / 3


def test_gradients_are_clipped_to_the_norm() -> None:
    weights, norms = [], []
    for clip_norm in (0.0, 1e9, 0.01):
        recipe = tiny(optimiser=Optimiser(lr=1.0, momentum=0.0, weight_decay=0.0, clip_norm=clip_norm))
        recipe = replace(recipe, objective=Objective(negatives="batch"), schedule=Schedule(warmup_epochs=0))
        learner = Learner(recipe, 10, CPU)
        before = torch.cat([p.detach().flatten().clone() for p in learner.phi.parameters()])
        train_step(learner, [batch_of(recipe)])
        weights.append(torch.cat([p.detach().flatten() for p in learner.phi.parameters()]) - before)
        norms.append(float(learner.gradient_norm))
    assert norms[0] == norms[1] == norms[2] > 0.1
    assert torch.equal(weights[0], weights[1])
    assert float(weights[2].norm()) == pytest.approx(0.01, rel=1e-3)


def test_compiled_networks_train_like_uncompiled_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda module: compiled(module, backend="eager")
    )  # the backend "eager" generates no code
    losses = []
    for option in (False, True):
        recipe = tiny(objective=Objective(bank=10))
        learner = Learner(replace(recipe, run=replace(recipe.run, compile=option)), 10, CPU)
        losses.append([float(train_step(learner, [batch_of(recipe, 6 * (i % 2))])[0].loss) for i in range(3)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("norm_group", [0, 3])
@pytest.mark.parametrize(
    "objective",
    [
        Objective(bank=10),
        Objective(negatives="batch"),
        Objective(negatives="batch", loss="sigmoid"),
        Objective(negatives="batch", loss="sigreg"),
    ],
)
def test_no_step_synchronises_with_the_device(
    objective: Objective, norm_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tensors on the device "meta" have no values: reading one raises an error, as does a tensor left on the CPU.
    autocast = torch.autocast
    monkeypatch.setattr(
        torch,
        "autocast",
        lambda kind, *rest, **options: nullcontext() if kind == "meta" else autocast(kind, *rest, **options),
    )
    monkeypatch.setattr(Learner, "norm", lambda learner: 1.0)
    recipe = tiny(objective=objective)
    recipe = replace(recipe, run=replace(recipe.run, batch=6, norm_group=norm_group))
    device = torch.device("meta")
    learner = Learner(recipe, 10, Precision(device, torch.float32))
    learner.scaler = torch.amp.GradScaler("cpu", enabled=False)
    size = norm_group or 6
    groups = [batch_of(recipe, first, size).to(device) for first in range(0, 6, size)]
    for _ in range(2):
        result, std = train_step(learner, groups)
    assert result.loss.device == std["video"].device == learner.gradient_norm.device == device
    with pytest.raises(RuntimeError, match="meta"):
        float(result.loss.detach())
