"""Has it learnt something that holds for recordings it never learnt from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from avgdt.evaluation.metrics import wilson_interval
from avgdt.report.guessing import guessed_accuracy
from avgdt.report.run_folder import RunFolder

SUSPICIOUS = 0.25
"""From this share of re-identified training recordings on, held-out recordings at chance call for a warning."""

Standing = Literal["holds", "shortcut", "chance", "unknown"]


@dataclass(frozen=True)
class Judgement:
    """How training and held-out recordings compare."""

    standing: Standing
    """holds: better than chance on held-out recordings; shortcut: well in training, chance on them; chance: neither."""
    trained: float
    """Share of recordings re-identified in the last tenth of the training steps."""
    trained_chance: float
    """The share by guessing."""
    found: float
    """Share of held-out recordings found within the first ``first``, mean of both ways."""
    first: int
    candidates: int

    @property
    def found_chance(self) -> float:
        """The share by guessing."""
        return self.first / self.candidates if self.candidates else 0.0


def places_counted(candidates: int) -> int:
    """Within how many first places a recording counts as found: the most that guessing reaches at most 1 time in 4."""
    return max(k for k in (1, 5, 10) if k == 1 or k / candidates <= 0.25)


def judge(run: RunFolder, ways: Mapping[str, Mapping[str, Any]] | None) -> Judgement:
    """Judge by retrieval among held-out recordings: ``ways``, or else the run's last look at them."""
    last = run.train[-max(1, len(run.train) // 10) :]
    trained = float(np.mean([line["accuracy"] for line in last]))
    trained_chance = guessed_accuracy(run.recipe, int(run.train[-1]["step"]))
    ways = ways or (run.heldout[-1] if run.heldout else None)
    if ways is None:
        return Judgement("unknown", trained, trained_chance, 0.0, 1, 0)
    candidates = int(ways["video_to_audio"]["gallery"])
    first = places_counted(candidates)
    found = float(np.mean([ways[way][f"r{first}"] for way in ("video_to_audio", "audio_to_video")]))
    least, _ = wilson_interval(round(found * candidates), candidates)
    standing: Standing = "chance"
    if least > first / candidates:
        standing = "holds"
    elif trained >= SUSPICIOUS:
        standing = "shortcut"
    return Judgement(standing, trained, trained_chance, found, first, candidates)
