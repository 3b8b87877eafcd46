"""Tests of the views and relations of random compositions against a slow reference implementation."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings

from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, Strength, TimeShift
from tests.helpers.compositions import Plan, plans


def letters(composition: Composition) -> list[str]:
    return [
        "".join(
            "a" if a and not r else "r" if r and not a else "." if not a else "?" for a, r in zip(*rows, strict=True)
        )
        for rows in zip(composition.attract, composition.repel, strict=True)
    ]


@settings(deadline=None)
@given(plans)
def test_views_and_relations_equal_the_definition(plan: Plan) -> None:
    if not any("a" in row for row in plan.letters()):
        with pytest.raises(CompositionError, match="no view attracts"):
            plan.build()
        return
    composition = plan.build()
    assert [
        (v.modality, v.window, v.reversed, v.speed, v.strength, v.repeat) for v in composition.views
    ] == plan.views()
    assert letters(composition) == plan.letters()


@settings(deadline=None)
@given(plans)
def test_relations_are_symmetric_disjoint_and_irreflexive(plan: Plan) -> None:
    try:
        composition = plan.build()
    except CompositionError:
        return
    attract, repel = composition.attract, composition.repel
    for i in range(len(composition.views)):
        assert not attract[i][i]
        assert not repel[i][i]
    for i, j in combinations(range(len(composition.views)), 2):
        assert attract[i][j] == attract[j][i]
        assert repel[i][j] == repel[j][i]
        assert not (attract[i][j] and repel[i][j])
    assert len({view.name for view in composition.views}) == len(composition.views)


@settings(deadline=None)
@given(plans)
def test_invariant_factors_add_attracting_pairs_and_only_distinctive_factors_repel(plan: Plan) -> None:
    try:
        composition = plan.build()
    except CompositionError:
        return
    if True not in (plan.shift, plan.reversal, plan.speed, plan.strength):
        assert not any(map(any, composition.repel))
    if plan.partners == "different":
        groups, alike = 1, plan.draws or 1
        for levels, choice in ((2, plan.shift), (2, plan.reversal), (3, plan.speed), (2, plan.strength)):
            groups *= levels if choice is True else 1
            alike *= levels if choice is False else 1
        assert sum(map(sum, composition.attract)) == 2 * groups * alike * alike
        assert sum(map(sum, composition.repel)) == 2 * groups * (groups - 1) * alike * alike


def test_modality_slicing_follows_equation_6_of_the_paper() -> None:
    composition = Composition(Modality())
    assert [view.name for view in composition.views] == ["video", "audio"]
    assert composition.attract == ((False, True), (True, False))
    assert composition.repel == ((False, False), (False, False))


def test_repeated_views_of_audio_attract_each_other() -> None:
    composition = Composition(Modality(("audio",)), Repeats(2), partners="equal")
    assert [(view.modality, view.repeat) for view in composition.views] == [("audio", 0), ("audio", 1)]
    assert composition.attract == ((False, True), (True, False))
    assert not any(map(any, composition.repel))


def test_the_relations_of_eight_views_equal_a_matrix_written_by_hand() -> None:
    composition = Composition(Modality(), TimeShift(0.5, distinctive=True), Reversal(invariant=True))
    upper, lower = ["....aarr", "....aarr", "....rraa", "....rraa"], ["aarr....", "aarr....", "rraa....", "rraa...."]
    assert letters(composition) == upper + lower


def test_negatives_of_two_distinctive_factors_are_counted_once() -> None:
    composition = Composition(
        Modality(), TimeShift(0.5, distinctive=True), Reversal(distinctive=True), partners="different"
    )
    assert sum(map(sum, composition.attract)) == 8
    assert sum(map(sum, composition.repel)) == 24
    assert sum(map(sum, composition.repel)) == 24  # reading a matrix does not add entries to it


def test_speeds_attract_if_invariant_and_repel_if_distinctive() -> None:
    apart = Composition(Modality(), Speed(distinctive=True))
    assert [view.name for view in apart.views] == ["video", "video 2x", "audio", "audio 2x"]
    assert letters(apart) == ["..ar", "..ra", "ar..", "ra.."]
    together = Composition(Modality(), Speed(invariant=True))
    assert letters(together) == ["..aa", "..aa", "aa..", "aa.."]


def test_invariant_strengths_attract() -> None:
    composition = Composition(Modality(("audio",)), Strength((1.0, 0.5), invariant=True), partners="equal")
    assert [view.name for view in composition.views] == ["audio", "audio strength 0.5"]
    assert letters(composition) == [".a", "a."]
