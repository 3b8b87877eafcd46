"""Composition of generalized data transformations: the views of a recording, and which of them attract or repel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise, product
from typing import Any, Literal, get_args

from avgdt.composition.audio_augmentations import AudioAugmentation
from avgdt.composition.distinguishable import check_distinguishable
from avgdt.composition.errors import CompositionError, require
from avgdt.composition.factors import Factor, Level, ModalityName, TimeShift
from avgdt.composition.video_augmentations import (
    CentreCrop,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.composition.view import Time, View

Partners = Literal["different", "equal", "both"]
Matrix = tuple[tuple[bool, ...], ...]
"""Relation between T views, as a (T, T) boolean matrix."""


@dataclass(frozen=True, init=False)
class Composition:
    """Composition of transformations (section 3.1 of the paper): factors that determine T views and their relations."""

    factors: tuple[Factor, ...]
    """Factors in which views differ."""
    time: Time = field(default_factory=Time)
    """Rules for the start times of the windows."""
    video: tuple[VideoAugmentation, ...] = ()
    """Augmentations of video views, in the order of their application."""
    audio: tuple[AudioAugmentation, ...] = ()
    """Augmentations of audio views, in the order of their application."""
    partners: Partners = "different"
    """Pairs of modalities that are compared in the loss: different, equal, or both."""

    def __init__(
        self,
        *positional: Factor,
        factors: Iterable[Factor] = (),
        time: Time | None = None,
        video: Iterable[VideoAugmentation] = (),
        audio: Iterable[AudioAugmentation] = (),
        partners: Partners = "different",
    ) -> None:
        """Compose factors, given as arguments or as ``factors``. Raises :class:`CompositionError` if invalid."""
        values = {
            "factors": (*positional, *factors),
            "time": time or Time(),
            "video": tuple(video),
            "audio": tuple(audio),
            "partners": partners,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        axes = Counter(factor.axis for factor in self.factors)
        repeated = [axis for axis, times in axes.items() if times > 1]
        require(axes["modality"] > 0, "Composition: factors must include Modality()")
        require(not repeated, f"Composition: only one factor may set a view's {', '.join(repeated)}")
        require(
            self.partners in get_args(Partners), f"Composition: partners must be one of {', '.join(get_args(Partners))}"
        )
        check_video_augmentations(self.video)
        check_distinguishable(self.factors, self.time, self.video, self.audio, across=self.partners != "equal")
        require(
            any(map(any, self.attract)),
            f"Composition: no view attracts another (partners: {self.partners}); "
            "make a factor invariant (--composition shift-invariant), add Repeats(2), or choose other partners",
        )

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The T views: every combination of one level per factor, with the modality varying slowest."""
        factors = sorted(self.factors, key=lambda factor: factor.axis != "modality")
        views = []
        choices: Iterable[tuple[Level, ...]] = product(*(factor.levels for factor in factors))
        for levels in choices:
            words = [factor.label(level) for factor, level in zip(factors, levels, strict=True)]
            choice = {factor.axis: level for factor, level in zip(factors, levels, strict=True)}
            views.append(View(**choice, name=" ".join(filter(None, words))))  # type: ignore[arg-type]
        return tuple(views)

    @cached_property
    def attract(self) -> Matrix:
        """Relation c(i, j), (T, T): whether views i and j are compared in the loss and agree in every distinctive
        factor."""
        return self._relation(lambda a, b: not self._distinguished(a, b))

    @cached_property
    def repel(self) -> Matrix:
        """Relation w(i, j), (T, T): whether views i and j of a recording are compared in the loss and differ in a
        distinctive factor."""
        return self._relation(self._distinguished)

    @property
    def modalities(self) -> tuple[ModalityName, ...]:
        """Modalities of the views, without duplicates."""
        return tuple(dict.fromkeys(view.modality for view in self.views))

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the time windows of the views, without duplicates."""
        return tuple(dict.fromkeys(view.window for view in self.views))

    @property
    def clips(self) -> tuple[tuple[str, float], ...]:
        """Clips of a recording from which its views are made, as distinct pairs (window, speed), with speed 1 first."""
        return tuple(dict.fromkeys(view.clip for view in self.views))

    @property
    def fastest(self) -> float:
        """Highest playback speed of the views; a window must be this many times as long as a clip."""
        return max(view.speed for view in self.views)

    @property
    def shift(self) -> float:
        """Minimum distance in seconds between the starts of the two windows; 0 for a single window."""
        return next((factor.at_least for factor in self.factors if isinstance(factor, TimeShift)), 0.0)

    @property
    def crop(self) -> int | None:
        """Side in pixels of the square crop of video views; None if frames are not cropped."""
        return crop_size(self.video)

    def describe(self) -> str:
        """Describe the composition and the relations of its views as text: a attracts, r repels, . is not compared."""
        augmentations = {modality: getattr(self, modality) for modality in self.modalities}
        lines = [
            f"T = {len(self.views)} views of {' and '.join(self.modalities)}; {self.partners} modalities are compared: "
            f"{sum(map(sum, self.attract))} ordered pairs attract, {sum(map(sum, self.repel))} repel",
            f"factors: {', '.join(map(_written, self.factors))}",
            *(
                f"{modality}: {', '.join(map(_written, steps)) or 'no augmentation'}"
                for modality, steps in augmentations.items()
            ),
            f"windows: {_written(self.time)}",
            _table([view.name for view in self.views], self.attract, self.repel),
        ]
        return "\n".join(lines)

    def _meet(self, a: View, b: View) -> bool:
        return self.partners == "both" or (a.modality == b.modality) == (self.partners == "equal")

    def _distinguished(self, a: View, b: View) -> bool:
        axes = [factor.axis for factor in self.factors if factor.distinctive]
        return any(getattr(a, axis) != getattr(b, axis) for axis in axes)

    def _relation(self, holds: Callable[[View, View], bool]) -> Matrix:
        return tuple(tuple(a != b and self._meet(a, b) and holds(a, b) for b in self.views) for a in self.views)


def crop_size(video: Iterable[VideoAugmentation]) -> int | None:
    """Return the side in pixels of the square crop among video augmentations, or None if there is no crop."""
    return next((a.size for a in video if isinstance(a, RandomCrop | CentreCrop | RandomResizedCrop)), None)


def check_video_augmentations(video: Sequence[VideoAugmentation]) -> None:
    """Raise :class:`CompositionError` if there are two crops or no fitting crop directly after a ShortSideJitter."""
    crops = [a for a in video if isinstance(a, RandomCrop | CentreCrop | RandomResizedCrop)]
    require(len(crops) <= 1, "Composition: video may have only one crop")
    for jitter, following in pairwise((*video, None)):
        if isinstance(jitter, ShortSideJitter):
            _check_crop(jitter, following)


def _check_crop(jitter: ShortSideJitter, after: VideoAugmentation | None) -> None:
    if not isinstance(after, RandomCrop | CentreCrop):
        raise CompositionError(
            "Composition: in video a ShortSideJitter must be followed directly by RandomCrop or CentreCrop, "
            "so that all clips of a batch have the same size"
        )
    require(
        after.size <= jitter.low,
        f"Composition: a crop of {after.size} does not fit into a short side of {jitter.low} pixels; "
        "lower its size or raise ShortSideJitter's low",
    )


def _written(value: Any) -> str:
    """Return the constructor call of a dataclass, without fields that have their default values."""
    changed = sorted((f for f in fields(value) if getattr(value, f.name) != f.default), key=lambda f: f.kw_only is True)
    return f"{type(value).__name__}({', '.join(f'{f.name}={getattr(value, f.name)!r}' for f in changed)})"


def _table(names: Sequence[str], attract: Matrix, repel: Matrix) -> str:
    """Return a table with one row and one column per view: a attracts, r repels, . is not compared."""
    width = max(map(len, names))
    digits = len(str(len(names) - 1))
    lines = [" " * (digits + width + 3) + " ".join(f"{j:>{digits}}" for j in range(len(names)))]
    for i, name in enumerate(names):
        marks = ("a" if a else "r" if r else "." for a, r in zip(attract[i], repel[i], strict=True))
        lines.append(f"{i:>{digits}} {name:<{width}}  " + " ".join(f"{mark:>{digits}}" for mark in marks))
    return "\n".join(lines)
