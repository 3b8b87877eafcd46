"""Tests that random numbers depend only on seed, epoch, recording and view."""

from __future__ import annotations

from itertools import product

import numpy as np

from avgdt.transforms.rng import view_generator, view_generators


def test_equal_keys_give_equal_random_numbers() -> None:
    np.testing.assert_array_equal(view_generator(1, 2, 3, 4).random(5), view_generator(1, 2, 3, 4).random(5))


def test_different_keys_give_different_random_numbers() -> None:
    firsts = {view_generator(*numbers).integers(0, 2**62) for numbers in product(range(4), repeat=4)}
    assert len(firsts) == 4**4


def test_the_generator_of_view_zero_differs_from_that_of_the_recording() -> None:
    # NumPy pads short entropy with zeros, so (1, 2, 3) and (1, 2, 3, 0) would give the same generator
    plain = np.random.default_rng((1, 2, 3)).random(5)
    assert not np.array_equal(view_generator(1, 2, 3, 0).random(5), plain)


def test_each_recording_has_its_own_generator() -> None:
    draws = [g.random() for g in view_generators(0, 0, [7, 3, 7], 1)]
    assert draws == [view_generator(0, 0, 7, 1).random(), view_generator(0, 0, 3, 1).random(), draws[0]]
