"""ESC-50 (section 4.2): classification of environmental sounds in official folds, by a linear layer on frozen features.

In the paper, each sound is cut into ten equally spaced 2-second sub-clips. The output of the last convolution is
max-pooled to 512 x 2 x 3 features. A linear layer is trained on every sub-clip (Adam with learning rate 1e-4, weight
decay 5e-4 and batch size 512), and the class probabilities of the sub-clips are averaged. Logistic regression and
k-nearest neighbours are evaluated as controls, with C and k selected on one of the training folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from avgdt.data.benchmarks.esc50 import deal_sources, read_layout
from avgdt.data.benchmarks.layout import Layout
from avgdt.data.errors import DataError
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import LEAST, cross_validation
from avgdt.evaluation.linear_layer import linear_layer_fold
from avgdt.evaluation.probes import logistic_regression_fold, nearest_neighbours_fold
from avgdt.evaluation.sub_clips import SubClipOptions, SubClips, sub_clip_metrics

SUB_CLIPS = SubClips(10, 2.0)


@dataclass(frozen=True)
class Esc50(SubClipOptions):
    """ESC-50 protocol: 2000 sounds of 50 classes in five folds, with frozen features of ten 2-second sub-clips."""

    name: ClassVar[str] = "esc50"
    title: ClassVar[str] = "ESC-50"
    summary: ClassVar[str] = "sound classification, 50 classes, five folds, on frozen features of ten sub-clips each"
    ten_classes: ClassVar[bool] = False

    folds: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Folds for cross-validation, at least three; each is the test set once, with the others as the training set."""
    test_folds: tuple[int, ...] = ()
    """Folds that are used as test sets; by default, all. If the network was pretrained on some folds, give the others.
    """
    epochs: int = 100
    """Number of training epochs of the linear layer; if 0, a number from 10 to 400 is selected on one of the training
    folds."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Cross-validate over the folds; ``comparison.data`` is the folder of ESC-50."""
        layout, names = read_layout(comparison.data, self.ten_classes), [str(fold) for fold in self.folds]
        chosen = [entry for entry in layout.entries if entry.extra["fold"] in names]
        tested = [str(fold) for fold in self.test_folds]
        return _measure(self, self.epochs, comparison, Layout(chosen, layout.unlisted), names, tested)


@dataclass(frozen=True)
class Esc10(Esc50):
    """ESC-10 protocol: 400 sounds of 10 classes of ESC-50 in five folds, with frozen features of 2-second sub-clips."""

    name: ClassVar[str] = "esc10"
    title: ClassVar[str] = "ESC-10"
    summary: ClassVar[str] = "sound classification, 10 classes, five folds, on frozen features of ten sub-clips each"
    ten_classes: ClassVar[bool] = True


@dataclass(frozen=True)
class Esc50Fold(SubClipOptions):
    """Cross-validation within one fold of ESC-50, which is divided into parts by source recording.

    For the features and probes, see :class:`Esc50`. The results are not comparable with results on ESC-50, because the
    training sets are much smaller, by a factor of about six with three parts.
    """

    name: ClassVar[str] = "esc50_fold"
    title: ClassVar[str] = "One fold of ESC-50"
    summary: ClassVar[str] = "sound classification within one fold, split by source recording; not an official result"

    fold: int = 4
    """Fold to use, from 1 to 5."""
    parts: int = 3
    """Number of parts, at least three; each is the test set once, with the others as the training set."""
    epochs: int = 100
    """Number of training epochs of the linear layer; if 0, a number from 10 to 400 is selected on one of the training
    parts."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Cross-validate over the parts; ``comparison.data`` is the folder of ESC-50."""
        if self.parts < LEAST:
            raise EvaluationError(
                f"parts: {self.parts} is too few; use {LEAST} or more: one for testing, one for "
                "validation, the others for training"
            )
        layout = read_layout(comparison.data, esc10=False)
        entries = [entry for entry in layout.entries if entry.extra["fold"] == str(self.fold)]
        if not entries:
            raise DataError(f"{comparison.data}: lists no sound of fold {self.fold}; use a fold from 1 to 5")
        parts = Layout(deal_sources(entries, self.parts), layout.unlisted)
        return _measure(self, self.epochs, comparison, parts, [str(part + 1) for part in range(self.parts)])


def _measure(
    options: SubClipOptions,
    epochs: int,
    comparison: Comparison,
    layout: Layout,
    names: Sequence[str],
    tested: Sequence[str] = (),
) -> dict[str, Any]:
    if epochs < 0:
        raise EvaluationError(f"epochs: {epochs} is too few; use 0 or more")
    segments, folds, result = sub_clip_metrics(
        options,
        comparison,
        layout,
        SUB_CLIPS,
        columns=("fold", "category"),
        split=lambda segments: cross_validation(segments, names, tested),
        probes={
            "linear_layer": partial(linear_layer_fold, epochs=epochs, seed=options.seed),
            "logistic_regression": lambda x, folds, fold: logistic_regression_fold(x.mean(axis=1), folds, fold),
            "nearest_neighbours": lambda x, folds, fold: nearest_neighbours_fold(x.mean(axis=1), folds, fold),
        },
        settings={"epochs": epochs, "seed": options.seed},
    )
    sizes = {"sounds": len(segments), "classes": len(folds.classes), "folds": len(folds.folds)}
    return {"sizes": sizes, **result}
