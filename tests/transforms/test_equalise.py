from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.composition.audio_augmentations import Equaliser
from avgdt.composition.errors import CompositionError
from avgdt.transforms.audio_augmentation import equalise
from avgdt.transforms.rng import view_generators

RATE = 8000


def tones(frequency: float, batch: int) -> torch.Tensor:
    times = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * frequency * times) * np.hanning(RATE)
    return torch.from_numpy(np.tile(tone, (batch, 1)).astype(np.float32))


@pytest.mark.parametrize("frequency", [10.0, 200.0, 1000.0, 3500.0])
def test_a_tone_is_amplified_by_the_gain_of_the_curve(frequency: float) -> None:
    equaliser = Equaliser(decibels=9.0, points=5)
    before = tones(frequency, 6)
    after = equalise(before, equaliser, view_generators(1, 2, range(6), 3))
    for item, random in enumerate(view_generators(1, 2, range(6), 3)):
        curve = random.uniform(-9.0, 9.0, 5)
        octave = (8 + np.log2(max(frequency / (RATE / 2), 1 / 256))) / 8 * 4
        low = min(int(octave), 3)
        expected = curve[low] + (octave - low) * (curve[low + 1] - curve[low])
        gain = 20 * np.log10(float(after[item].norm() / before[item].norm()))
        assert gain == pytest.approx(expected, abs=0.1)


def test_equalisation_does_not_shift_events() -> None:
    click = torch.zeros(1, RATE)
    click[0, RATE // 2] = 1.0
    after = equalise(click, Equaliser(), view_generators(0, 0, [0], 0))[0].abs()
    assert int(after.argmax()) == RATE // 2
    assert float(after[: RATE // 2 - 400].max()) < 0.02 * float(after.max())


def test_a_flat_curve_changes_nothing_and_invalid_values_raise_errors() -> None:
    before = torch.from_numpy(np.random.default_rng(0).normal(size=(2, RATE)).astype(np.float32))
    after = equalise(before, Equaliser(decibels=0.0), view_generators(0, 0, range(2), 0))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    for decibels, points in ((-1.0, 12), (3.0, 1)):
        with pytest.raises(CompositionError, match="Equaliser"):
            Equaliser(decibels, points)
