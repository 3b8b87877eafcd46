"""Randomness is a function of seed, epoch, recording and view, and of nothing else."""

from __future__ import annotations

from itertools import product

import numpy as np

from avgdt.transforms.rng import view_generator, view_generators


def test_the_same_four_numbers_draw_the_same() -> None:
    np.testing.assert_array_equal(view_generator(1, 2, 3, 4).random(5), view_generator(1, 2, 3, 4).random(5))


def test_any_other_number_draws_otherwise() -> None:
    firsts = {view_generator(*numbers).integers(0, 2**62) for numbers in product(range(4), repeat=4)}
    assert len(firsts) == 4**4


def test_view_zero_is_not_the_stream_of_the_recording_itself() -> None:
    # numpy fills short entropy up with zeros, so that (1, 2, 3) and (1, 2, 3, 0) are one stream
    plain = np.random.default_rng((1, 2, 3)).random(5)
    assert not np.array_equal(view_generator(1, 2, 3, 0).random(5), plain)


def test_each_recording_has_its_own() -> None:
    draws = [g.random() for g in view_generators(0, 0, [7, 3, 7], 1)]
    assert draws == [view_generator(0, 0, 7, 1).random(), view_generator(0, 0, 3, 1).random(), draws[0]]
