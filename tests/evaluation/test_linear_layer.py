from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avgdt.evaluation import linear_layer
from avgdt.evaluation.folds import Folds
from avgdt.evaluation.linear_layer import fresh_layer, linear_layer_fold, mean_scores, predict, train_layer


def clouds(recordings: int, windows: int, classes: int, seed: int, repeat: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    targets = np.arange(recordings) % classes
    features = np.eye(classes, 12)[targets][:, None] + 0.3 * generator.normal(size=(recordings, windows, 12))
    return np.tile(features, repeat).astype(np.float32), targets


def test_a_step_equals_adam_with_weight_decay_on_the_mean_loss() -> None:
    features, targets = clouds(6, 2, 3, seed=0)
    start = fresh_layer(12, 3, torch.Generator().manual_seed(5))
    assert start.weight.abs().max() <= 12**-0.5
    layer = train_layer(features, targets, 3, epochs=1, seed=5)
    # In a single batch of all twelve sub-clips, the first step of Adam is the learning rate times the gradient's sign.
    weight, bias = start.weight.detach().requires_grad_(), start.bias.detach()
    logits = torch.from_numpy(features).reshape(12, 12) @ weight.T + bias
    truth = torch.tensor([t for t in targets for _ in range(2)])
    loss = -logits.log_softmax(1)[torch.arange(12), truth].mean() + 5e-4 / 2 * weight.square().sum()
    (gradient,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(layer.weight, weight - 1e-4 * gradient / (gradient.abs() + 1e-8), atol=1e-7, rtol=0)


def test_an_epoch_uses_every_sub_clip_once_in_batches_of_512() -> None:
    features, targets = clouds(120, 10, 3, seed=0)
    steps = []
    original = torch.optim.Adam.step
    done = []
    try:
        torch.optim.Adam.step = lambda self, *a: steps.append(1) or original(self, *a)  # type: ignore[method-assign]
        train_layer(features, targets, 3, 4, 0, lambda epoch, layer: done.append((epoch, len(steps))))
    finally:
        torch.optim.Adam.step = original  # type: ignore[method-assign]
    assert done == [(1, 3), (2, 6), (3, 9), (4, 12)]


def test_training_depends_on_the_seed_only() -> None:
    (features, targets), (unseen, truth) = clouds(60, 4, 3, seed=0, repeat=64), clouds(30, 4, 3, seed=1, repeat=64)
    before = torch.get_rng_state()
    layer = train_layer(features, targets, 3, 400, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert (predict(layer, unseen) == truth).mean() > 0.9
    again, other = (train_layer(features, targets, 3, 3, seed) for seed in (0, 1))
    assert torch.equal(train_layer(features, targets, 3, 3, 0).weight, again.weight)
    assert not torch.equal(other.weight, again.weight)


def test_probabilities_of_the_sub_clips_of_a_recording_are_averaged() -> None:
    # Two sub-clips slightly favour class 0, one strongly favours class 1: the mean probability is higher for class 1.
    logits = torch.tensor([[[0.2, 0.0], [0.2, 0.0], [0.0, 5.0]], [[1.0, 0.0]] * 3])
    p = 1 / (1 + np.exp(-0.2))
    q = 1 / (1 + np.exp(5.0))
    torch.testing.assert_close(mean_scores(logits)[0, 0], torch.tensor((2 * p + q) / 3, dtype=torch.float32))
    assert mean_scores(logits).argmax(dim=1).tolist() == [1, 0]
    layer = torch.nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2))
    assert predict(layer, logits.numpy()).tolist() == [1, 0]


def test_the_test_fold_does_not_affect_the_chosen_epochs(
    features: np.ndarray, folds: Folds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_layer, "EPOCHS", (1, 50, 200))
    fold = folds.folds[0]
    poisoned = features.copy()
    poisoned[fold.test] = 1e3
    wrong = folds.targets.copy()
    wrong[fold.test] = (wrong[fold.test] + 1) % 3
    honest = linear_layer_fold(features, folds, fold, 0, seed=0)
    for other in (
        linear_layer_fold(poisoned, folds, fold, 0, seed=0),
        linear_layer_fold(features, replace(folds, targets=wrong), fold, 0, seed=0),
    ):
        assert other.details == honest.details
        assert other.score.accuracy != honest.score.accuracy
    tried = {one["epochs"]: one["val_accuracy"] for one in honest.details["tried"]}
    assert list(tried) == [1, 50, 200]
    assert tried[honest.details["chosen"]["epochs"]] == max(tried.values())


def test_the_final_layer_is_trained_on_train_and_val(features: np.ndarray, folds: Folds) -> None:
    fold = folds.folds[0]
    fixed = linear_layer_fold(features, folds, fold, 100, seed=0)
    assert fixed.details == {"chosen": {"epochs": 100}, "tried": []}
    # If the layer is also trained on val, shuffled labels of val must change it.
    shuffled = folds.targets.copy()
    shuffled[fold.val] = np.roll(shuffled[fold.val], 5)
    spoilt = linear_layer_fold(features, replace(folds, targets=shuffled), fold, 100, seed=0)
    assert (spoilt.score.confusion != fixed.score.confusion).any()
