"""Metrics of a training run on which its verdict is based: training metrics and held-out retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import Any

from avgdt.evaluation.chance import chance_accuracy, chance_loss, recall_rank
from avgdt.evaluation.metrics import NORMAL_95, wilson_interval
from avgdt.recipes.recipe import Recipe

LATE = 0.6
"""Fraction of the epochs after which a run without any sign of generalisation is no longer considered to be on the
initial plateau. Healthy runs leave the plateau within half of their epochs."""
LEAST_STEPS = 400
"""Number of training steps before which accuracy at chance level is normal. Healthy runs stay at chance level for 200
to 400 steps."""
DIRECTIONS = ("video_to_audio", "audio_to_video")


@dataclass(frozen=True)
class Training:
    """Training metrics on which the verdict is based."""

    step: int
    """Number of training steps so far."""
    late: bool
    """Whether training has passed the fraction ``LATE`` of its epochs and ``LEAST_STEPS`` steps, by which a successful
    run has left the initial plateau."""
    accuracy: float
    """Re-identification accuracy, averaged over the last tenth of the logged training metrics."""
    interval: tuple[float, float]
    """95 % confidence interval of ``accuracy``; all queries of a recording are counted as one trial."""
    chance: float
    """Chance level of ``accuracy``."""
    loss: float
    """Loss, averaged over the last tenth of the logged training metrics."""
    reference_loss: float
    """Reference loss for detecting divergence: the first logged loss or, for NCE, the chance level if it is larger."""
    growth: float
    """Ratio of the recent gradient norm to the first logged non-zero norm; 0 if there is none."""
    std: float
    """Std of the embeddings, the smaller of the values for video and audio; 1 if it was not logged."""

    @classmethod
    def of(cls, recipe: Recipe, train: Sequence[Mapping[str, Any]]) -> Training:
        """Summarise the lines of kind "train" of ``metrics.jsonl``; there must be at least one line."""
        last, step = train[-max(1, len(train) // 10) :], int(train[-1]["step"])
        accuracy = _mean(last, "accuracy", 0.0)
        trials = len(last) * recipe.run.log_every * recipe.run.batch
        reference_loss = float(train[0].get("loss", 0.0))
        if recipe.objective.loss == "nce":
            reference_loss = max(reference_loss, chance_loss(recipe, step))
        # At the first step, the memory bank is empty, so there are no negatives and the gradient is zero.
        first = next((float(line["gradient_norm"]) for line in train if line.get("gradient_norm", 0.0) > 0), 0.0)
        return cls(
            step=step,
            late=float(train[-1]["epoch"]) >= LATE * recipe.schedule.epochs and step >= LEAST_STEPS,
            accuracy=accuracy,
            interval=wilson_interval(round(accuracy * trials), trials),
            chance=chance_accuracy(recipe, step),
            loss=_mean(last, "loss", 0.0),
            reference_loss=reference_loss,
            growth=_mean(last, "gradient_norm", 0.0) / first if first > 0 else 0.0,
            std=min(_mean(last, f"std_{modality}", 1.0) for modality in ("video", "audio")),
        )


@dataclass(frozen=True)
class RetrievalMetrics:
    """Retrieval metrics of recordings outside the training set, averaged over video-to-audio and audio-to-video."""

    recalls: Mapping[int, float]
    """Recall at k, for k = 1, 5 and 10."""
    median_rank: float | None
    gallery: int

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> RetrievalMetrics:
        """Return the metrics in a line of kind "heldout" of ``metrics.jsonl``, or in other data of the same form."""
        recalls = {k: fmean(line[direction][f"r{k}"] for direction in DIRECTIONS) for k in (1, 5, 10)}
        known = all("median_rank" in line[direction] for direction in DIRECTIONS)
        median = fmean(line[direction]["median_rank"] for direction in DIRECTIONS) if known else None
        return cls(recalls, median, int(line[DIRECTIONS[0]]["gallery"]))

    @property
    def k(self) -> int:
        """Value of k for which the recall at k is compared with its chance level."""
        return recall_rank(self.gallery)

    @property
    def chance(self) -> float:
        """Chance level of the recall at :attr:`k`."""
        return min(1.0, self.k / self.gallery)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the recall at :attr:`k`."""
        return self._interval(self.recalls[self.k])

    @property
    def above_chance(self) -> bool:
        """Whether the recall at :attr:`k` is significantly above chance level."""
        return self.interval[0] > self.chance

    @property
    def any_sign(self) -> bool:
        """Whether the recall or the median rank is significantly better than chance; the median rank improves first.

        At chance level, the ranks are uniformly distributed over 1 to n, so the standard deviation of their median is
        near sqrt(n) / 2.
        """
        if self.median_rank is None:
            return self.above_chance
        return self.above_chance or self.median_rank < (self.gallery + 1) / 2 - NORMAL_95 * sqrt(self.gallery) / 2

    def at(self, chance: float) -> tuple[float, float]:
        """Return the 95 % confidence interval of the recall at the value of k whose chance level is ``chance``.

        k is limited to the range from 1 to 10, and the recall is interpolated between k = 1, 5 and 10. The interval can
        be compared with a training accuracy that has the same chance level, even if the numbers of keys differ.
        """
        rank = min(10.0, max(1.0, chance * self.gallery))
        low = 1 if rank < 5 else 5
        high = 5 if rank < 5 else 10
        weight = (rank - low) / (high - low)
        return self._interval(self.recalls[low] * (1 - weight) + self.recalls[high] * weight)

    def _interval(self, recall: float) -> tuple[float, float]:
        return wilson_interval(round(recall * self.gallery), self.gallery)


def _mean(lines: Sequence[Mapping[str, Any]], name: str, default: float) -> float:
    values = [float(line[name]) for line in lines if name in line]
    return fmean(values) if values else default
