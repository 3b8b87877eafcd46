"""Tests of Volume and SpecAugment against slow loops: number, width, position and value of the masks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from avgdt.composition.audio_augmentations import SpecAugment, Volume
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.errors import TransformError
from avgdt.transforms.rng import view_generators

MELS, TIME = 40, 99


def spectrograms(batch: int) -> torch.Tensor:
    """Return standardised spectrograms without zeros, so that every zero belongs to a mask."""
    values = np.random.default_rng(1).normal(size=(batch, MELS, TIME))
    return torch.from_numpy(np.where(abs(values) < 0.01, 0.01, values).astype(np.float32))


def masked(masks: SpecAugment, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which mels (batch, MELS) and time steps (batch, TIME) are masked, as bool."""
    before = spectrograms(batch)
    after = augment_spectrogram(before, masks, view_generators(0, 0, range(batch), 0))
    hidden = (after == 0).numpy()
    assert torch.equal(after[~torch.from_numpy(hidden)], before[~torch.from_numpy(hidden)])
    mels, time = hidden.all(axis=2), hidden.all(axis=1)
    np.testing.assert_array_equal(hidden, mels[:, :, None] | time[:, None, :])
    return mels, time


def runs(row: np.ndarray) -> list[tuple[int, int]]:
    """Return (start, width) of each run of True."""
    found, start = [], None
    for place, value in enumerate([*row.tolist(), False]):
        if value and start is None:
            start = place
        if not value and start is not None:
            found.append((start, place - start))
            start = None
    return found


@pytest.mark.parametrize("masks", [SpecAugment.mild(), SpecAugment.strong(), SpecAugment(3, 8, 0, 0)])
def test_values_equal_those_of_slow_loops(masks: SpecAugment) -> None:
    before = spectrograms(20)
    after = augment_spectrogram(before, masks, view_generators(2, 3, range(20), 1))
    for item, random in enumerate(view_generators(2, 3, range(20), 1)):
        expected = before[item].clone()
        for _ in range(masks.frequency_masks):
            width = int(random.integers(0, masks.frequency_width + 1))
            start = int(random.integers(0, MELS - width + 1))
            for mel in range(start, start + width):
                for step in range(TIME):
                    expected[mel, step] = 0.0
        for _ in range(masks.time_masks):
            width = int(random.integers(0, masks.time_width + 1))
            start = int(random.integers(0, TIME - width + 1))
            for step in range(start, start + width):
                for mel in range(MELS):
                    expected[mel, step] = 0.0
        assert torch.equal(after[item], expected)


def test_widths_of_a_mask_are_uniform_and_every_position_occurs() -> None:
    mels, time = masked(SpecAugment(1, 3, 1, 6), 3000)
    for rows, widest, size in ((mels, 3, MELS), (time, 6, TIME)):
        mask_runs = [runs(row) for row in rows]
        assert max(map(len, mask_runs)) == 1
        widths = Counter(run[0][1] if run else 0 for run in mask_runs)
        assert set(widths) == set(range(widest + 1))
        expected = 3000 / (widest + 1)
        assert all(abs(count - expected) < 5 * expected**0.5 for count in widths.values())
        assert rows.any(axis=0).all()
        assert rows[:, 0].any()
        assert rows[:, size - 1].any()


def test_two_masks_may_overlap() -> None:
    mels, time = masked(SpecAugment.strong(), 500)
    for rows, widest in ((mels, 3), (time, 6)):
        mask_runs = [runs(row) for row in rows]
        assert max(map(len, mask_runs)) == 2
        assert max(row.sum() for row in rows) > widest
        assert max(row.sum() for row in rows) <= 2 * widest


def test_spec_augment_none_changes_nothing() -> None:
    before = spectrograms(3)
    assert torch.equal(augment_spectrogram(before, SpecAugment.none(), view_generators(0, 0, range(3), 0)), before)


def test_masks_may_fill_the_spectrogram_but_not_exceed_it() -> None:
    whole = augment_spectrogram(spectrograms(50), SpecAugment(1, MELS, 0, 0), view_generators(0, 0, range(50), 0))
    assert (whole == 0).flatten(1).all(dim=1).any()
    for masks in (SpecAugment(1, MELS + 1, 0, 0), SpecAugment(0, 0, 1, TIME + 1)):
        with pytest.raises(TransformError, match="SpecAugment's widths"):
            augment_spectrogram(spectrograms(1), masks, view_generators(0, 0, [0], 0))


def test_volume_scales_a_clip_by_one_factor_within_its_bounds() -> None:
    waveform = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 50)).astype(np.float32))
    ratio = (augment_waveform(waveform, Volume(0.5, 1.5), view_generators(0, 0, range(300), 0)) / waveform).numpy()
    np.testing.assert_allclose(ratio, ratio[:, :1].repeat(50, axis=1), rtol=1e-5)
    assert 0.5 <= ratio.min() < 0.52
    assert 1.48 < ratio.max() <= 1.5 + 1e-5
    assert len(set(ratio[:, 0].round(4))) > 250


def test_masks_of_an_item_do_not_depend_on_the_other_items() -> None:
    before, order = spectrograms(6), [5, 1]
    together = augment_spectrogram(before, SpecAugment.strong(), view_generators(0, 4, range(6), 1))
    separate = augment_spectrogram(before[order], SpecAugment.strong(), view_generators(0, 4, order, 1))
    assert torch.equal(separate, together[order])
