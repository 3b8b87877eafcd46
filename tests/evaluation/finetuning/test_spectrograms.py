from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.spectrograms import (
    audio_finetuning,
    classify,
    end_to_end_score,
    train_classifier,
    training_settings,
)
from avgdt.evaluation.finetuning.trainer import Classifier
from avgdt.evaluation.folds import cross_validation
from avgdt.evaluation.metrics import fold_metrics
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel

FINETUNING = audio_finetuning(epochs=12, lr=3e-3, batch=8)
ONE_EPOCH = audio_finetuning(epochs=1, lr=3e-3, batch=8)


@pytest.fixture
def spectrograms() -> np.ndarray:
    """Return spectrograms (24, 3, 16, 199) with noise and a band whose frequency depends on the class."""
    generator = np.random.default_rng(0)
    spectrograms = generator.normal(size=(24, 3, 16, 199)).astype(np.float32)
    spectrograms[::2, :, 2:6] += 2
    spectrograms[1::2, :, 9:13] += 2
    return spectrograms


def test_finetuning_starts_from_the_encoder_and_leaves_it_unchanged(
    model: PretrainedModel, spectrograms: np.ndarray
) -> None:
    encoder = model.phi.encoders["audio"]
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    folds = cross_validation([Segment(i, "123"[i // 2 % 3], "ab"[i % 2]) for i in range(24)], ["1", "2", "3"])
    calls = []
    metrics = fold_metrics(
        folds,
        lambda fold: end_to_end_score(model, spectrograms, folds, fold, FINETUNING, 0, lambda: calls.append(1)),
    )
    training = training_settings(FINETUNING, 0)
    assert metrics["accuracy"] > 0.9
    assert len(metrics["folds"]) == 3
    assert len(calls) == 3 * 12
    assert training["epochs"] == 12
    assert training["masks"] == {
        "frequency_masks": 1,
        "frequency_width": 3,
        "time_masks": 1,
        "time_width": 6,
    }
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_training_changes_all_parameters_and_depends_on_the_seed(
    model: PretrainedModel, spectrograms: np.ndarray
) -> None:
    encoder, targets = model.phi.encoders["audio"], np.arange(24) % 2

    def trained(seed: int) -> Classifier:
        return train_classifier(model, spectrograms, targets, 2, ONE_EPOCH, seed)

    once = trained(0)
    after = once.phi.encoders["audio"].state_dict()
    moved = {name for name, p in encoder.named_parameters() if not torch.equal(p, after[name])}
    assert moved == {name for name, _ in encoder.named_parameters()}
    again, other = trained(0), trained(1)
    assert all(torch.equal(a, b) for a, b in zip(once.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(once.parameters(), other.parameters(), strict=True))
    assert not once.training


def test_scores_of_sub_clips_are_averaged(model: PretrainedModel, spectrograms: np.ndarray) -> None:
    network = train_classifier(model, spectrograms, np.arange(24) % 2, 2, ONE_EPOCH, 0)
    with torch.inference_mode():
        slow = [
            int(np.mean([network(torch.from_numpy(p)[None, None]).softmax(1)[0].numpy() for p in windows], 0).argmax())
            for windows in spectrograms
        ]
    assert classify(network, spectrograms, model.precision).tolist() == slow


@pytest.mark.parametrize("epochs", [1, 12])
def test_diverged_training_raises_an_error(model: PretrainedModel, spectrograms: np.ndarray, epochs: int) -> None:
    folds = cross_validation([Segment(i, "123"[i // 2 % 3], "ab"[i % 2]) for i in range(24)], ["1", "2", "3"])
    wild = audio_finetuning(epochs, lr=1e30, batch=24)
    with pytest.raises(EvaluationError, match=r"finetuning: .* lower the learning rate"):
        end_to_end_score(model, spectrograms, folds, folds.folds[0], wild, 0, lambda: None)
