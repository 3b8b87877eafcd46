"""Random compositions, and slow reference implementations of their views and relations."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from avgdt.composition.audio_augmentations import Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, Strength, TimeShift
from avgdt.composition.video_augmentations import Flip

SPEEDS = (1.0, 2.0, 0.5)
STRENGTHS = (1.0, 0.25)
View = tuple[str, str, bool, float, float, int]


@dataclass(frozen=True)
class Plan:
    """Description of a composition; a factor is None if it is absent, True if distinctive and False if invariant."""

    modalities: tuple[str, ...]
    shift: bool | None
    reversal: bool | None
    speed: bool | None
    strength: bool | None
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
        if self.strength is not None:
            factors.append(Strength(STRENGTHS, distinctive=self.strength, invariant=not self.strength))
        if self.draws is not None:
            factors.append(Repeats(self.draws))
        return Composition(*factors, video=(Flip(),), audio=(Volume(0.5, 1.5),), partners=self.partners)

    def views(self) -> list[View]:
        views = []
        for modality in self.modalities:
            for window in ("now",) if self.shift is None else ("now", "later"):
                for direction in (False,) if self.reversal is None else (False, True):
                    for speed in (1.0,) if self.speed is None else SPEEDS:
                        for strength in (1.0,) if self.strength is None else STRENGTHS:
                            for draw in range(self.draws or 1):
                                views.append((modality, window, direction, speed, strength, draw))
        return views

    def relation(self, query: View, key: View) -> str:
        if query == key:
            return "."
        (m, w, r, f, a, _), (n, v, s, g, b, _) = query, key
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
        if self.strength is True and a != b:
            return "r"
        return "a"

    def letters(self) -> list[str]:
        views = self.views()
        return ["".join(self.relation(query, key) for key in views) for query in views]


plans = st.builds(
    Plan,
    modalities=st.sampled_from([("video", "audio"), ("audio", "video"), ("video",), ("audio",)]),
    shift=st.sampled_from([None, True, False]),
    reversal=st.sampled_from([None, True, False]),
    speed=st.sampled_from([None, True, False]),
    strength=st.sampled_from([None, True, False]),
    draws=st.sampled_from([None, 1, 2, 3]),
    partners=st.sampled_from(["different", "equal", "both"]),
)
