from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from avgdt.evaluation.features import mean_features
from avgdt.evaluation.finetuning.trainer import Classifier, Trainer
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.training import Optimiser, Schedule

PLAIN = Finetuning(
    optimiser=Optimiser(kind="sgd", lr=0.1, momentum=0.9, weight_decay=0.01),
    schedule=Schedule(epochs=2, warmup_epochs=0),
)


def _trainer(model: PretrainedModel, classes: int, finetuning: Finetuning, steps_per_epoch: int, seed: int) -> Trainer:
    dim = model.phi.dims["video"]
    network = Classifier(model.phi, "video", mean_features, dim, classes, finetuning.orthogonal, seed)
    return Trainer(network, finetuning, model.precision, steps_per_epoch)


def _view(seed: int) -> torch.Tensor:
    return torch.randn(4, 3, 4, 24, 24, generator=torch.Generator().manual_seed(seed))


def test_the_layer_gets_pooled_features_and_the_other_encoder_is_unchanged(model: PretrainedModel) -> None:
    before = {name: tensor.clone() for name, tensor in model.phi.state_dict().items()}
    trainer = _trainer(model, 3, PLAIN, 5, seed=0)
    trainer.network.eval()
    features = model.phi.features("video", _view(0))
    assert torch.allclose(trainer.network(_view(0)), trainer.network.layer(features))
    for step in range(3):
        trainer.step(_view(step), torch.tensor([0, 1, 2, 0]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.phi.state_dict().items())
    learnt = trainer.network.phi.state_dict()
    changed = {name.split(".")[1] for name in before if not torch.equal(before[name], learnt[name])}
    assert changed == {"video"}
    assert not any(torch.equal(before[n], learnt[n]) for n in before if n.startswith("encoders.video") and "conv" in n)


@pytest.mark.parametrize("factor", [1.0, 0.1, 0.0])
def test_a_step_equals_sgd_with_a_scaled_learning_rate_for_the_encoder(model: PretrainedModel, factor: float) -> None:
    trainer = _trainer(model, 2, replace(PLAIN, encoder_lr=factor), 5, seed=0)
    targets = torch.tensor([0, 1, 1, 0])
    trainer.network.train()
    named = dict(trainer.network.named_parameters())
    names = ("layer.weight", next(n for n, p in named.items() if p.requires_grad and n.startswith("phi")))
    loss = F.cross_entropy(trainer.network(_view(1)), targets)
    gradients = torch.autograd.grad(loss, [named[name] for name in names])
    before = [named[name].detach().clone() for name in names]
    assert trainer.step(_view(1), targets) == pytest.approx(float(loss.detach()), rel=1e-4)
    for name, old, gradient, rate in zip(names, before, gradients, (0.1, factor * 0.1), strict=True):
        expected = old - rate * (gradient + 0.01 * old)
        assert torch.allclose(named[name], expected, rtol=1e-4, atol=1e-6), name


def test_the_learning_rate_follows_the_schedule_of_the_paper(model: PretrainedModel) -> None:
    trainer = _trainer(model, 2, Finetuning(), 2, seed=0)
    rates = []
    for step in range(20):
        trainer.step(_view(step), torch.tensor([0, 1, 0, 1]))
        rates.append(trainer.optimiser.param_groups[1]["lr"])
    assert rates[0] == pytest.approx(0.0025 + 0.0175 / 4)
    assert rates[3:12] == pytest.approx([0.02] * 9)
    assert rates[12:16] == pytest.approx([2e-4] * 4)
    assert rates[16:] == pytest.approx([2e-6] * 4)


def test_training_resumes_bit_for_bit(model: PretrainedModel) -> None:
    targets = torch.tensor([0, 1, 1, 0])
    whole, first = (_trainer(model, 2, PLAIN, 5, seed=0) for _ in range(2))
    losses = [whole.step(_view(step), targets) for step in range(4)]
    for step in range(2):
        first.step(_view(step), targets)
    second = _trainer(model, 2, PLAIN, 5, seed=9)
    second.load_state(first.state())
    assert [second.step(_view(step), targets) for step in (2, 3)] == losses[2:]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_the_layer_can_be_initialised_orthogonally(model: PretrainedModel) -> None:
    layer = _trainer(model, 3, replace(PLAIN, orthogonal=True), 5, seed=0).network.layer
    assert torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
    assert not layer.bias.any()
