from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avgdt.evaluation.classifier import classify
from avgdt.evaluation.end_to_end import Training, end_to_end_figures, train_classifier
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import make_folds
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel

TRAINING = Training(epochs=12, rate=3e-3, seed=0, batch=8)


@pytest.fixture
def pictures() -> np.ndarray:
    """(24, 3, 16, 199): bands at a height that tells the class, in noise."""
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(24, 3, 16, 199)).astype(np.float32)
    pictures[::2, :, 2:6] += 2
    pictures[1::2, :, 9:13] += 2
    return pictures


def test_trained_from_the_encoder_which_stays_as_it_is(model: PretrainedModel, pictures: np.ndarray) -> None:
    encoder = model.phi.encoders["audio"]
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    folds = make_folds([Segment(i, "123"[i // 2 % 3], "ab"[i % 2]) for i in range(24)], ["1", "2", "3"])
    calls = []
    figures = end_to_end_figures(encoder, pictures, folds, TRAINING, model.precision, lambda: calls.append(1))
    assert figures["accuracy"] > 0.9
    assert len(figures["folds"]) == 3
    assert len(calls) == 3 * 12
    assert figures["training"]["epochs"] == 12
    assert figures["training"]["masks"] == {
        "frequency_masks": 1,
        "frequency_width": 3,
        "time_masks": 1,
        "time_width": 6,
    }
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_training_moves_everything_and_follows_the_seed(model: PretrainedModel, pictures: np.ndarray) -> None:
    encoder, targets = model.phi.encoders["audio"], np.arange(24) % 2

    def trained(training: Training) -> torch.nn.Module:
        return train_classifier(encoder, pictures, targets, 2, training, model.precision)

    once = trained(replace(TRAINING, epochs=1))
    moved = {name for name, p in encoder.named_parameters() if not torch.equal(p, once.encoder.state_dict()[name])}  # type: ignore[union-attr, operator]
    assert moved == {name for name, _ in encoder.named_parameters()}
    again, other = trained(replace(TRAINING, epochs=1)), trained(replace(TRAINING, epochs=1, seed=1))
    assert all(torch.equal(a, b) for a, b in zip(once.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(once.parameters(), other.parameters(), strict=True))
    assert not once.training


def test_sub_clips_are_classified_on_their_own_and_averaged(model: PretrainedModel, pictures: np.ndarray) -> None:
    network = train_classifier(
        model.phi.encoders["audio"], pictures, np.arange(24) % 2, 2, replace(TRAINING, epochs=1), model.precision
    )
    with torch.inference_mode():
        slow = [
            int(np.mean([network(torch.from_numpy(p)[None, None]).softmax(1)[0].numpy() for p in windows], 0).argmax())
            for windows in pictures
        ]
    assert classify(network, pictures, model.precision).tolist() == slow


@pytest.mark.parametrize("epochs", [1, 12])
def test_a_training_that_diverges_is_no_figure(model: PretrainedModel, pictures: np.ndarray, epochs: int) -> None:
    folds = make_folds([Segment(i, "123"[i // 2 % 3], "ab"[i % 2]) for i in range(24)], ["1", "2", "3"])
    wild = replace(TRAINING, rate=1e30, epochs=epochs, batch=24)
    with pytest.raises(EvaluationError, match=r"training_rate: .* lower the rate"):
        end_to_end_figures(model.phi.encoders["audio"], pictures, folds, wild, model.precision, lambda: None)
