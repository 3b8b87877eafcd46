"""The algebra against a slow re-statement of its definition, over random compositions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avgdt.recipes.composition import Composition, CompositionError, Draws, Modality, Reversal, Speed, TimeShift

SPEEDS = (1.0, 2.0, 0.5)
View = tuple[str, str, bool, float, int]


@dataclass(frozen=True)
class Plan:
    """A composition in other words: None is a factor left out, True a distinctive one."""

    modalities: tuple[str, ...]
    shift: bool | None
    reversal: bool | None
    speed: bool | None
    draws: int | None
    partners: str

    def build(self) -> Composition:
        factors = [Modality(self.modalities)]
        if self.shift is not None:
            factors.append(TimeShift(0.5, distinctive=self.shift, invariant=not self.shift))
        if self.reversal is not None:
            factors.append(Reversal(distinctive=self.reversal, invariant=not self.reversal))
        if self.speed is not None:
            factors.append(Speed(SPEEDS, distinctive=self.speed, invariant=not self.speed))
        if self.draws is not None:
            factors.append(Draws(self.draws))
        return Composition(*factors, partners=self.partners)

    def views(self) -> list[View]:
        found = []
        for modality in self.modalities:
            for window in ("now",) if self.shift is None else ("now", "later"):
                for direction in (False,) if self.reversal is None else (False, True):
                    for speed in (1.0,) if self.speed is None else SPEEDS:
                        for draw in range(self.draws or 1):
                            found.append((modality, window, direction, speed, draw))
        return found

    def relation(self, one: View, other: View) -> str:
        if one == other:
            return "."
        (m, w, r, f, _), (n, v, s, g, _) = one, other
        if self.partners == "different" and m == n:
            return "."
        if self.partners == "equal" and m != n:
            return "."
        if self.shift is True and w != v:
            return "r"
        if self.reversal is True and r != s:
            return "r"
        if self.speed is True and f != g:
            return "r"
        return "a"

    def letters(self) -> list[str]:
        views = self.views()
        return ["".join(self.relation(one, other) for other in views) for one in views]


plans = st.builds(
    Plan,
    modalities=st.sampled_from([("video", "audio"), ("audio", "video"), ("video",), ("audio",)]),
    shift=st.sampled_from([None, True, False]),
    reversal=st.sampled_from([None, True, False]),
    speed=st.sampled_from([None, True, False]),
    draws=st.sampled_from([None, 1, 2, 3]),
    partners=st.sampled_from(["different", "equal", "both"]),
)


def letters(composition: Composition) -> list[str]:
    return [
        "".join(
            "a" if a and not r else "r" if r and not a else "." if not a else "?" for a, r in zip(*rows, strict=True)
        )
        for rows in zip(composition.attract, composition.repel, strict=True)
    ]


@settings(deadline=None)
@given(plans)
def test_views_and_relations_are_those_of_the_definition(plan: Plan) -> None:
    if not any("a" in row for row in plan.letters()):
        with pytest.raises(CompositionError, match="no view attracts"):
            plan.build()
        return
    composition = plan.build()
    assert [(v.modality, v.window, v.reversed, v.speed, v.draw) for v in composition.views] == plan.views()
    assert letters(composition) == plan.letters()


@settings(deadline=None)
@given(plans)
def test_relations_are_symmetrical_disjoint_and_never_with_oneself(plan: Plan) -> None:
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
def test_invariant_factors_multiply_the_pairs_and_only_distinctive_ones_repel(plan: Plan) -> None:
    try:
        composition = plan.build()
    except CompositionError:
        return
    if True not in (plan.shift, plan.reversal, plan.speed):
        assert not any(map(any, composition.repel))
    if plan.partners == "different":
        groups, alike = 1, plan.draws or 1
        for levels, choice in ((2, plan.shift), (2, plan.reversal), (3, plan.speed)):
            groups *= levels if choice is True else 1
            alike *= levels if choice is False else 1
        assert sum(map(sum, composition.attract)) == 2 * groups * alike * alike
        assert sum(map(sum, composition.repel)) == 2 * groups * (groups - 1) * alike * alike


def test_modality_slicing_is_equation_six() -> None:
    composition = Composition(Modality())
    assert [view.name for view in composition.views] == ["video", "audio"]
    assert composition.attract == ((False, True), (True, False))
    assert composition.repel == ((False, False), (False, False))


def test_sound_alone_attracts_its_two_draws() -> None:
    composition = Composition(Modality(("audio",)), Draws(2), partners="equal")
    assert [(view.modality, view.draw) for view in composition.views] == [("audio", 0), ("audio", 1)]
    assert composition.attract == ((False, True), (True, False))
    assert not any(map(any, composition.repel))


def test_eight_views_by_hand() -> None:
    composition = Composition(Modality(), TimeShift(0.5, distinctive=True), Reversal(invariant=True))
    upper, lower = ["....aarr", "....aarr", "....rraa", "....rraa"], ["aarr....", "aarr....", "rraa....", "rraa...."]
    assert letters(composition) == upper + lower


def test_all_negatives_of_two_distinctive_factors_are_counted_once() -> None:
    composition = Composition(
        Modality(), TimeShift(0.5, distinctive=True), Reversal(distinctive=True), partners="different"
    )
    assert sum(map(sum, composition.attract)) == 8
    assert sum(map(sum, composition.repel)) == 24
    assert sum(map(sum, composition.repel)) == 24  # reading a matrix does not make it grow


def test_speeds_that_must_be_told_apart_and_speeds_that_belong_together() -> None:
    apart = Composition(Modality(), Speed(distinctive=True))
    assert [view.name for view in apart.views] == ["video", "video 2x", "audio", "audio 2x"]
    assert letters(apart) == ["..ar", "..ra", "ar..", "ra.."]
    together = Composition(Modality(), Speed(invariant=True))
    assert letters(together) == ["..aa", "..aa", "aa..", "aa.."]
